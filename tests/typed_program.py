"""A program as a user writes it, for mypy and pyright in their strict modes (`.ci/run`); it is never run.

A line that is wrong says so: a checker that would accept it complains about the comment.
"""

from collections.abc import Callable
from typing import assert_type

import vitascope


async def right() -> None:
    """Use every function with its own keywords."""
    assert_type(vitascope.generate("a cat", seed=7, seconds=2), vitascope.Clip)
    assert_type(vitascope.extend("a.mp4", "a cat", steps=4, camera="zoom-in"), vitascope.Clip)
    assert_type(vitascope.edit("a.mp4", "a cat", lora="a.safetensors"), vitascope.Clip)
    assert_type(vitascope.stream("a cat", size=(256, 256)), vitascope.FrameStream)
    assert_type(vitascope.make_film({}, "a.mp4", progress=vitascope.Progress()), vitascope.Record)
    task = vitascope.agenerate("a cat", seconds=2)
    async for event in task:
        assert_type(event, vitascope.Event)
    assert_type(await task, vitascope.Clip)
    assert_type(await vitascope.aextend("a.mp4", "a cat", before=True), vitascope.Clip)
    assert_type(await vitascope.aedit("a.mp4", "a cat", span="1s-2s"), vitascope.Clip)
    assert_type(await vitascope.amake_film({}, "a.mp4"), vitascope.Record)
    assert_type(await vitascope.astream("a cat"), vitascope.AsyncFrameStream)


def wrong() -> list[Callable[[], object]]:
    """Misspell a keyword, leave one out, give one of another type."""
    return [
        lambda: vitascope.generate("a cat", stepz=4),  # type: ignore[call-arg]
        lambda: vitascope.extend("a.mp4", "a cat", steps="many"),  # type: ignore[arg-type]
        lambda: vitascope.edit("a.mp4", "a cat", fit="squash"),  # type: ignore[arg-type]
        lambda: vitascope.stream("a cat", second=1),  # type: ignore[call-arg]
        lambda: vitascope.agenerate("a cat", stepz=4),  # type: ignore[call-arg]
        lambda: vitascope.aedit("a.mp4"),  # type: ignore[call-arg]
    ]

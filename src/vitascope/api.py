"""The Python contract: `vitascope.generate(prompt, ...) -> Clip`, with the names of the command line's flags."""

import secrets
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from vitascope.backends.registry import backend
from vitascope.errors import RequestError
from vitascope.pipeline import generate as run
from vitascope.progress import Event, Progress
from vitascope.prompt.moves import parse_moves
from vitascope.types import CameraMove, Clip, Shot


def make_shot(
    prompt: str,
    *,
    seconds: float | int | None = None,
    num_frames: int | None = None,
    fps: float | int | None = None,
    size: tuple[int, int] | str | None = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    guidance_scale: float | int | None = None,
    negative_prompt: str = "",
    camera: str | Sequence[CameraMove] | None = None,
    style: str | None = None,
    model: str = "toybox",
) -> Shot:
    """Return the shot that was asked for, with a seed drawn when none was said. Raises `RequestError`."""
    try:
        return Shot(
            prompt=prompt,
            negative_prompt=negative_prompt,
            seconds=seconds,
            num_frames=num_frames,
            fps=fps,
            size=parse_size(size) if isinstance(size, str) else size,
            aspect_ratio=aspect_ratio,
            seed=secrets.randbelow(2**32) if seed is None else seed,
            steps=steps,
            guidance_scale=guidance_scale,
            camera=parse_moves(camera)
            if isinstance(camera, str)
            else None
            if camera is None
            else tuple(camera),
            style=style,
            model=model,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(".".join(str(part) for part in first["loc"][:1]), first["msg"].lower()) from None


def parse_size(text: str) -> tuple[int, int]:
    """Read "128x128" as (width, height); raises `RequestError`."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) == 2 and all(part.strip().isdecimal() and len(part) < 8 for part in parts):
        return int(parts[0]), int(parts[1])
    raise RequestError("size", f"{text[:40]!r} is not a size", "write it as WIDTHxHEIGHT, as in 128x128")


def generate(
    prompt: str,
    *,
    seconds: float | int | None = None,
    num_frames: int | None = None,
    fps: float | int | None = None,
    size: tuple[int, int] | str | None = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    guidance_scale: float | int | None = None,
    negative_prompt: str = "",
    camera: str | Sequence[CameraMove] | None = None,
    style: str | None = None,
    model: str = "toybox",
    progress: Progress | Callable[[Event], None] | None = None,
) -> Clip:
    """Make a clip from words and return it; `clip.save("cat.mp4")` writes it.

    `size` is (width, height) in pixels; `camera` is words as in "zoom-in 0.3, pan-left" or `CameraMove`s; without a
    `seed` one is drawn, and `clip.record.shot.seed` tells it. `clip.record.notes` says what was guessed or changed.
    `progress` hears an `Event` for every step. Raises `RequestError` for a request that cannot be met, `WeightsError`
    for a model that is missing or damaged, and `Cancelled`.
    """
    shot = make_shot(
        prompt,
        seconds=seconds,
        num_frames=num_frames,
        fps=fps,
        size=size,
        aspect_ratio=aspect_ratio,
        seed=seed,
        steps=steps,
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        camera=camera,
        style=style,
        model=model,
    )
    return run(shot, backend(model), progress if isinstance(progress, Progress) else Progress(progress))

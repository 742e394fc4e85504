"""Looks at a file from outside in a process of its own, `python -m vitascope.server.check`, which may come to harm.

Decoders are large, and strangers write what they read. So the first look at an upload happens here, with little memory,
little time and nothing that may be written but one picture; what is left of a file that breaks it is an exit status.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from vitascope.errors import RequestError

MEMORY = 2**30
CPU_SECONDS, WALL_SECONDS = 20, 60
STILL_BYTES = 64 * 2**20
AT_ONCE = 2
"""Looks that are taken at the same time; more would let many small requests take much memory."""
_looks = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Finding:
    """What a file holds: `picture` or `video`, its (width, height), frames and seconds."""

    kind: str
    format: str
    size: tuple[int, int]
    num_frames: int
    seconds: float


def check(path: Path, argument: str, still: Path | None = None) -> Finding:
    """Return what an uploaded file holds; its first frame goes to the file `still`, as PNG.

    Raises `RequestError` for `argument` when it holds no picture and no video that can be read within the limits.
    """
    command = [sys.executable, "-m", "vitascope.server.check", argument, str(path), str(still or "")]
    told = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ}
    try:
        with _looks:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=WALL_SECONDS,
                env=told | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise RequestError(argument, "takes too long to read", "save it anew, shorter or smaller") from None
    except ValueError:
        raise RequestError(argument, "could not be read within the limits", "save it anew") from None
    if "problem" in answer:
        raise RequestError(argument, answer["problem"], answer["nearest"])
    return Finding(**{**answer, "size": tuple(answer["size"])})


def _look(argument: str, path: str, still: str) -> dict[str, object]:
    """Return what the file holds, or what is wrong with it; the name it lies under is not for those who sent it."""
    from vitascope.intake.video import probe

    try:
        facts = probe(path, argument)
        if still:
            _save_still(argument, path, facts.kind, still)
    except RequestError as error:
        name = str(path)
        return {"problem": error.problem.replace(name, "the file"), "nearest": error.nearest}
    width, height = facts.size
    told = {"kind": facts.kind, "format": facts.format, "size": (width, height)}
    return told | {"num_frames": facts.num_frames, "seconds": facts.seconds}


def _save_still(argument: str, path: str, kind: str, still: str) -> None:
    from PIL import Image

    from vitascope.intake.picture import read_picture
    from vitascope.intake.video import opened_video

    if kind == "picture":
        pixels = read_picture(path, argument).pixels
    else:
        with opened_video(path, argument) as reel:
            pixels = next(iter(reel.frames())).pixels()
    Image.fromarray(pixels).save(still, "PNG")


def _confine() -> None:
    """Give up all but a little memory, time and room for files, for good."""
    if sys.platform == "win32":
        return
    import resource

    limits = {
        resource.RLIMIT_DATA: MEMORY,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: STILL_BYTES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for limit, most in limits.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    _confine()
    sys.stdout.write(json.dumps(_look(*sys.argv[1:4])))

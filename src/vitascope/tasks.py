"""Tasks as Givens: image to video, keyframes, extension, inpainting, editing differ in nothing else.

Each function turns a person's files and times into what a shot is given. Adding a task? Copy `first_frame`.
"""

from collections.abc import Sequence
from pathlib import Path

from vitascope.camera.times import read_moment, read_span
from vitascope.errors import RequestError
from vitascope.limits import check_text
from vitascope.types import Fit, Given

LAST = 86_400.0
"""A time later than any shot ends: planning moves it to the shot's last frame."""

Box = tuple[float, float, float, float]


def first_frame(image: str | Path, fit: Fit = "crop") -> Given:
    """Return what makes a picture the first frame."""
    return Given(kind="image", source=str(image), fit=fit)


def last_frame(image: str | Path, fit: Fit = "crop") -> Given:
    """Return what makes a picture the last frame."""
    return keyframe(image, LAST, fit)


def keyframe(image: str | Path, seconds: float, fit: Fit = "crop") -> Given:
    """Return what shows a picture at a time of the shot."""
    return Given(kind="image", source=str(image), start=seconds, fit=fit)


def reference(image: str | Path, fit: Fit = "pad") -> Given:
    """Return what shows who is meant, without being part of the shot."""
    return Given(kind="image", source=str(image), role="reference", fit=fit)


def continued(video: str | Path, seconds_before: float = 0.0, fit: Fit = "crop") -> Given:
    """Return what keeps a video as it is, after so many seconds that are still to be made."""
    return Given(kind="video", source=str(video), start=seconds_before or None, fit=fit)


def region(
    video: str | Path, mask: str | Path | None = None, box: Box | None = None, fit: Fit = "crop"
) -> Given:
    """Return what keeps a video but for the white of a mask or a box (x, y, width, height in shares).

    With neither, all of the video is kept, and with `fit="pad"` the bars around it are made: outpainting.
    """
    return Given(kind="video", source=str(video), mask=None if mask is None else str(mask), box=box, fit=fit)


def retake(video: str | Path, start: float, end: float, fit: Fit = "crop") -> tuple[Given, Given]:
    """Return what keeps a video before and after a span of seconds."""
    before = Given(kind="video", source=str(video), end=start, fit=fit)
    return before, Given(kind="video", source=str(video), start=end, offset=end, fit=fit)


def edited(video: str | Path, fit: Fit = "crop") -> Given:
    """Return what an edit by instruction starts from."""
    return Given(kind="video", source=str(video), role="source", fit=fit)


def pose(video: str | Path, fit: Fit = "crop") -> Given:
    """Return what shows how a body is to move: a video of its pose, as the model's own preprocessing draws it."""
    return Given(kind="video", source=str(video), role="pose", fit=fit)


def face(video: str | Path, fit: Fit = "crop") -> Given:
    """Return what shows how a face is to move: a video of nothing but a face."""
    return Given(kind="video", source=str(video), role="face", fit=fit)


def parse_keyframes(texts: Sequence[str] | None) -> dict[float, str]:
    """Read "1.5s=FILE" each; raises `RequestError`."""
    frames: dict[float, str] = {}
    for text in texts or ():
        check_text("keyframe", text)
        moment_text, _, file = text.partition("=")
        moment = read_moment(moment_text)
        if moment is None or not moment.in_seconds or not file:
            raise RequestError("keyframe", f"{text[:60]!r} is not a time and a file", "write it as 1.5s=FILE")
        frames[moment.value] = file
    return frames


def parse_span(text: str, seconds: float) -> tuple[float, float]:
    """Read "1s-2s" or "50%-100%" of a clip that lasts `seconds`; raises `RequestError`."""
    start, end = read_span("span", text, seconds)
    return start * seconds, end * seconds


def parse_box(text: str, size: tuple[int, int]) -> Box:
    """Read "x,y,w,h" as shares of a picture of `size`, or as its pixels when any is above 1; raises `RequestError`."""
    try:
        x, y, wide, high = (float(part) for part in text.split(","))
    except ValueError:
        problem = f"{text[:40]!r} is not a box"
        raise RequestError("box", problem, "write it as X,Y,W,H, as in 0.25,0.5,0.5,0.5") from None
    if max(x, y, wide, high) > 1:
        x, y, wide, high = x / size[0], y / size[1], wide / size[0], high / size[1]
    if not (0 <= x < 1 and 0 <= y < 1 and 0 < wide <= 1 - x + 1e-6 and 0 < high <= 1 - y + 1e-6):
        raise RequestError("box", f"{text[:40]} lies outside the picture", "shares of it run from 0 to 1")
    return x, y, min(wide, 1 - x), min(high, 1 - y)

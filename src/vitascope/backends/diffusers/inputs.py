"""What a shot is given, as a pipeline of diffusers takes it: pictures, lists of pictures, and conditions in time.

All comes in through the intake, at the size and frame rate that were planned.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
from PIL import Image

from vitascope.givens.load import Known, gather, read
from vitascope.media.image import read_picture
from vitascope.media.video import probe
from vitascope.types import Given, Shot, VideoShape

UNKNOWN = 128
"""The grey that stands for pixels that are to be made; models with masks were taught it."""
FACE = 512
"""Pixels of a side of the face that models look at."""
CONDITIONS = "conditions"
"""What pipelines call frames that are known at their times."""

Pictures = list[Image.Image]


def values(shot: Shot, names: dict[str, str], pipeline: Any, time_stride: int) -> dict[str, Any]:
    """Return the values of the nouns among `names` that stand for what is given, by noun."""
    if not shot.givens:
        return {}
    if "mask" in names:
        return _masked(shot, names, time_stride)
    timed = [noun for noun, name in names.items() if name == CONDITIONS]
    if timed:
        return dict.fromkeys(timed, _conditions(shot, pipeline, time_stride))
    by_noun = {noun: make(shot) for noun, make in _NOUNS.items() if noun in names}
    return {noun: value for noun, value in by_noun.items() if value is not None}


def _masked(shot: Shot, names: dict[str, str], time_stride: int) -> dict[str, Any]:
    """Return the clip as far as it is known, a mask that is white where it is not, and who is meant."""
    gathered = gather(shot, time_stride)
    references = _references(shot)
    laid = {"references": references} if references and "references" in names else {}
    if not gathered.canvas.known.any():
        return laid
    canvas = gathered.canvas
    frames = np.where(canvas.known[..., None], canvas.frames, np.uint8(UNKNOWN))
    mask = np.where(canvas.known, np.uint8(0), np.uint8(255))
    return {**laid, "video": _pictures(frames), "mask": [Image.fromarray(plane) for plane in mask]}


def _pictures(frames: Iterable[np.ndarray]) -> Pictures:
    return [Image.fromarray(frame) for frame in frames]


def _picture(shot: Shot, given: Given) -> Image.Image:
    return Image.fromarray(read(given, shot.video_shape()).frames[0])


def _stills(shot: Shot) -> list[Given]:
    """Return the pictures that are frames of the shot, in their order in time."""
    stills = [given for given in shot.givens if given.kind == "image" and given.role == "frame"]
    return sorted(stills, key=lambda given: given.start or 0.0)


def _first(shot: Shot) -> Image.Image | None:
    """Return the first frame, or who is meant, for a model that is shown that as its picture."""
    stills = _stills(shot)
    if stills:
        return _picture(shot, stills[0])
    return next(iter(_references(shot) or ()), None)


def _last(shot: Shot) -> Image.Image | None:
    stills = _stills(shot)
    return _picture(shot, stills[-1]) if len(stills) > 1 else None


def _references(shot: Shot) -> Pictures | None:
    """Return the reference pictures as they are: pipelines fit them by rules of their own."""
    matches = [given.source for given in shot.givens if given.role == "reference"]
    return _pictures(read_picture(source, "reference").pixels for source in matches) or None


def _video(shot: Shot) -> Pictures | None:
    """Return the clip that an edit starts from, or the beginning that is to be gone on from."""
    gathered: Known = gather(shot, 1)
    if gathered.source is not None:
        return _pictures(gathered.source)
    return _pictures(gathered.canvas.frames[: gathered.canvas.ready]) or None


def _pose(shot: Shot) -> Pictures | None:
    """Return how the body moves, in as many frames of the planned size as the shot has."""
    return _moving(shot, "pose", shot.video_shape())


def _face(shot: Shot) -> Pictures | None:
    """Return how the face moves: square pictures, no larger than a model looks at, as many as the shot has."""
    matches = [probe(given.source, "face_video").size for given in shot.givens if given.role == "face"]
    side = min([FACE, *(side for size in matches for side in size)])
    return _moving(shot, "face", replace(shot.video_shape(), width=side, height=side))


def _moving(shot: Shot, role: str, shape: VideoShape) -> Pictures | None:
    for given in shot.givens:
        if given.role == role:
            pictures = _pictures(read(given, shape).frames)
            # A pipeline makes as many frames as it is given, and the length was rounded to the model's rule.
            return pictures + pictures[-1:] * (shape.num_frames - len(pictures))
    return None


_NOUNS: dict[str, Callable[[Shot], Any]] = {
    "image": _first,
    "last_image": _last,
    "references": _references,
    "video": _video,
    "pose": _pose,
    "face": _face,
}


@dataclass(frozen=True)
class _Moment:
    """Frames that are known, and the frame of the shot where the first of them lies."""

    frames: Pictures
    index: int


def _conditions(shot: Shot, pipeline: Any, time_stride: int) -> list[Any]:
    """Return what is known as the conditions that a pipeline takes, a `time_stride` of frames apart."""
    module = import_module(type(pipeline).__module__)
    kind = next(matches for name, matches in vars(module).items() if name.endswith("VideoCondition"))
    build = _by_frames if "frames" in kind.__dataclass_fields__ else _by_kind
    return [build(kind, moment, time_stride) for moment in _moments(shot, time_stride)]


def _by_frames(kind: Any, moment: _Moment, time_stride: int) -> Any:
    """Return a condition that counts in latent frames."""
    index = _latent(moment.index, time_stride)
    return kind(frames=moment.frames[0] if len(moment.frames) == 1 else moment.frames, index=index)


def _by_kind(kind: Any, moment: _Moment, time_stride: int) -> Any:
    """Return a condition that counts in frames and tells pictures from videos."""
    if len(moment.frames) == 1:
        return kind(image=moment.frames[0], frame_index=moment.index)
    return kind(video=moment.frames, frame_index=moment.index)


def _latent(index: int, time_stride: int) -> int:
    """Return the latent frame in which a frame lies: the first stands for one frame, the others for a stride."""
    return 0 if index == 0 else 1 + (index - 1) // time_stride


def _moments(shot: Shot, time_stride: int) -> list[_Moment]:
    last = shot.video_shape().num_frames - 1
    moments = []
    for given in shot.givens:
        if given.role not in ("frame", "source"):
            continue
        frame = round((given.start or 0.0) * shot.video_shape().fps)
        index = min(time_stride * round(frame / time_stride), last)
        frames = read(given, shot.video_shape()).frames
        if given.kind == "video":
            frames = frames[: 1 + (len(frames) - 1) // time_stride * time_stride]
        moments.append(_Moment(_pictures(frames), index))
    return moments

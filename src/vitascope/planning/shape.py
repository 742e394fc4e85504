"""The shape of a clip by a model's rules: frame rate, length and size, whichever model it is.

What can be snapped is, with a note about what the person said; what cannot is refused with the nearest legal value.
A strict model refuses other sizes and frame rates, because its own are few and far apart.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vitascope.errors import RequestError, asking_the_model
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.rules import FrameRule, RateRule, SizeRule
from vitascope.types import Given, Shot

Notes = tuple[str, ...]
OVERSIZE = 1.1
"""How many times its most pixels a model may be asked for and gets the most it can instead of a refusal."""
SAME_SHAPE = 0.1
"""How far apart the logarithms of two ratios may be that still count as one."""


def no_others(_: float) -> Iterable[str]:
    """Return no names of models: what stands for those that could do more where nobody knows any."""
    return ()


@dataclass(frozen=True)
class Length:
    """A length as it was said: by which argument, in how many frames, and how many frames one of its unit has."""

    argument: str
    frames: float
    unit: float

    @property
    def value(self) -> float:
        """The length in its own unit."""
        return self.frames / self.unit


def read_length(shot: Shot, fps: float) -> Length | None:
    """Return the length that a shot asks for, None where it asks for none.

    Raises `RequestError` for frames and seconds that do not agree.
    """
    check_agreement(shot, shot.fps or fps)
    if shot.num_frames is not None:
        return Length("num_frames", float(shot.num_frames), 1.0)
    return None if shot.seconds is None else Length("seconds", shot.seconds * fps, fps)


def check_agreement(shot: Shot, fps: float | None) -> None:
    """Raise `RequestError` for a shot that says both frames and seconds, unless they agree at a frame rate."""
    if shot.seconds is None or shot.num_frames is None:
        return
    if fps is None:
        raise RequestError("seconds", "is decided by num_frames already", "give one of the two")
    if not fps > 0 or abs(shot.seconds - shot.num_frames / fps) > 1e-6:
        problem = f"{shot.seconds:g} does not agree with {shot.num_frames} frames at {fps:g} a second"
        raise RequestError("seconds", problem, "give one of the two")


def plan_rate(shot: Shot, rule: RateRule, model: str, *, strict: bool = False) -> tuple[float, Notes]:
    """Return the frame rate of a shot, and a note where it is not the one that was said."""
    if shot.fps is None or shot.fps == rule.default:
        return rule.default, ()
    if not math.isfinite(shot.fps) or shot.fps <= 0:
        raise RequestError("fps", f"{shot.fps:g} is not a frame rate", f"nearest: {rule.default:g}")
    fps = rule.snap(shot.fps)
    if fps == shot.fps:
        return fps, ()
    if strict:
        raise RequestError("fps", f"{shot.fps:g} is not the frame rate of {model}", f"nearest: {fps:g}")
    if rule.is_fixed:
        return fps, (f"fps: {shot.fps:g} becomes {fps:g}, the rate of {model}",)
    return fps, (f"fps: {shot.fps:g} becomes {fps:g}: {model} makes {rule.least:g} to {rule.most:g}",)


def plan_length(
    shot: Shot,
    rule: FrameRule,
    fps: float,
    model: str,
    *,
    strict: bool = False,
    longer: Callable[[float], Iterable[str]] = no_others,
) -> tuple[int, Notes]:
    """Return the legal number of frames nearest to what was said, and a note where that is another.

    `longer` names the models that make clips of so many seconds.
    """
    length = read_length(shot, fps)
    if length is None:
        return rule.default, ()
    if not math.isfinite(length.frames) or length.frames <= 0:
        problem = f"{length.value:g} is not a length"
        raise RequestError(length.argument, problem, f"nearest: {rule.shortest / length.unit:g}")
    slack = 0.5 if strict else rule.step / 2
    if length.frames > rule.longest + slack:
        problem = f"{length.value:g} is more than {model} can draw"
        nearest = f"nearest: {rule.longest / length.unit:g}"
        raise RequestError(length.argument, problem, _with_models(nearest, longer(length.frames / fps)))
    frames = rule.snap(length.frames)
    if abs(frames - length.frames) < 1e-6:
        return frames, ()
    clip = f"{frames} frame{'s' if frames > 1 else ''} ({frames / fps:g} s at {fps:g} fps)"
    return frames, (f"{length.argument}: {length.value:g} becomes {clip}: {model} makes {rule} frames",)


def plan_size(
    shot: Shot,
    rule: SizeRule,
    model: str,
    *,
    strict: bool = False,
    larger: Callable[[float], Iterable[str]] = no_others,
    inspector: Inspector = LOCAL,
) -> tuple[tuple[int, int], Notes]:
    """Return the legal size nearest to what was said, and a note where that is another.

    `larger` names the models that make pictures of so many pixels.
    """
    if shot.size is not None and shot.aspect_ratio is not None:
        raise RequestError("aspect_ratio", "is already decided by size", "give one of the two")
    if strict:
        return _choose_size(shot, rule, model, inspector), ()
    if shot.aspect_ratio is not None:
        return rule.of_ratio(parse_ratio(shot.aspect_ratio)), ()
    if shot.size is None:
        return rule.default, ()
    width, height = shot.size
    if width < 1 or height < 1:
        problem = f"{width}x{height} is not a size"
        raise RequestError("size", problem, f"nearest: {rule.default[0]}x{rule.default[1]}")
    size = rule.snap((width, height))
    if width * height > OVERSIZE * rule.most_pixels:
        problem, nearest = f"{width}x{height} is more than {model} can draw", f"nearest: {size[0]}x{size[1]}"
        raise RequestError("size", problem, _with_models(nearest, larger(width * height)))
    if size == shot.size:
        return size, ()
    return size, (f"size: {width}x{height} becomes {size[0]}x{size[1]}: {model} {rule}",)


def plan_extension(
    frames: int, seconds: float, rule: FrameRule, fps: float, model: str, *, before: bool = False
) -> tuple[int, int, Notes]:
    """Return how many frames an extended clip has, how many of them come before the source, and notes.

    `frames` is the length of the source at the model's frame rate. The clip is always longer than its source: as much
    longer as was asked for, as near as the model's rule lets it be. Raises `RequestError`.
    """
    if not seconds > 0:
        raise RequestError("seconds", f"{seconds:g} is not a length", f"nearest: {1 / fps:g}")
    added = seconds * fps
    with asking_the_model():
        if rule.longest <= frames:
            problem = f"lasts {frames / fps:g} s, and {model} makes {rule.longest / fps:g} s at most"
            raise RequestError("video", problem, "give a shorter one")
        if added > rule.longest - frames + 1e-6:
            nearest = f"nearest: {(rule.longest - frames) / fps:g}"
            raise RequestError("seconds", f"{seconds:g} is more than {model} can add", nearest)
    if before and not rule.choices:
        # The source must begin a whole step into the clip, or its frames would share latent frames with new ones; what
        # does not fill a step is left out at its end.
        lead = rule.step * max(1, math.floor(added / rule.step + 0.5))
        kept_frames = rule.snap_down(frames)
        lead = min(lead, rule.longest - kept_frames)
        total = lead + kept_frames
    else:
        total = max(rule.snap(frames + added), rule.snap_up(frames + 1))
        lead = total - frames if before else 0
    new = lead if before else total - frames
    if abs(new - added) < 1e-6:
        return total, lead, ()
    note = (
        f"seconds: {seconds:g} becomes {new / fps:.4g} ({total} frames in all): {model} makes {rule} frames"
    )
    return total, lead, (note,)


def plan_edit(frames: int, rule: FrameRule, fps: float, model: str) -> int:
    """Return how many frames an edited clip has: as many of its source's as the model's rule lets it have.

    Raises `RequestError` for a source that is too long.
    """
    with asking_the_model():
        if frames > rule.longest + rule.step - 1:
            problem = f"lasts {frames / fps:g} s, and {model} makes {rule.longest / fps:g} s at most"
            raise RequestError("video", problem, "give a shorter one")
    return rule.snap_down(frames)


def parse_ratio(text: str, argument: str = "aspect_ratio") -> float:
    """Return width to height of "16:9"; raises `RequestError` for `argument`."""
    parts = text.replace("/", ":").split(":")
    try:
        width, height = (float(part) for part in parts)
        if width > 0 and height > 0 and math.isfinite(width / height):
            return width / height
    except (ValueError, ZeroDivisionError):
        pass
    raise RequestError(argument, f"{text[:40]!r} is not a ratio", "write it as 16:9")


def name_models(models: Iterable[str], limit: int = 6) -> str:
    """Return models as a hint names them, "" for none."""
    ids = list(models)
    suffix = f" and {len(ids) - limit} more" if len(ids) > limit else ""
    return f"models that can: {', '.join(ids[:limit])}{suffix}" if ids else ""


def _with_models(hint: str, models: Iterable[str]) -> str:
    return "; ".join(filter(None, (hint, name_models(models))))


def _choose_size(shot: Shot, rule: SizeRule, model: str, inspector: Inspector) -> tuple[int, int]:
    """Return one of a strict model's sizes; raises `RequestError` for any other."""
    names = ", ".join(f"{width}x{height}" for width, height in rule.usual)
    if shot.size is not None:
        if shot.size in rule.usual:
            return shot.size
        width, height = shot.size
        nearest = min(rule.usual, key=lambda size: abs(size[0] - width) + abs(size[1] - height))
        problem = f"{width}x{height} is not one of the sizes of {model} ({names})"
        raise RequestError("size", problem, f"nearest: {nearest[0]}x{nearest[1]}")
    if shot.aspect_ratio is None:
        return _size_for(shot.givens, rule.usual, inspector)
    ratio = parse_ratio(shot.aspect_ratio)
    nearest = min(rule.usual, key=lambda size: abs(math.log(size[0] / size[1] / ratio)))
    if abs(math.log(nearest[0] / nearest[1] / ratio)) > SAME_SHAPE:
        problem = f"{shot.aspect_ratio} is not a ratio that {model} can draw ({names})"
        raise RequestError("aspect_ratio", problem, f"nearest: {nearest[0]}:{nearest[1]}")
    alike = tuple(size for size in rule.usual if size[0] * nearest[1] == nearest[0] * size[1])
    return _size_for(shot.givens, alike, inspector)


def _size_for(
    givens: tuple[Given, ...], sizes: tuple[tuple[int, int], ...], inspector: Inspector
) -> tuple[int, int]:
    """Return the size of a shot that says none: the first, or the one nearest to a smaller video that is given."""
    videos = [given for given in givens if given.kind == "video" and given.role in ("frame", "source")]
    if len(sizes) == 1 or not videos:
        return sizes[0]
    pixels = math.prod(inspector.facts(videos[0].source, videos[0].kind).size)
    if pixels >= math.prod(sizes[0]):
        return sizes[0]
    return min(sizes, key=lambda size: abs(math.log(math.prod(size) / pixels)))

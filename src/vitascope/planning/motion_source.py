"""Motion that is copied: a shot is as long as the videos of the pose and of the face that it follows."""

import math

from vitascope.errors import RequestError
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.media.video import EARLY
from vitascope.planning.task import task_of
from vitascope.types import MOTION, Given, Plan, Shot
from vitascope.weights.catalogue import Entry


def following(shot: Shot, entry: Entry, inspector: Inspector = LOCAL) -> Plan:
    """Return the shot as long as the shortest video that it follows, where nothing shorter was said.

    Any other shot is left as it is. Raises `RequestError` for a video that cannot be read, and for a length that there
    is no motion for.
    """
    videos = [given for given in shot.givens if given.role in MOTION]
    if not videos or "motion" not in entry.pipelines or task_of(shot, entry) != "motion":
        return Plan(shot)
    lengths = {_argument(given): _frames(given, entry.fps, inspector) for given in videos}
    shortest = min(lengths, key=lengths.__getitem__)
    available = entry.frames.snap(lengths[shortest])
    if shot.num_frames is None and shot.seconds is None:
        note = f"seconds: {available / entry.fps:.4g}, as long as the {shortest} has motion to copy"
        return Plan(shot.model_copy(update={"num_frames": available}), (note,))
    _refuse_longer(shot, entry, available, shortest)
    return Plan(shot)


def _refuse_longer(shot: Shot, entry: Entry, available: int, shortest: str) -> None:
    name, unit = ("num_frames", 1.0) if shot.num_frames is not None else ("seconds", entry.fps)
    frames = float(shot.num_frames if shot.num_frames is not None else (shot.seconds or 0.0) * entry.fps)
    if frames > available + entry.frames.step / 2 and available < entry.frames.longest:
        problem = f"{frames / unit:g} is longer than the {shortest}"
        raise RequestError(name, problem, f"nearest: {available / unit:.4g}")


def _argument(given: Given) -> str:
    return f"{given.role}_video"


def _frames(given: Given, fps: float, inspector: Inspector) -> int:
    """Return how many frames a video has at a rate, as the intake counts them."""
    facts = inspector.facts(given.source, _argument(given))
    if facts.kind == "picture":
        raise RequestError(_argument(given), f"{given.source} is a picture", "give a video")
    return max(1, math.ceil((facts.seconds - given.offset - EARLY) * fps))

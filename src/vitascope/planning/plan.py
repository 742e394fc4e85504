"""A shot for an open-weight model: what it is given decides the task, the model's entry decides what is legal.

All of this happens before anything is loaded. Diffusers itself rounds in a log line, cuts in silence or raises, each
pipeline in its own way; here what can be snapped is, with a note, and what cannot is refused with what could be had.
"""

import math
from collections.abc import Iterable

from vitascope.backends.base import MAX_GUIDANCE, MAX_SEED, MAX_STEPS, parse_ratio, within
from vitascope.camera.verbalise import tell_camera
from vitascope.errors import RequestError
from vitascope.tasks import LAST
from vitascope.types import MOTION, Given, Plan, Shot
from vitascope.weights.catalogue import Entry, Task, catalogue

STRENGTH = 0.8
"""How far an edit goes from its source when nobody says; what diffusers' pipelines do."""
TOYBOX: frozenset[Task] = frozenset(
    ["text", "image", "first-last", "keyframes", "reference", "source", "inpaint", "extend"]
)
"""The tasks of the model that ships."""
SAID: dict[Task, str] = {
    "text": "words alone",
    "image": "a first frame",
    "first-last": "a first and a last frame",
    "keyframes": "frames at times of the shot",
    "reference": "a reference picture",
    "source": "a video to change",
    "inpaint": "a video of which a part is to be made",
    "extend": "a video to go on from",
    "sound": "a sound to follow",
    "motion": "videos of how a body and a face move",
}
"""What a shot of each task is given, in words."""
OVERSIZE = 1.1
"""How many times its most pixels a model may be asked for and gets the most it can instead of a refusal."""


def plan_shot(shot: Shot, entry: Entry) -> Plan:
    """Fill in a model's defaults and snap a shot to its rules, with a note for every change.

    Raises `RequestError` for what the model cannot do, naming models that can.
    """
    task = task_of(shot, entry)
    _refuse(shot, entry, task)
    fps, rate_notes = _fps(shot, entry, task)
    num_frames, length_notes = _num_frames(shot, entry, fps)
    size, size_notes = _size(shot, entry)
    caption, caption_notes = _caption(shot, entry, task)
    known = {
        "fps": fps,
        "num_frames": num_frames,
        "seconds": num_frames / fps,
        "size": size,
        "aspect_ratio": None,
        "caption": caption,
        "camera": shot.camera or (),
    }
    numbers, number_notes = _numbers(shot, entry, task)
    notes = (*rate_notes, *length_notes, *size_notes, *caption_notes, *number_notes)
    return Plan(shot.model_copy(update={**known, **numbers}), notes)


def task_of(shot: Shot, entry: Entry | None = None) -> Task:
    """Return what kind of task a shot is by what it is given.

    Some tasks are special cases of others: of those, the first that `entry` can do is returned.
    """
    tasks = _tasks(shot)
    if entry is None:
        return tasks[0]
    can: list[Task] = [task for task in tasks if task in entry.pipelines]
    return can[0] if can else tasks[0]


def _tasks(shot: Shot) -> tuple[Task, ...]:
    """Return the tasks that a shot is a case of, the closest first."""
    sources = [given for given in shot.givens if given.role == "source"]
    videos = [given for given in shot.givens if given.role == "frame" and given.kind == "video"]
    pictures = [given for given in shot.givens if given.role == "frame" and given.kind == "image"]
    references = [given for given in shot.givens if given.role == "reference"]
    if any(given.role == "sound" for given in shot.givens):
        return ("sound",)
    if any(given.role in MOTION for given in shot.givens):
        return ("motion",)
    if sources:
        return ("source",)
    if videos:
        whole = len(videos) == 1 and not pictures and not _is_partly_wanted(videos[0])
        return ("extend", "inpaint") if whole else ("inpaint",)
    if pictures:
        return _tasks_of_pictures(pictures, shot)
    return ("reference",) if references else ("text",)


def _tasks_of_pictures(pictures: list[Given], shot: Shot) -> tuple[Task, ...]:
    first = [picture for picture in pictures if not picture.start]
    last = [picture for picture in pictures if _is_last(picture, shot)]
    if any(picture.mask or picture.box for picture in pictures):
        return ("inpaint",)
    if len(first) == 1 and len(pictures) == 1:
        return ("image", "keyframes", "inpaint")
    if len(first) == 1 and len(last) == 1 and len(pictures) == 2:
        return ("first-last", "keyframes", "inpaint")
    return ("keyframes", "inpaint")


def _is_partly_wanted(video: Given) -> bool:
    """Say whether more than the end of a video is to be made: a region, what lies beside it, or what came before."""
    return bool(video.mask or video.box or video.fit == "pad" or video.start or video.end is not None)


def _is_last(picture: Given, shot: Shot) -> bool:
    if picture.start is None:
        return False
    end = LAST if shot.num_frames is None or not shot.fps else (shot.num_frames - 1) / shot.fps
    return picture.start >= min(LAST, end - 1e-6)


def able(task: Task) -> tuple[str, ...]:
    """Return the names of all models that can do a task."""
    ids = tuple(entry.id for entry in catalogue().values() if task in entry.pipelines)
    return ("toybox", *ids) if task in TOYBOX else ids


def _refuse(shot: Shot, entry: Entry, task: Task) -> None:
    if task not in entry.pipelines:
        takes = ", ".join(SAID[can] for can in entry.tasks)
        problem = f"{entry.id} cannot be given {SAID[task]} (it takes {takes})"
        if task == "text":
            problem = f"{entry.id} makes nothing of words alone (it takes {takes})"
        moved = next((f"{given.role}_video" for given in shot.givens if given.role in MOTION), "givens")
        raise RequestError(*_named(moved, problem, able(task)))
    if shot.path:
        raise RequestError(*_named("path", f"{entry.id} cannot follow a path", ("toybox",)))
    if shot.loop:
        raise RequestError(*_named("loop", f"{entry.id} cannot lead back to its first frame", ("toybox",)))
    if shot.sound and entry.sound not in ("out", "both"):
        ids = (other.id for other in catalogue().values() if other.sound in ("out", "both"))
        raise RequestError(*_named("sound", f"{entry.id} makes silent clips", ids))
    if task == "motion":
        _refuse_motion(shot, entry)
    references = any(given.role == "reference" for given in shot.givens)
    if references and "references" not in entry.names(task) and task != "motion":
        problem = f"{entry.id} takes no reference beside {SAID[task]}"
        raise RequestError(*_named("reference", problem, able("reference")))


def _refuse_motion(shot: Shot, entry: Entry) -> None:
    """Refuse all but one video of the pose, one of the face, and one picture of who is to move like that."""
    for role in MOTION:
        count = sum(given.role == role for given in shot.givens)
        if count != 1:
            problem = f"{entry.id} needs one video of how the {'body' if role == 'pose' else 'face'} moves"
            hint = "give a pose video and a face video, of the same time"
            raise RequestError(f"{role}_video", f"{problem}, not {count}", hint)
    others = [given for given in shot.givens if given.role not in MOTION]
    if len(others) != 1 or not _shows_who(others[0]):
        problem = f"{entry.id} needs one picture of who moves, and nothing else beside the two videos"
        raise RequestError("reference", problem, "give one picture, as the reference or as the image")


def _shows_who(given: Given) -> bool:
    whole = not (given.start or given.mask or given.box)
    return given.kind == "image" and given.role in ("reference", "frame") and whole


def _named(argument: str, problem: str, models: Iterable[str]) -> tuple[str, str, str]:
    """Return the parts of a `RequestError` that names the models that could do it."""
    ids = list(models)
    shown = ", ".join(ids[:6]) + (f" and {len(ids) - 6} more" if len(ids) > 6 else "")
    return argument, problem, f"models that can: {shown}" if ids else "no model of the catalogue can"


def _fps(shot: Shot, entry: Entry, task: Task) -> tuple[float, tuple[str, ...]]:
    """Return the frame rate: any near the model's own where its pipeline is told, else the model's own."""
    if shot.fps is None or shot.fps == entry.fps:
        return entry.fps, ()
    if not math.isfinite(shot.fps) or shot.fps <= 0:
        raise RequestError("fps", f"{shot.fps:g} is not a frame rate", f"nearest: {entry.fps:g}")
    if "fps" not in entry.names(task):
        return entry.fps, (f"fps: {shot.fps:g} becomes {entry.fps:g}, the rate of {entry.id}",)
    fps = min(max(shot.fps, entry.fps / 2), entry.fps * 2)
    if fps == shot.fps:
        return fps, ()
    return fps, (
        f"fps: {shot.fps:g} becomes {fps:g}: {entry.id} makes {entry.fps / 2:g} to {entry.fps * 2:g}",
    )


def _num_frames(shot: Shot, entry: Entry, fps: float) -> tuple[int, tuple[str, ...]]:
    """Return the legal number of frames nearest to what was asked for, and a note where that is another."""
    if shot.num_frames is not None:
        name, asked, unit = "num_frames", float(shot.num_frames), 1.0
        _refuse_two_lengths(shot, shot.fps or fps)
    elif shot.seconds is not None:
        name, asked, unit = "seconds", shot.seconds * fps, fps
    else:
        return entry.frames.default, ()
    if not math.isfinite(asked) or asked <= 0:
        raise RequestError(
            name, f"{asked / unit:g} is not a length", f"nearest: {entry.frames.snap(1) / unit:g}"
        )
    longest = entry.frames.snap(math.inf if entry.frames.choices else entry.frames.most)
    if asked > longest + entry.frames.step / 2:
        longer = [other.id for other in catalogue().values() if other.frames.most / other.fps >= asked / fps]
        _, problem, models = _named(
            name, f"{asked / unit:g} is more than {entry.id} can draw", ("toybox", *longer)
        )
        raise RequestError(name, problem, f"nearest: {longest / unit:g}; {models}")
    frames = entry.frames.snap(asked)
    if abs(frames - asked) < 1e-6:
        return frames, ()
    length = f"{frames} frame{'s' if frames > 1 else ''} ({frames / fps:g} s at {fps:g} fps)"
    return frames, (f"{name}: {asked / unit:g} becomes {length}: {entry.id} makes {entry.frames} frames",)


def _refuse_two_lengths(shot: Shot, fps: float) -> None:
    if (
        shot.seconds is not None
        and shot.num_frames is not None
        and abs(shot.seconds - shot.num_frames / fps) > 1e-6
    ):
        problem = f"{shot.seconds:g} does not agree with {shot.num_frames} frames at {fps:g} a second"
        raise RequestError("seconds", problem, "give one of the two")


def _size(shot: Shot, entry: Entry) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Return the legal size nearest to what was asked for, and a note where that is another."""
    rule = entry.size
    if shot.size is not None and shot.aspect_ratio is not None:
        raise RequestError("aspect_ratio", "is already decided by size", "give one of the two")
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
        problem = f"{width}x{height} is more than {entry.id} can draw"
        larger = (other.id for other in catalogue().values() if other.size.most_pixels >= width * height)
        _, problem, models = _named("size", problem, larger)
        raise RequestError("size", problem, f"nearest: {size[0]}x{size[1]}; {models}")
    if size == shot.size:
        return size, ()
    rule_said = (
        "has sizes of its own" if rule.choices else f"makes sides that are multiples of {rule.multiple}"
    )
    return size, (f"size: {width}x{height} becomes {size[0]}x{size[1]}: {entry.id} {rule_said}",)


def _caption(shot: Shot, entry: Entry, task: Task) -> tuple[str, tuple[str, ...]]:
    """Return what the model reads: the prompt, and after it what the model can only be told in words."""
    caption, notes = shot.caption or shot.prompt, []
    if "prompt" not in entry.names(task):
        return caption, (f"prompt: {entry.id} reads no words; the picture decides",)
    if caption != shot.prompt:  # it has been planned before
        return caption, ()
    told = []
    if later := [f"then {words}" for share, words in sorted(shot.script) if share > 0]:
        told += later
        notes.append(
            f"at: {entry.id} reads one text for the whole shot, so what comes later is told at its end"
        )
    if shot.style:
        told.append(f"{shot.style} style")
        notes.append(f'style: {entry.id} is told in words: "{told[-1]}"')
    if camera := tell_camera(shot.camera or ()):
        told.append(camera)
        notes.append(f'camera: {entry.id} takes no numbers and is told in words: "{camera}"')
    return ", ".join([caption.rstrip(" .,"), *told]) if told else caption, tuple(notes)


def _numbers(shot: Shot, entry: Entry, task: Task) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return steps, guidance, seed, negative prompt and strength, and a note for each that has no effect."""
    names, notes = entry.names(task), []
    steps = entry.steps if shot.steps is None else shot.steps
    guidance = entry.guidance_scale if shot.guidance_scale is None else shot.guidance_scale
    if "steps" not in names and steps != entry.steps:
        steps = entry.steps
        notes.append(f"steps: {entry.id} was made for {steps}")
    guidance = within("guidance_scale", guidance, 0.0, MAX_GUIDANCE)
    negative, negative_notes = _negative(shot, entry, task, guidance)
    strength = STRENGTH if shot.strength is None else shot.strength
    if "strength" not in names and shot.strength is not None:
        notes.append(f"strength: {entry.id} decides how far it goes")
    numbers: dict[str, object] = {
        "steps": within("steps", steps, 1, MAX_STEPS),
        "guidance_scale": guidance,
        "seed": within("seed", shot.seed, 0, MAX_SEED),
        "negative_prompt": negative,
        "strength": strength if "strength" in names else None,
    }
    return numbers, (*notes, *negative_notes)


def _negative(shot: Shot, entry: Entry, task: Task, guidance: float) -> tuple[str, tuple[str, ...]]:
    """Return what the model stays away from: what was said, or what it usually does."""
    takes = "negative_prompt" in entry.names(task)
    if not takes or guidance <= 1:
        why = f"{entry.id} takes none" if not takes else "guidance scale 1 takes no account of it"
        return shot.negative_prompt, (
            f"negative_prompt: has no effect, {why}",
        ) if shot.negative_prompt else ()
    if shot.negative_prompt or not entry.negative_prompt:
        return shot.negative_prompt, ()
    return entry.negative_prompt, (f'negative_prompt: the usual one, "{entry.negative_prompt}"',)

"""The planner: a shot with nothing left unsaid, by the rules on a card or by the entry of an open-weight model.

All of this happens before anything is loaded. Diffusers itself rounds in a log line, cuts in silence or raises, each
pipeline in its own way; here what can be snapped is, with a note, and what cannot is refused with what could be had.
"""

import math
from collections.abc import Iterable
from typing import TypeVar

from vitascope.backends.base import Card
from vitascope.camera.path import playable
from vitascope.camera.verbalise import tell_camera
from vitascope.errors import RequestError
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.shape import name_models, plan_length, plan_rate, plan_size
from vitascope.planning.task import SAID, TOYBOX_SECONDS, able, refuse_motion, task_of
from vitascope.shot_fields import field_limits
from vitascope.types import MOTION, CameraMove, Plan, Shot
from vitascope.weights.catalogue import Entry, Task, catalogue
from vitascope.weights.manifest import STANDARD, Preset

Number = TypeVar("Number", int, float)

STRENGTH = 0.8
"""How far an edit goes from its source when nobody says; what diffusers' pipelines do."""


def plan_by_card(shot: Shot, card: Card, inspector: Inspector = LOCAL) -> Plan:
    """Plan a shot by the rules on a card. The seed is not drawn here: a shot without one is refused.

    Raises `RequestError` naming the field and the nearest value that would work.
    """
    _refuse_unsupported(shot, card)
    if card.size is None:
        raise RequestError("size", f"{card.id} decides it", "leave it out")
    fps, _ = plan_rate(shot, card.rate, card.id, strict=card.strict)
    num_frames, length_note = plan_length(
        shot, card.frames, fps, card.id, strict=card.strict, longer=_models_of_length
    )
    size, _ = plan_size(shot, card.size, card.id, strict=card.strict, inspector=inspector)
    camera, camera_notes = _camera(shot, card)
    name, preset = _preset(shot, card)
    resolved = shot.model_copy(
        update={
            "size": size,
            "aspect_ratio": None,
            "fps": fps,
            "num_frames": num_frames,
            "seconds": num_frames / fps,
            "camera": camera,
            "seed": within_limits("seed", shot.seed),
            "preset": name,
            "steps": within_limits("steps", preset.steps if shot.steps is None else shot.steps),
            "guidance_scale": within_limits(
                "guidance_scale",
                preset.guidance_scale if shot.guidance_scale is None else shot.guidance_scale,
            ),
        }
    )
    notes = length_note + camera_notes
    if shot.strength is not None and not _starts_from_pictures(shot):
        resolved = resolved.model_copy(update={"strength": None})
        notes += ("strength: has no effect without a video to change",)
    if resolved.negative_prompt and resolved.guidance_scale == 1.0:
        notes += ("negative_prompt: has no effect at guidance scale 1",)
    return Plan(resolved, notes)


def plan_shot(shot: Shot, entry: Entry) -> Plan:
    """Fill in a model's defaults and snap a shot to its rules, with a note for every change.

    Raises `RequestError` for what the model cannot do, naming models that can.
    """
    task = task_of(shot, entry)
    _refuse(shot, entry, task)
    fps, rate_notes = plan_rate(shot, entry.rate(task), entry.id)
    num_frames, length_notes = plan_length(shot, entry.frames, fps, entry.id, longer=_models_of_length)
    size, size_notes = plan_size(shot, entry.size, entry.id, larger=_models_of_size)
    caption, caption_notes = _caption(shot, entry, task)
    fields = {
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
    return Plan(shot.model_copy(update={**fields, **numbers}), notes)


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
        ids = (candidate.id for candidate in catalogue().values() if candidate.sound in ("out", "both"))
        raise RequestError(*_named("sound", f"{entry.id} makes silent clips", ids))
    if task == "motion":
        refuse_motion(shot, entry)
    references = any(given.role == "reference" for given in shot.givens)
    if references and "references" not in entry.names(task) and task != "motion":
        problem = f"{entry.id} takes no reference beside {SAID[task]}"
        raise RequestError(*_named("reference", problem, able("reference")))


def _named(argument: str, problem: str, models: Iterable[str]) -> tuple[str, str, str]:
    """Return the parts of a `RequestError` that names the models that could do it."""
    return argument, problem, name_models(models) or "no model of the catalogue can"


def _models_of_length(seconds: float) -> tuple[str, ...]:
    """Return the names of the models whose clips may be so long."""
    ids = (entry.id for entry in catalogue().values() if entry.frames.longest / entry.fps >= seconds)
    return (*(("toybox",) if seconds <= TOYBOX_SECONDS else ()), *ids)


def _models_of_size(pixels: float) -> tuple[str, ...]:
    """Return the names of the models whose pictures may have so many pixels."""
    return tuple(entry.id for entry in catalogue().values() if entry.size.most_pixels >= pixels)


def _caption(shot: Shot, entry: Entry, task: Task) -> tuple[str, tuple[str, ...]]:
    """Return what the model reads: the prompt, and after it what the model can only be told in words."""
    caption, notes = shot.caption or shot.prompt, []
    if "prompt" not in entry.names(task):
        said = {"style": shot.style, "camera": shot.camera, "at": shot.script}
        unread = (f"{name}: {entry.id} reads no words" for name, value in said.items() if value)
        return caption, (f"prompt: {entry.id} reads no words; the picture decides", *unread)
    if caption != shot.prompt:  # it has been planned before
        return caption, ()
    additions = []
    if later := [f"then {words}" for share, words in sorted(shot.script) if share > 0]:
        additions += later
        notes.append(f"at: {entry.id} reads one text for the whole shot; later parts are added at its end")
    if shot.style:
        additions.append(f"{shot.style} style")
        notes.append(f'style: {entry.id} gets it in words: "{additions[-1]}"')
    if camera := tell_camera(shot.camera or ()):
        additions.append(camera)
        notes.append(f'camera: {entry.id} takes no numbers and gets it in words: "{camera}"')
    return ", ".join([caption.rstrip(" .,"), *additions]) if additions else caption, tuple(notes)


def _numbers(shot: Shot, entry: Entry, task: Task) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return steps, guidance, seed, negative prompt and strength, and a note for each that has no effect."""
    names, notes = entry.names(task), []
    steps = entry.steps if shot.steps is None else shot.steps
    guidance = entry.guidance_scale if shot.guidance_scale is None else shot.guidance_scale
    if "steps" not in names and steps != entry.steps:
        steps = entry.steps
        notes.append(f"steps: {entry.id} was made for {steps}")
    guidance = within_limits("guidance_scale", guidance)
    if shot.preset is not None:
        notes.append(f"preset: {entry.id} has none; say how many steps")
    negative, negative_notes = _negative(shot, entry, task, guidance)
    strength = STRENGTH if shot.strength is None else shot.strength
    if "strength" not in names and shot.strength is not None:
        notes.append(f"strength: {entry.id} decides how far it goes")
    numbers: dict[str, object] = {
        "steps": within_limits("steps", steps),
        "guidance_scale": guidance,
        "seed": within_limits("seed", shot.seed),
        "negative_prompt": negative,
        "strength": strength if "strength" in names else None,
        "preset": None,
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


def within_limits(name: str, value: Number | None) -> Number:
    """Return the value of a field within its limits; raises `RequestError` with the nearest for any other."""
    low, high = field_limits(name)
    assert low is not None
    assert high is not None
    if value is None or not math.isfinite(value):
        raise RequestError(name, f"{value} is not a number", f"nearest: {low:g}")
    if not low <= value <= high:
        nearest = low if value < low else high
        raise RequestError(name, f"{value} is outside {low} to {high}", f"nearest: {nearest}")
    return value


def _starts_from_pictures(shot: Shot) -> bool:
    """Say whether a shot starts from a video that is changed, or from a photograph that is filmed."""
    return any(given.role == "source" or given.shows is not None for given in shot.givens)


def _preset(shot: Shot, card: Card) -> tuple[str | None, Preset]:
    """Return the preset that a shot is made with and its name; None for a model that has only its own defaults."""
    if not card.presets:
        if shot.preset is not None:
            raise RequestError("preset", f"{card.id} has no presets", "say how many steps")
        return None, Preset(card.steps, card.guidance_scale)
    name = STANDARD if shot.preset is None else shot.preset
    if name not in card.presets:
        raise RequestError("preset", f"{name[:40]!r} is not known", f"it may be: {', '.join(card.presets)}")
    return name, card.presets[name]


def _refuse_unsupported(shot: Shot, card: Card) -> None:
    for given in shot.givens:
        if given.role in MOTION and given.role not in card.takes:
            able = [entry.id for entry in catalogue().values() if "motion" in entry.pipelines]
            problem = f"{card.id} cannot copy motion from a video"
            raise RequestError(f"{given.role}_video", problem, f"models that can: {', '.join(able)}")
        if given.role not in card.takes:
            takes = ", ".join(sorted(card.takes)) or "words only"
            raise RequestError(
                "givens", f"{card.id} takes no {given.role}", f"leave it out (it takes: {takes})"
            )
    if shot.path and "path" not in card.takes:
        raise RequestError(
            "path", f"{card.id} cannot follow a path", "say in the prompt where the subject goes"
        )
    if shot.loras and "lora" not in card.takes:
        raise RequestError("lora", f"{card.id} takes no LoRA", "leave it out, or name a model that takes one")
    if shot.memory is not None:
        raise RequestError("memory", f"{card.id} needs no memory plan", "leave it out")
    if shot.quality not in (None, "lossless"):
        raise RequestError("quality", f"{card.id} has one quality", "nearest: lossless")
    if shot.sound:
        raise RequestError("sound", f"{card.id} makes silent clips", "leave sound off")


def _camera(shot: Shot, card: Card) -> tuple[tuple[CameraMove, ...], tuple[str, ...]]:
    """Return the moves, none larger than what the model has seen, and a note for each that was."""
    requested = shot.camera or ()
    moves_known, stood_in = playable(requested)
    if all(move.kind in card.camera_limits for move in requested):
        moves_known, stood_in = requested, ()
    moves, notes = [], [*stood_in]
    for move in moves_known:
        if move.kind == "static":
            continue
        if move.kind not in card.camera_limits:
            moves_known = ", ".join(card.camera_limits)
            raise RequestError("camera", f"{card.id} cannot {move.kind}", f"it knows: {moves_known}")
        limit = card.camera_limits[move.kind]
        if abs(move.amount) > limit:
            notes.append(f"camera: {move.kind} {move.amount:g} becomes {math.copysign(limit, move.amount):g}")
            move = move.model_copy(update={"amount": math.copysign(limit, move.amount)})
        moves.append(move)
    return tuple(moves), tuple(notes)

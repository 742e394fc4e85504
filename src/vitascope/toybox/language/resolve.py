"""Stage 1: what the prompt says about the scene, the camera and the style is filled into the shot."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vitascope.camera.path import scene_camera
from vitascope.errors import RequestError
from vitascope.planning.prompt import clean
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.language.defaults import PLAIN
from vitascope.toybox.language.image_labels import NOTHING, Seen
from vitascope.toybox.language.instructions import Instruction, instruction
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.parse import Parsed, parse_english
from vitascope.toybox.language.segments import Stage, stages
from vitascope.toybox.language.translate import to_english
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import World
from vitascope.types import CameraMove, Given, Plan, Shot

STAGE_SECONDS = 2.0
"""How long each stage of a prompt lasts where nobody says how long the clip is."""
FLAT_STRENGTH = 0.7
"""How far the light and the weather of a photograph may go from its own."""
FLAT = "the picture is none of this model's world: it is filmed as a flat picture, and nothing in it moves by itself"


def resolve(
    shot: Shot,
    world: World,
    embed: Embed | None = None,
    look: Callable[[], Seen] = lambda: NOTHING,
    watch: Callable[[], Scene | None] = lambda: None,
) -> Plan:
    """Return the shot with caption, camera and style filled in from its prompt, and a line per thing guessed.

    A shot that has a caption is left as it is: it has been resolved before. What the shot says outright (camera,
    style) goes before what its prompt says, and that before what its pictures show, which are only looked at by `look`
    where it is needed; `watch` says what the video shows that an edit starts from; `embed` finds the nearest known
    thing to an unknown word. Raises `RequestError` for a prompt that cannot be read.
    """
    prompt = clean("prompt", shot.prompt)
    negative = clean("negative_prompt", shot.negative_prompt)
    if not prompt:
        raise RequestError("prompt", "is empty", 'say what to show, as in "a cat walking in a garden"')
    if shot.caption is not None:
        return Plan(shot)
    if shot.style is not None and shot.style not in world.styles:
        problem = f"{shot.style[:40]!r} is not a style of this model"
        raise RequestError("style", problem, f"it knows: {', '.join(world.styles)}")
    edits = any(given.role == "source" for given in shot.givens)
    shown = watch() if edits else None
    shot, notes = _showing(shot, shown)
    if edits and (asked := instruction(prompt, world, embed)) is not None:
        caption = _edited(asked, shown, shot.style, world)
        said = {"prompt": prompt, "negative_prompt": negative, "caption": caption}
        camera = _filmed(shown) if shot.camera is None else shot.camera
        return Plan(shot.model_copy(update={**said, "camera": camera}), notes)
    seen = look()
    timeline = stages(prompt, world, embed, seen if shot.style is None else seen.without("style"))
    parsed = timeline[0].parsed
    style = shot.style or (None if "style" in parsed.left else parsed.scene.style)
    notes = [*notes, *(note for stage in timeline for note in stage.parsed.notes)]
    if parsed.asked.without and not negative:
        negative = ", ".join(parsed.asked.without)
        notes.append(f'what the prompt does not want is the negative prompt: "{negative}"')
    seconds = _seconds(shot, parsed, timeline, notes)
    update = {
        "prompt": prompt,
        "negative_prompt": negative,
        "seconds": seconds,
        "caption": _styled(parsed, style).caption,
        "script": _script(shot, timeline, style, world, embed),
        "style": style,
        "camera": (_camera(timeline) or _filmed(shown)) if shot.camera is None else shot.camera,
    }
    if len(timeline) == 1 and _is_photograph(shot, parsed, seen):
        update |= _filmed_flat(shot, _styled(parsed, style))
        notes += [FLAT, *_without_effect(shot, negative, changes=update["strength"] > 0)]
    return Plan(shot.model_copy(update=update), tuple(dict.fromkeys(notes)))


def _is_photograph(shot: Shot, parsed: Parsed, seen: Seen) -> bool:
    """Say whether all that is given is a first frame of another world than the model's, of which nobody is named.

    A prompt that names somebody asks for more than a camera, so that it is made as any other.
    """
    frames = [given for given in shot.givens if given.role != "reference"]
    alone = len(frames) == 1 and frames[0] == Given(
        kind="image", source=frames[0].source, fit=frames[0].fit, sha256=frames[0].sha256
    )
    plain = not (shot.path or shot.script or shot.loop)
    return alone and plain and "set" in seen.open and not parsed.said & {"subject", "action", "set"}


def _without_effect(shot: Shot, negative: str, *, changes: bool) -> list[str]:
    """Return a line for each field that makes no difference to a photograph, which takes only the words' own change.

    Words that change nothing have no strength either (`changes`).
    """
    said = {
        "guidance_scale": shot.guidance_scale is not None,
        "negative_prompt": bool(negative),
        "strength": not changes and bool(shot.strength),
    }
    return [f"{name}: has no effect on a photograph" for name, stated in said.items() if stated]


def _filmed_flat(shot: Shot, parsed: Parsed) -> dict[str, Any]:
    """Return what a shot of a photograph is told beside its caption: what the picture shows, and how far it may go.

    It shows the same as the caption says, in plain circumstances; where those are the caption's, it stays as it is.
    """
    plain = {name: labels[0] for name, labels in PLAIN.items() if name not in parsed.left}
    shows = canonical(replace(parsed.scene, **plain), parsed.left)
    strength = FLAT_STRENGTH if shot.strength is None else shot.strength
    givens = [
        given.model_copy(update={"shows": shows}) if given.role == "frame" else given for given in shot.givens
    ]
    return {"givens": tuple(givens), "strength": 0.0 if shows == parsed.caption else strength}


def _showing(shot: Shot, shown: Scene | None) -> tuple[Shot, tuple[str, ...]]:
    """Return the shot with what its source shows, and a line that says so."""
    if shown is None:
        return shot, ()
    words = canonical(shown)
    givens = [
        given.model_copy(update={"shows": words}) if given.role == "source" else given
        for given in shot.givens
    ]
    moves = "" if shown.camera == "static" else f", camera {shown.camera}"
    note = f"seen in the video: {words}{moves}"
    return shot.model_copy(update={"givens": tuple(givens)}), (note,)


def _filmed(shown: Scene | None) -> tuple[CameraMove, ...]:
    """Return how the camera moves in a source, which an edit does not change."""
    return () if shown is None else scene_camera(shown.camera)


def _edited(asked: Instruction, shown: Scene | None, style: str | None, world: World) -> str:
    """Return what the model is told of an edit: what there will be to see, or the instruction where that is not known.

    An instruction names nobody, so that whoever is in the clip is soon lost.
    """
    wanted = None if shown is None else asked.after(shown, world)
    if wanted is None:
        return asked.text
    return canonical(wanted if style is None else replace(wanted, style=style))


def _styled(parsed: Parsed, style: str | None) -> Parsed:
    """Return what was understood in another style; with none, the style is the pictures' own."""
    if style is None:
        return parsed
    return replace(parsed, scene=replace(parsed.scene, style=style), left=parsed.left - {"style"})


def _seconds(shot: Shot, parsed: Parsed, timeline: tuple[Stage, ...], notes: list[str]) -> float | None:
    """Return how long the shot is to be; what the prompt decides is noted."""
    if shot.seconds is not None or shot.num_frames is not None:
        return shot.seconds
    if parsed.asked.seconds is not None:
        notes.append(f"the prompt asks for {parsed.asked.seconds:g} s")
        return parsed.asked.seconds
    if len(timeline) > 1:
        seconds = STAGE_SECONDS * len(timeline)
        notes.append(f"{len(timeline)} things happen one after another: the clip lasts {seconds:g} s")
        return seconds
    return None


def _script(
    shot: Shot, timeline: tuple[Stage, ...], style: str | None, world: World, embed: Embed | None
) -> tuple[tuple[float, str], ...]:
    """Return what is told from which share of the shot on: the prompt's own stages, and what the shot says."""
    told = {stage.start: _styled(stage.parsed, style).caption for stage in timeline[1:]}
    before = timeline[-1].parsed
    for share, words in sorted(shot.script):
        before = parse_english(to_english(clean("at", words)), world, embed, before)
        told[share] = _styled(before, style).caption
    return tuple(sorted(told.items()))


def _camera(timeline: tuple[Stage, ...]) -> tuple[CameraMove, ...]:
    """Return the moves of all stages, each within the time of its own."""
    return tuple(
        move.model_copy(
            update={
                "start": stage.start + move.start * (stage.end - stage.start),
                "end": stage.start + move.end * (stage.end - stage.start),
            }
        )
        for stage in timeline
        for move in stage.parsed.camera
    )

"""Stage 1: what the prompt says about the scene, the camera and the style is filled into the shot."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vitascope.camera.path import scene_camera
from vitascope.errors import RequestError
from vitascope.limits import MAX_CAST
from vitascope.planning.prompt import clean
from vitascope.toybox.language.captions import canonical, read_canonical
from vitascope.toybox.language.defaults import PLAIN, complete
from vitascope.toybox.language.image_labels import NOTHING, Seen
from vitascope.toybox.language.instructions import Instruction, instruction
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.parse import Parsed, parse_english, translate
from vitascope.toybox.language.segments import Stage, stages
from vitascope.toybox.scene import Scene, stand_in
from vitascope.toybox.world import World, find_subject, page_name
from vitascope.types import CameraMove, CastMember, Given, Plan, Shot

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
    recall: Callable[[], Shot | None] = lambda: None,
) -> Plan:
    """Return the shot with caption, camera and style filled in from its prompt, and a line per thing guessed.

    A shot that has a caption is left as it is: it has been resolved before. What the shot says outright (camera,
    style) goes before what its prompt says, and that before what its pictures show, which are only looked at by `look`
    where it is needed; `watch` says what the video shows that an edit starts from, and `recall` returns the shot that
    it was made by, where it says so itself; `embed` finds the nearest known thing to an unknown word. Raises
    `RequestError` for a prompt that cannot be read.
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
    made = recall() if edits and world.open_cast else None
    shown = (_scene_of(made, world) or watch()) if edits else None
    cast = None if made is None or shown is None else made.cast
    shot, notes = _showing(shot, shown)
    if edits and (asked := instruction(prompt, world, embed)) is not None:
        edit = _edited(asked, shown, shot.style, world, cast)
        said = {"prompt": prompt, "negative_prompt": negative, "caption": edit.caption, "cast": edit.cast}
        filmed = _filmed(shown) if made is None or cast is None else made.camera
        camera = filmed if shot.camera is None else shot.camera
        return Plan(shot.model_copy(update={**said, "camera": camera}), notes + edit.notes)
    seen = look()
    timeline = stages(prompt, world, embed, seen if shot.style is None else seen.without("style"))
    for stage in timeline:
        if stage.parsed.refusal is not None:
            raise stage.parsed.refusal
    if world.open_cast and not shot.givens and all(_says_nothing(stage.parsed) for stage in timeline):
        raise RequestError(
            "prompt",
            f'nothing of "{prompt[:40]}" can be shown',
            'say who or where, as in "a cat walks in a garden"',
        )
    parsed = timeline[0].parsed
    style = shot.style or (None if "style" in parsed.left else parsed.scene.style)
    notes = [*notes, *(note for stage in timeline for note in stage.parsed.notes)]
    notes += _others_later(timeline)
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
        "cast": _cast(parsed, world),
        "camera": (_camera(timeline) or _filmed(shown)) if shot.camera is None else shot.camera,
    }
    if len(timeline) == 1 and _is_photograph(shot, parsed, seen):
        update |= _filmed_flat(shot, _styled(parsed, style))
        notes += [FLAT, *_without_effect(shot, negative, changes=update["strength"] > 0)]
    return Plan(shot.model_copy(update=update), tuple(dict.fromkeys(notes)))


def _scene_of(made: Shot | None, world: World) -> Scene | None:
    """Return what a shot of ours shows, None where it does not say so in words of this world."""
    labels = None if made is None or made.caption is None else read_canonical(made.caption)
    if made is None or labels is None:
        return None
    lead = {} if made.cast is None else {"subject": made.cast[0].page if made.cast else ""}
    labels = {**labels, **lead}
    known = all(label in getattr(world, f"{name}s") for name, label in labels.items() if name != "subject")
    return complete(labels, world) if known else None


def _says_nothing(parsed: Parsed) -> bool:
    """Say whether no word means anything that could be shown, neither subject nor place nor camera."""
    return not (parsed.said or parsed.camera)


def _cast(parsed: Parsed, world: World) -> tuple[CastMember, ...] | None:
    """Return who is to be seen as the words have it, or pictures; None for worlds without pages."""
    if parsed.casting is None or "subject" in parsed.left:
        return None if parsed.casting is None else ()
    if not parsed.casting.subjects:
        shown = parsed.scene.subject
        return (CastMember(page=shown, name=find_subject(shown).name),) if shown else ()
    lead, *others = parsed.casting.subjects
    actions = (parsed.scene.action, *(stand_in_for(other.action, world) for other in others))
    return tuple(
        CastMember(
            page=subject.page, name=subject.name[:40], colour=subject.colour, scale=subject.scale, action=action,
            relation=subject.relation, target=subject.target,
        )
        for subject, action in zip((lead, *others), actions, strict=True)
    )  # fmt: skip


def stand_in_for(action: str, world: World) -> str:
    """Return an action as the world knows it; standing where nothing is said, or nothing comes near."""
    if not action or action in world.actions:
        return action or "stand"
    return stand_in("action", action, world.actions) or "stand"


def _others_later(timeline: tuple[Stage, ...]) -> list[str]:
    """Return a line for subjects that only a later stage names: who is there, is there from the start."""
    first = timeline[0].parsed.casting
    if first is None:
        return []
    pages = {subject.page for subject in first.subjects}
    later = [
        subject
        for stage in timeline[1:]
        if stage.parsed.casting is not None
        for subject in stage.parsed.casting.subjects
        if subject.page not in pages
    ]
    names = ", ".join(f'"{name}"' for name in dict.fromkeys(subject.name[:40] for subject in later))
    return [f"who is to be seen is there from the start: leaving out {names}"] if names else []


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


@dataclass(frozen=True)
class _Edit:
    """What the model is told of an edit, and who is to be seen after it; None where that is not known."""

    caption: str
    cast: tuple[CastMember, ...] | None = None
    notes: tuple[str, ...] = ()


def _edited(
    asked: Instruction,
    shown: Scene | None,
    style: str | None,
    world: World,
    cast: tuple[CastMember, ...] | None,
) -> _Edit:
    """Return what the model is told of an edit: what there will be to see, or the instruction where that is not known.

    An instruction names nobody, so that whoever is in the clip is soon lost. `cast` is who is in the clip, where it
    says so itself.
    """
    if shown is None:
        return _Edit(asked.text)
    if world.open_cast and asked.kind in ("add", "remove"):
        return _recast(asked, shown, cast)
    wanted = asked.after(shown, world)
    if wanted is None:
        return _Edit(asked.text)
    caption = canonical(wanted if style is None else replace(wanted, style=style))
    new = asked.changes.get("subject")
    if cast and new is not None:
        cast = (
            CastMember(page=page_name(new), name=find_subject(new).name, action=cast[0].action),
            *cast[1:],
        )
    return _Edit(caption, cast)


def _recast(asked: Instruction, shown: Scene, cast: tuple[CastMember, ...] | None) -> _Edit:
    """Return what the model is told where somebody comes into a clip, or goes."""
    subject = find_subject(asked.subject or "")
    there = (CastMember(page=page_name(shown.subject), name=find_subject(shown.subject).name),)
    there = (there if shown.subject else ()) if cast is None else cast
    if asked.kind == "add":
        new = CastMember(page=page_name(subject.id), name=subject.name, action="stand", added=True)
        if len(there) == MAX_CAST:
            note = f'three subjects at most are shown: "{find_subject(there[-1].page).name}" gives way'
            return _Edit(canonical(shown), (*there[:-1], new), (note,))
        return _Edit(canonical(shown), (*there, new))
    staying = tuple(member for member in there if member.page != page_name(subject.id))
    if len(staying) == len(there) or not staying:
        return _Edit(asked.text)
    lead = replace(shown, subject=staying[0].page, action=staying[0].action or shown.action)
    return _Edit(
        canonical(lead),
        tuple(member.model_copy(update={"target": None, "relation": ""}) for member in staying),
    )


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
        before = parse_english(translate(clean("at", words), world), world, embed, before)
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

"""What is understood of a prompt, as rows for a table: each with how it was come by."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from typing import Any

from vitascope.backends.base import Explanation, ExplanationRow
from vitascope.toybox.language.image_labels import NOTHING, Seen
from vitascope.toybox.language.lexicon import inflect
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.noun_phrases import Thing
from vitascope.toybox.language.parse import Parsed, parse
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.language.segments import Stage, stages
from vitascope.toybox.scene import FIELDS
from vitascope.toybox.world import World, find_subject
from vitascope.types import CameraMove, CastMember, Shot

SAID, SEEN, OPEN, GUESSED = "said", "seen", "open", "guessed"
LEFT_OUT, UNKNOWN = "left out", "unknown"


def explain(
    shot: Shot, world: World, embed: Embed | None = None, look: Callable[[], Seen] = lambda: NOTHING
) -> Explanation:
    """Return what is understood of a shot's words in a world, and of what `look` sees in its pictures."""
    look = cache(look)
    plan = resolve(shot, world, embed, look)
    parsed = parse(plan.shot.prompt, world, embed, look())
    timeline = stages(plan.shot.prompt, world, embed, look())
    values = to_json(parsed, plan.shot, timeline, plan.notes)
    return Explanation(plan.shot.prompt, tuple(rows(parsed, plan.shot, timeline)), values, plan.notes)


def rows(parsed: Parsed, shot: Shot, timeline: tuple[Stage, ...]) -> list[ExplanationRow]:
    """Return the explanation of a prompt, read as `parsed` and resolved as `shot`."""
    return [
        ExplanationRow("language", parsed.asked.language, ""),
        *_scene(parsed),
        *_camera(parsed, shot),
        *(_things(parsed) if shot.cast is None else _members(shot.cast)),
        *_asides(parsed, shot),
        *_stages(timeline),
        *(ExplanationRow("not understood", words, UNKNOWN) for words in parsed.asked.unknown),
        ExplanationRow("caption", shot.caption or "", ""),
    ]


def to_json(
    parsed: Parsed, shot: Shot, timeline: tuple[Stage, ...], notes: tuple[str, ...]
) -> dict[str, Any]:
    """Return the explanation as plain values."""
    asked = parsed.asked
    return {
        "prompt": shot.prompt,
        "language": asked.language,
        "english": asked.english,
        "scene": {
            field: {
                "value": None if field in parsed.left else getattr(parsed.scene, field),
                "how": how(field, parsed),
            }
            for field in FIELDS
        },
        "things": [
            {
                "name": thing.name,
                "subject": thing.subject,
                "count": thing.count,
                "attributes": list(thing.attributes),
            }
            for thing in asked.things
        ],
        "relations": [asdict(relation) for relation in asked.relations],
        "cast": None if shot.cast is None else [member.model_dump() for member in shot.cast],
        "moods": list(asked.moods),
        "sound": asked.sound,
        "seconds": asked.seconds,
        "without": list(asked.without),
        "unknown": list(asked.unknown),
        "stages": [
            {"text": stage.text, "caption": stage.caption, "start": stage.start, "end": stage.end}
            for stage in timeline
        ],
        "notes": list(notes),
        "shot": shot.model_dump(mode="json", exclude_none=True),
    }


def how(field: str, parsed: Parsed) -> str:
    """Say how the label of a field was come by."""
    ways = {SAID: parsed.said, SEEN: parsed.seen, OPEN: parsed.left}
    return next((way for way, fields in ways.items() if field in fields), GUESSED)


def _scene(parsed: Parsed) -> Iterator[ExplanationRow]:
    for field in FIELDS[:-1]:
        label = getattr(parsed.scene, field)
        shown = find_subject(label).name if field == "subject" else label
        yield ExplanationRow(
            field, "as in the picture" if field in parsed.left else shown, how(field, parsed)
        )


def _camera(parsed: Parsed, shot: Shot) -> Iterator[ExplanationRow]:
    for move in shot.camera or ():
        yield ExplanationRow("camera", move_words(move), how("camera", parsed))
    if not shot.camera:
        yield ExplanationRow("camera", "static", how("camera", parsed))


def move_words(move: CameraMove) -> str:
    """Return a move in words: "pan -0.35, from 50 % to 100 %"."""
    span = "" if (move.start, move.end) == (0, 1) else f", from {move.start:.0%} to {move.end:.0%}"
    return f"{move.kind} {move.amount:+g}{span}"


def _things(parsed: Parsed) -> Iterator[ExplanationRow]:
    """Yield what is said of things; the model shows the first of them, one of it, and as it knows it."""
    shown = next((thing for thing in parsed.asked.things if thing.subject == parsed.scene.subject), None)
    for thing in parsed.asked.things:
        if thing is not shown:
            yield ExplanationRow("also", thing_words(thing), LEFT_OUT)
        elif thing.attributes or thing.count not in (None, 1):
            yield ExplanationRow("in full", thing_words(thing), LEFT_OUT)
    for relation in parsed.asked.relations:
        yield ExplanationRow("relation", f"{relation.first} {relation.words} {relation.second}", LEFT_OUT)


def _members(cast: tuple[CastMember, ...]) -> Iterator[ExplanationRow]:
    """Yield who is to be seen besides the first, and whatever is said of the looks and relations of all."""
    for number, member in enumerate(cast):
        name = f"subject {number + 1}" if len(cast) > 1 else "looks"
        if len(cast) > 1 or member.colour or member.scale != 1.0:
            yield ExplanationRow(name, member_words(member, cast), SAID)


def member_words(member: CastMember, cast: tuple[CastMember, ...]) -> str:
    """Return one of the cast in words: "brown dog, 0.7 times as large, walks, past car"."""
    size = f"{member.scale:g} times as large" if member.scale != 1.0 else ""
    other = None if member.target is None else find_subject(cast[member.target].page).name
    relation = f"{member.relation.replace('-', ' ')} {other}" if other and member.relation else ""
    looks = " ".join(filter(None, (member.colour, find_subject(member.page).name)))
    action = inflect(member.action)[1] if member.action else ""
    return ", ".join(filter(None, (looks, size, action, relation)))


def thing_words(thing: Thing) -> str:
    """Return a thing with its number and attributes: "2 small red cats"."""
    count = {None: "", 0: "many"}.get(thing.count, str(thing.count))
    return " ".join(word for word in (count, *thing.manners, *thing.looks, thing.name) if word)


def _asides(parsed: Parsed, shot: Shot) -> Iterator[ExplanationRow]:
    asked = parsed.asked
    if asked.moods:
        yield ExplanationRow("mood", ", ".join(asked.moods), LEFT_OUT)
    if asked.sound:
        yield ExplanationRow("sound", asked.sound, LEFT_OUT)
    if asked.seconds is not None:
        yield ExplanationRow("length", f"{asked.seconds:g} s", SAID)
    if shot.negative_prompt:
        yield ExplanationRow("not wanted", shot.negative_prompt, SAID)


def _stages(timeline: tuple[Stage, ...]) -> Iterator[ExplanationRow]:
    if len(timeline) > 1:
        for stage in timeline:
            yield ExplanationRow(f"from {stage.start:.0%}", stage.caption.partition(",")[0], SAID)

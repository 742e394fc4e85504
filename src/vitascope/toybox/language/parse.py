"""Words to a scene: what a prompt says, what it leaves open, and a line for each thing that is a stretch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

from vitascope.camera.language import read_camera
from vitascope.camera.path import scene_camera
from vitascope.errors import RequestError
from vitascope.settings import settings
from vitascope.toybox.cast.own import open_cast
from vitascope.toybox.cast.subjects import Casting, read_english
from vitascope.toybox.cast.subjects import translate as translate_names
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.language.defaults import complete, oddities
from vitascope.toybox.language.image_labels import NOTHING, Seen
from vitascope.toybox.language.image_labels import notes as notes_of_seen
from vitascope.toybox.language.lexicon import MOODS, SAID
from vitascope.toybox.language.match import tokenize
from vitascope.toybox.language.modifiers import Asides, take_asides, take_camera_denials, take_denials
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.noun_phrases import Relation, Thing, relations
from vitascope.toybox.language.recognise import Heard, hear
from vitascope.toybox.language.select import (
    PLAIN_NAMES,
    Choice,
    action_of,
    known,
    label_of,
    place_beside,
    place_of,
    quoted,
    subject_of,
)
from vitascope.toybox.language.translate import LANGUAGES, Translation, to_english
from vitascope.toybox.scene import FIELDS, Scene
from vitascope.toybox.world import FULL, World
from vitascope.types import CameraMove

MOST_CHARACTERS = 2000
"""Characters of a prompt that are read here; `resolve` refuses longer ones."""
MOST_TOKENS = 256
"""Words and marks of a prompt that are read: more than a long paragraph has."""


@dataclass(frozen=True)
class Asked:
    """What a prompt says beyond the labels of a scene; a model may have no say in some of it.

    `language` is the prompt's own, `english` what it says in plain English words. `without` is what is not
    wanted, `unknown` the words that nothing was made of.
    """

    language: str
    english: str
    things: tuple[Thing, ...] = ()
    relations: tuple[Relation, ...] = ()
    moods: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    sound: str = ""
    seconds: float | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parsed:
    """A prompt as understood: the whole scene, the camera's moves, and which of the scene's fields were said.

    `guessed` holds what was filled in, field by field; `notes` are lines for the user about what could not be
    taken as it was written; `asked` is what the prompt says beyond the scene. Where there are pictures, the fields of
    `seen` were filled in from them, and those of `left` are as they have it: the scene's own labels mean nothing there.
    """

    scene: Scene
    camera: tuple[CameraMove, ...]
    said: frozenset[str]
    guessed: dict[str, str]
    notes: tuple[str, ...]
    asked: Asked
    seen: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    casting: Casting | None = None
    """Who is to be seen, where any page may be; None for worlds that know their subjects by heart."""
    refusal: RequestError | None = None
    """Why nothing can be shown of what the prompt names."""

    @property
    def caption(self) -> str:
        """What the model reads of it."""
        return canonical(self.scene, self.left)


def parse(prompt: str, world: World = FULL, embed: Embed | None = None, seen: Seen = NOTHING) -> Parsed:
    """Read a prompt as a scene of `world`. The same words always give the same scene.

    `embed` finds the nearest known things to unknown words (see `nearest.embedder`); without it families of
    things and spelling must do. What the words leave open is as it was `seen` in pictures. Any text is answered: what
    is not understood is named in a note.
    """
    return parse_english(translate(prompt, world), world, embed, seen=seen)


def translate(prompt: str, world: World) -> Translation:
    """Return a prompt in English; the names of all pages are known where the world shows them."""
    text = prompt[:MOST_CHARACTERS]
    return translate_names(text, open_cast(settings().home).index) if world.open_cast else to_english(text)


def parse_english(
    translation: Translation,
    world: World,
    embed: Embed | None,
    before: Parsed | None = None,
    seen: Seen = NOTHING,
) -> Parsed:
    """Read a translated prompt; what it does not say stays as it was `before`, or else is as it was `seen`."""
    asides = take_asides(translation.text)
    tokens = _without_repeated_marks(tokenize(asides.rest))
    text, still = take_camera_denials(" ".join(tokens[:MOST_TOKENS]))
    camera = read_camera(text)
    words, without = take_denials(camera.rest.split())
    heard = hear(words, world, embed)
    context = _seen_before(before, seen, world)
    casting, refusal = _casting(translation, heard, embed)
    choices = _choices(heard, context) if casting is None else _choices_of_cast(heard, context, casting)
    if camera.label is not None:
        choices["camera"] = known("camera", camera.label, camera.label.replace("-", " "), heard)
    said = {field: choices[field].label for field in FIELDS if field in choices}
    labels = {field: label for field, label in said.items() if label}
    left = context.open - set(labels)
    still_there = {"action": "stand"} if "subject" in left else {}
    scene = complete({**still_there, **context.labels, **labels}, world)
    kept = frozenset(field for field, label in labels.items() if getattr(scene, field) == label)
    found = frozenset(
        field
        for field, label in context.labels.items()
        if field not in labels and getattr(scene, field) == label and (before is None or field in before.seen)
    )
    used = frozenset().union(*(choice.used for choice in choices.values()))
    asked = _asked(translation, heard, asides, still + without, used)
    if casting is not None:
        asked = replace(asked, unknown=_not_understood(asked.unknown, casting))
    notes = [note for field in FIELDS if field in choices for note in choices[field].notes]
    notes += camera.notes
    notes += _left_out(asked, scene, labels, kept, left, heard.world)
    if before is None:
        notes += notes_of_seen(scene, found, left)
    if len(tokens) > MOST_TOKENS:
        notes.append(f"only the first {MOST_TOKENS} of {len(tokens)} words are read")
    if asked.unknown:
        nothing = (
            f'no word of the prompt is understood (it may be in {LANGUAGES}): showing "{_shown(scene, left)}"'
        )
        notes = [*notes, f"not understood: {quoted(asked.unknown)}"] if labels else [nothing]
    guessed = {field: getattr(scene, field) for field in FIELDS if field not in kept | found | left}
    moves = camera.moves if "camera" in kept else scene_camera(scene.camera)
    lines = tuple(dict.fromkeys(notes))
    return Parsed(scene, moves, kept, guessed, lines, asked, found, left, casting, refusal)


def _asked(
    translation: Translation, heard: Heard, asides: Asides, without: tuple[str, ...], used: frozenset[int]
) -> Asked:
    return Asked(
        translation.language,
        " ".join(translation.text.split()),
        heard.things,
        relations(heard.tokens, heard.things, heard.finds),
        tuple(dict.fromkeys(token for token in heard.tokens if token in MOODS)),
        without,
        asides.sound,
        asides.seconds,
        _leftovers(heard, used),
    )


def _seen_before(before: Parsed | None, seen: Seen, world: World) -> Seen:
    """Return what is known without any words: the scene so far, or what pictures show of it as the world has it."""
    if before is not None:
        labels = {field: label for field, label in asdict(before.scene).items() if field != "camera"}
        return Seen(labels, before.left)
    labels = {field: label for field, label in seen.labels.items() if label in getattr(world, field + "s")}
    return Seen(labels, seen.open | (seen.labels.keys() - labels.keys()))


def _without_repeated_marks(tokens: list[str]) -> list[str]:
    return [token for token, after in pairwise([*tokens, ""]) if token.isalnum() or token != after]


def _choices(heard: Heard, context: Seen) -> dict[str, Choice]:
    """Return what is chosen for every field but the camera."""
    choices = {"subject": subject_of(heard), "set": place_of(heard)}
    choices |= {field: label_of(heard, field) for field in ("season", "time", "weather", "style")}
    said = {field: choice.label for field, choice in choices.items() if choice.label}
    actor = complete({**context.labels, **said}, heard.world).subject
    return choices | {"action": action_of(heard, actor)}


def _casting(
    translation: Translation, heard: Heard, embed: Embed | None
) -> tuple[Casting | None, RequestError | None]:
    """Return who is named, and why nothing can be shown of what is named, if so; None in worlds without pages."""
    if not heard.world.open_cast:
        return None, None
    try:
        return read_english(translation, open_cast(settings().home).index, embed), None
    except RequestError as error:
        return Casting(), error


def _choices_of_cast(heard: Heard, context: Seen, casting: Casting) -> dict[str, Choice]:
    """Return what is chosen for every field but the camera, where pages show the subjects."""
    lead = casting.subjects[0] if casting.subjects else None
    choices = {"subject": Choice(lead.page if lead else None, casting.notes)}
    choices["set"] = place_beside(heard, casting.place, casting.understood)
    choices |= {field: label_of(heard, field) for field in ("season", "time", "weather", "style")}
    said = {field: choice.label for field, choice in choices.items() if choice.label}
    if lead is not None and lead.action:
        return choices | {"action": known("action", lead.action, lead.action, heard)}
    if any(subject.action for subject in casting.subjects):
        return choices | {"action": Choice("stand")}
    actor = complete({**context.labels, **said}, heard.world).subject
    return choices | {"action": action_of(heard, actor)}


def _not_understood(unknown: tuple[str, ...], casting: Casting) -> tuple[str, ...]:
    """Return the unknown words of which the casting, too, makes nothing."""
    rest = (" ".join(word for word in words.split() if word not in casting.understood) for words in unknown)
    return tuple(dict.fromkeys(words for words in rest if words))


def _left_out(
    asked: Asked,
    scene: Scene,
    said: Mapping[str, str],
    kept: frozenset[str],
    left: frozenset[str],
    world: World,
) -> list[str]:
    """Return a line for each thing that is understood and still makes no difference to the picture."""
    notes = [_missing(scene, field, label) for field, label in said.items() if field not in kept]
    looks = list(dict.fromkeys(look for thing in asked.things[:1] for look in thing.looks))
    if looks and not world.open_cast:
        notes.append(f"the model shows a thing as it knows it: leaving out {quoted(looks)}")
    if asked.sound:
        notes.append(f"the model makes no sound: leaving out {quoted([asked.sound])}")
    return notes + [
        f"the model was never shown {odd}: it may come out wrong"
        for odd in oddities(scene, left | {"subject"} if world.open_cast else left)
    ]


def _missing(scene: Scene, field: str, label: str) -> str:
    place, kind = SAID["place"][scene.set][0], PLAIN_NAMES.get(field, field)
    return f"the model has no {label} {place}: leaving the {kind} out"


def _leftovers(heard: Heard, used: frozenset[int]) -> tuple[str, ...]:
    """Return the unknown words that nothing was made of; those that stand together are one."""
    runs: list[str] = []
    for run in heard.unknown:
        words = " ".join(heard.tokens[place] for place in run if place not in used)
        if words:
            runs.append(words)
    return tuple(dict.fromkeys(runs))


def _shown(scene: Scene, left: frozenset[str]) -> str:
    return canonical(scene, left).partition(",")[0]

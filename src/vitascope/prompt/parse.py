"""Words to a scene: what a prompt says, what it leaves open, and a line for each thing that is a stretch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise

from vitascope.conditioning.camera import scene_camera
from vitascope.prompt.asides import take_asides, take_camera_denials, take_denials
from vitascope.prompt.camera import read_camera
from vitascope.prompt.captions import canonical
from vitascope.prompt.choose import (
    PLAIN_NAMES,
    Choice,
    action_of,
    known,
    label_of,
    place_of,
    quoted,
    subject_of,
)
from vitascope.prompt.complete import complete, oddities
from vitascope.prompt.hear import Heard, hear
from vitascope.prompt.lexicon import MOODS, SAID
from vitascope.prompt.match import tokenize
from vitascope.prompt.nearest import Embed
from vitascope.prompt.scene import FIELDS, Scene
from vitascope.prompt.things import Relation, Thing, relations
from vitascope.prompt.translate import LANGUAGES, Translation, to_english
from vitascope.prompt.world import FULL, World
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
    taken as it was written; `asked` is what the prompt says beyond the scene.
    """

    scene: Scene
    camera: tuple[CameraMove, ...]
    said: frozenset[str]
    guessed: dict[str, str]
    notes: tuple[str, ...]
    asked: Asked


def parse(prompt: str, world: World = FULL, embed: Embed | None = None) -> Parsed:
    """Read a prompt as a scene of `world`. The same words always give the same scene.

    `embed` finds the nearest known things to unknown words (see `nearest.embedder`); without it families of
    things and spelling must do. Any text is answered: what is not understood is named in a note.
    """
    return parse_english(to_english(prompt[:MOST_CHARACTERS]), world, embed)


def parse_english(
    translation: Translation, world: World, embed: Embed | None, before: Scene | None = None
) -> Parsed:
    """Read a translated prompt; what it does not say stays as it was in the scene `before`."""
    asides = take_asides(translation.text)
    tokens = _without_repeated_marks(tokenize(asides.rest))
    text, still = take_camera_denials(" ".join(tokens[:MOST_TOKENS]))
    camera = read_camera(text)
    words, without = take_denials(camera.rest.split())
    heard = hear(words, world, embed)
    choices = _choices(heard, before)
    if camera.label is not None:
        choices["camera"] = known("camera", camera.label, camera.label.replace("-", " "), heard)
    said = {field: choices[field].label for field in FIELDS if field in choices}
    labels = {field: label for field, label in said.items() if label}
    kept_on = (
        {}
        if before is None
        else {field: label for field, label in asdict(before).items() if field != "camera"}
    )
    scene = complete({**kept_on, **labels}, world)
    kept = frozenset(field for field, label in labels.items() if getattr(scene, field) == label)
    used = frozenset().union(*(choice.used for choice in choices.values()))
    asked = Asked(
        translation.language,
        " ".join(translation.text.split()),
        heard.things,
        relations(heard.tokens, heard.things, heard.finds),
        tuple(dict.fromkeys(token for token in heard.tokens if token in MOODS)),
        still + without,
        asides.sound,
        asides.seconds,
        _leftovers(heard, used),
    )
    notes = [note for field in FIELDS if field in choices for note in choices[field].notes]
    notes += camera.notes
    notes += _left_out(asked, scene, labels, kept)
    if len(tokens) > MOST_TOKENS:
        notes.append(f"only the first {MOST_TOKENS} of {len(tokens)} words are read")
    if asked.unknown:
        nothing = f'no word of the prompt is understood (it may be in {LANGUAGES}): showing "{_shown(scene)}"'
        notes = [*notes, f"not understood: {quoted(asked.unknown)}"] if labels else [nothing]
    guessed = {field: getattr(scene, field) for field in FIELDS if field not in kept}
    moves = camera.moves if "camera" in kept else scene_camera(scene.camera)
    return Parsed(scene, moves, kept, guessed, tuple(dict.fromkeys(notes)), asked)


def _without_repeated_marks(tokens: list[str]) -> list[str]:
    return [token for token, after in pairwise([*tokens, ""]) if token.isalnum() or token != after]


def _choices(heard: Heard, before: Scene | None) -> dict[str, Choice]:
    """Return what is chosen for every field but the camera."""
    choices = {"subject": subject_of(heard), "set": place_of(heard)}
    choices |= {field: label_of(heard, field) for field in ("season", "time", "weather", "style")}
    said = {field: choice.label for field, choice in choices.items() if choice.label}
    actor = before.subject if before and "subject" not in said else complete(said, heard.world).subject
    return choices | {"action": action_of(heard, actor)}


def _left_out(asked: Asked, scene: Scene, said: Mapping[str, str], kept: frozenset[str]) -> list[str]:
    """Return a line for each thing that is understood and still makes no difference to the picture."""
    notes = [_missing(scene, field, label) for field, label in said.items() if field not in kept]
    looks = list(dict.fromkeys(look for thing in asked.things[:1] for look in thing.looks))
    if looks:
        notes.append(f"the model shows a thing as it knows it: leaving out {quoted(looks)}")
    if asked.sound:
        notes.append(f"the model makes no sound: leaving out {quoted([asked.sound])}")
    return notes + [f"the model was never shown {odd}: it may come out wrong" for odd in oddities(scene)]


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


def _shown(scene: Scene) -> str:
    return canonical(scene).partition(",")[0]

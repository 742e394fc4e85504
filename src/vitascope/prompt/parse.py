"""Words to a scene: what a prompt says, what it leaves open, and a line for each thing that is a stretch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vitascope.conditioning.camera import scene_camera
from vitascope.prompt.camera import read_camera
from vitascope.prompt.captions import canonical
from vitascope.prompt.complete import complete, oddities
from vitascope.prompt.kin import relative
from vitascope.prompt.lexicon import ARTICLES, CHATTER, GRAMMAR, NUMBERS, SAID
from vitascope.prompt.match import SNOW, Find, Meaning, after_preposition, match, tokenize
from vitascope.prompt.nearest import RELATED, Embed, nearest
from vitascope.prompt.scene import FIELDS, Scene
from vitascope.prompt.world import FULL, World, cast
from vitascope.types import CameraMove

LANGUAGES = "English"
"""The languages that prompts may be written in, as a note names them."""

MOST_WORDS = 8
"""Unknown words in a row that are looked up."""

_PLAIN_NAMES = {"subject": "thing", "set": "place", "time": "time of day"}


@dataclass(frozen=True)
class Parsed:
    """A prompt as understood: the whole scene, the camera's moves, and which of the scene's fields were said.

    `guessed` holds what was filled in, field by field; `notes` are lines for the user about what could not be
    taken as it was written.
    """

    scene: Scene
    camera: tuple[CameraMove, ...]
    said: frozenset[str]
    guessed: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Heard:
    """The tokens of a prompt, the phrases that mean something, and the runs of unknown words in between."""

    tokens: tuple[str, ...]
    finds: tuple[Find, ...]
    unknown: tuple[range, ...]
    world: World
    embed: Embed | None

    def of(self, field: str) -> list[Find]:
        """Return what was said of a field; what is only near it counts if nothing else is there."""
        finds = [find for find in self.finds if find.meaning.field == field]
        return [find for find in finds if not find.meaning.near] or finds


@dataclass(frozen=True)
class _Choice:
    """The label of a field (None: not said), lines about it, and the places of unknown words it used up."""

    label: str | None = None
    notes: tuple[str, ...] = ()
    used: frozenset[int] = frozenset()


def parse(prompt: str, world: World = FULL, embed: Embed | None = None) -> Parsed:
    """Read a prompt as a scene of `world`. The same words always give the same scene.

    `embed` finds the nearest known things to unknown words (see `nearest.embedder`); without it families of
    things and spelling must do. Any text is answered: what is not understood is named in a note.
    """
    camera = read_camera(" ".join(tokenize(prompt)))
    heard = _hear(camera.rest.split(), world, embed)
    choices = {"subject": _subject(heard), "set": _place(heard)}
    choices |= {field: _label(heard, field) for field in ("season", "time", "weather", "style")}
    said = {field: choice.label for field, choice in choices.items() if choice.label}
    choices["action"] = _action(heard, complete(said, world).subject)
    if camera.label is not None:
        choices["camera"] = _known("camera", camera.label, camera.label.replace("-", " "), heard)
    said = {
        field: choices[field].label or "" for field in FIELDS if field in choices and choices[field].label
    }
    scene = complete(said, world)
    kept = frozenset(field for field, label in said.items() if getattr(scene, field) == label)
    notes = [note for field in FIELDS if field in choices for note in choices[field].notes]
    notes += camera.notes
    notes += [_missing(scene, field, label) for field, label in said.items() if field not in kept]
    notes += [f"the model was never shown {odd}: it may come out wrong" for odd in oddities(scene)]
    leftovers = _leftovers(heard, frozenset().union(*(choice.used for choice in choices.values())))
    if not said and leftovers:
        notes = [f'no word of the prompt is understood ({LANGUAGES} only so far): showing "{_shown(scene)}"']
    elif leftovers:
        notes.append(f"not understood: {_quoted(leftovers)}")
    guessed = {field: getattr(scene, field) for field in FIELDS if field not in kept}
    moves = camera.moves if "camera" in kept else scene_camera(scene.camera)
    return Parsed(scene, moves, kept, guessed, tuple(dict.fromkeys(notes)))


def _hear(tokens: Sequence[str], world: World, embed: Embed | None) -> _Heard:
    finds = _settle_snow(match(tokens))
    taken = {place for find in finds for place in range(find.start, find.stop)}
    runs: list[range] = []
    for place, token in enumerate(tokens):
        plain = (
            token in GRAMMAR or token in CHATTER or token in NUMBERS or token.isdigit() or not token.isalnum()
        )
        if place in taken or plain:
            continue
        if runs and runs[-1].stop == place:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return _Heard(tuple(tokens), tuple(finds), tuple(runs), world, embed)


def _settle_snow(finds: list[Find]) -> list[Find]:
    """Read "snow" as the weather where a place is said, or has been by "snow" itself; else as that place."""
    placed = any(find.meaning.field == "set" for find in finds)
    settled = []
    for find in finds:
        if find.meaning.field == SNOW:
            find = replace(find, meaning=Meaning("weather" if placed else "set", (SNOW,)))
            placed = True
        settled.append(find)
    return settled


def _subject(heard: _Heard) -> _Choice:
    finds = _heads(heard)
    if not finds:
        return _unknown_subject(heard)
    first = next((find for find in finds if not after_preposition(heard.tokens, find.start)), finds[0])
    label = first.meaning.labels[0]
    choice = _known("subject", label, first.words, heard)
    others = list(dict.fromkeys(find.words for find in finds if find.meaning.labels[0] != label))
    if others:
        notes = (*choice.notes, f"the model shows one thing at a time: leaving out {_quoted(others)}")
        return replace(choice, notes=notes)
    if first.meaning.plural or _counted(heard.tokens, first.start):
        notes = (
            *choice.notes,
            f'the model shows one thing at a time: one "{cast()[choice.label or label].name}"',
        )
        return replace(choice, notes=notes)
    return choice


def _heads(heard: _Heard) -> list[Find]:
    """Return the subjects that are said; of several in a row ("robot dog") the last, which is described."""
    finds = heard.of("subject")
    following = {find.start for find in finds}
    return [find for find in finds if find.stop not in following]


def _counted(tokens: Sequence[str], place: int) -> bool:
    return any(token in NUMBERS for token in tokens[max(0, place - 2) : place])


def _unknown_subject(heard: _Heard) -> _Choice:
    """Return the nearest known subject to an unknown word that stands where a subject would."""
    runs = [run for run in heard.unknown if not after_preposition(heard.tokens, run.start)]
    leading = [run for run in runs if _leads(heard.tokens, run.start)]
    best: tuple[float, _Choice] = (0.0, _Choice())
    for run in (leading or runs)[:MOST_WORDS]:
        for place, words in _pieces(heard.tokens, run[:MOST_WORDS]):
            label, score = _nearest_subject(words, heard)
            if label is not None and score > best[0]:
                best = (
                    score,
                    _Choice(
                        label,
                        (_unknown(words, label),),
                        frozenset(range(place, place + words.count(" ") + 1)),
                    ),
                )
        if best[0] >= RELATED:
            return best[1]
    if heard.finds and leading:
        word = heard.tokens[leading[0].stop - 1]
        label = complete({}, heard.world).subject if best[1].label is None else best[1].label
        return _Choice(label, (_unknown(word, label),), frozenset((leading[0].stop - 1,)))
    return _Choice()


def _unknown(words: str, label: str) -> str:
    return f'the model does not know "{words}": showing the nearest thing it knows, "{cast()[label].name}"'


def _leads(tokens: Sequence[str], place: int) -> bool:
    """Say whether a noun phrase starts here: at the start of a clause, or after an article or a number."""
    before = next((token for token in reversed(tokens[:place]) if token not in CHATTER), ",")
    return (
        before in ARTICLES or before in NUMBERS or not before.isalnum() or before.isdigit() or before == "of"
    )


def _pieces(tokens: Sequence[str], run: range) -> Iterator[tuple[int, str]]:
    """Yield the pairs of words and then the words of a run, with their places."""
    for size in (2, 1):
        for place in range(run.start, run.stop - size + 1):
            yield place, " ".join(tokens[place : place + size])


def _nearest_subject(words: str, heard: _Heard) -> tuple[str | None, float]:
    """Return the subject of the world that is nearest to some words, and how near: 1 for kin."""
    for form in _singulars(words):
        if (label := relative(form, heard.world, heard.embed)) is not None:
            return label, 1.0
    if " " in words:
        return None, 0.0
    known = {name: (cast()[name].name, *cast()[name].synonyms) for name in heard.world.subjects}
    found = nearest([words], known, heard.embed).get(words)
    return (found.label, found.similarity) if found else (None, 0.0)


def _singulars(words: str) -> tuple[str, ...]:
    return words, words.removesuffix("s"), words.removesuffix("es"), words.removesuffix("ies") + "y"


def _place(heard: _Heard) -> _Choice:
    choice = _label(heard, "set")
    if choice.label is not None or heard.embed is None:
        return choice
    known = {
        place: [place, *(words.split()[-1] for words in SAID["place"][place])] for place in heard.world.sets
    }
    for run in heard.unknown[:MOST_WORDS]:
        word = heard.tokens[run.stop - 1]
        found = nearest([word], known, heard.embed).get(word)
        if after_preposition(heard.tokens, run.start) and found is not None and found.similarity >= RELATED:
            note = f'the model does not know "{word}": showing the nearest place it knows, "{found.label}"'
            return _Choice(found.label, (note,), frozenset((run.stop - 1,)))
    return choice


def _label(heard: _Heard, field: str) -> _Choice:
    """Return the first label that is said of a field, or the world's nearest to it."""
    finds = heard.of(field)
    if not finds:
        return _Choice()
    label = finds[0].meaning.labels[0]
    choice = _known(field, label, finds[0].words, heard, near=finds[0].meaning.near)
    others = list(dict.fromkeys(find.words for find in finds if find.meaning.labels[0] != label))
    if others:
        line = (
            f"the model shows one {_PLAIN_NAMES.get(field, field)} at a time: leaving out {_quoted(others)}"
        )
        return replace(choice, notes=(*choice.notes, line))
    return choice


def _action(heard: _Heard, subject: str) -> _Choice:
    """Return the first action that is said, as the subject would do it; "look" and "go" count last."""
    finds = heard.of("action")
    telling = [
        find for find in finds if find.meaning.labels[0] != "stand" and len(find.meaning.labels) < 4
    ] or finds
    if not telling:
        return _Choice()

    def label_of(find: Find) -> str:
        return next(
            (label for label in find.meaning.labels if label in cast()[subject].actions),
            find.meaning.labels[0],
        )

    label = label_of(telling[0])
    choice = _known("action", label, telling[0].words, heard)
    others = list(dict.fromkeys(find.words for find in telling if label_of(find) != label))
    if others:
        return replace(
            choice,
            notes=(*choice.notes, f"the model shows one action at a time: leaving out {_quoted(others)}"),
        )
    return choice


def _known(field: str, label: str, words: str, heard: _Heard, near: bool = False) -> _Choice:
    """Return a label if the world has it, else the nearest that it has, with a note."""
    labels: tuple[str, ...] = getattr(heard.world, field + "s")
    shown: str | None = label
    if label not in labels:
        shown = relative(label, heard.world, heard.embed) if field == "subject" else None
        names = {
            name: (cast()[name].name if field == "subject" else name.replace("-", " "),) for name in labels
        }
        if shown is None:
            found = nearest([words], names, heard.embed).get(words)
            shown = found.label if found is not None and found.similarity >= RELATED else None
    elif not near:
        return _Choice(label)
    kind = _PLAIN_NAMES.get(field, field)
    if shown is None:
        return _Choice(None, (f'the model does not know the {kind} "{words}": leaving it out',))
    name = cast()[shown].name if field == "subject" else shown.replace("-", " ")
    return _Choice(
        shown, (f'the model does not know "{words}": showing the nearest {kind} it knows, "{name}"',)
    )


def _missing(scene: Scene, field: str, label: str) -> str:
    place, kind = SAID["place"][scene.set][0], _PLAIN_NAMES.get(field, field)
    return f"the model has no {label} {place}: leaving the {kind} out"


def _leftovers(heard: _Heard, used: frozenset[int]) -> list[str]:
    """Return the unknown words that nothing was made of; those that stand together are one."""
    runs: list[str] = []
    for run in heard.unknown:
        words = " ".join(heard.tokens[place] for place in run if place not in used)
        if words:
            runs.append(words)
    return list(dict.fromkeys(runs))


def _quoted(words: Sequence[str]) -> str:
    """Return words in quotes, shortened and no more than fit into a line."""
    named = [f'"{word if len(word) <= 40 else word[:39] + "…"}"' for word in words]
    return ", ".join(named[:5] + ["…"] * (len(named) > 5))


def _shown(scene: Scene) -> str:
    return canonical(scene).partition(",")[0]

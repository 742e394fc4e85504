"""From what is heard to one label for each field, with a line for each thing that is a stretch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from vitascope.toybox.language.defaults import complete
from vitascope.toybox.language.hypernyms import relative
from vitascope.toybox.language.lexicon import ARTICLES, CHATTER, HEARD, NEAR, NUMBERS, PLACELESS, SAID
from vitascope.toybox.language.match import Find, after_preposition
from vitascope.toybox.language.nearest import RELATED, nearest
from vitascope.toybox.language.recognise import Heard
from vitascope.toybox.scene import stand_in
from vitascope.toybox.world import cast, find_subject

MOST_WORDS = 8
"""Unknown words in a row that are looked up."""

PLAIN_NAMES = {"subject": "thing", "set": "place", "time": "time of day"}

_WITHIN = frozenset(("in", "at", "inside", "into", "through", "within"))
"""Prepositions after which nothing but a place (or a garment) stands."""


@dataclass(frozen=True)
class Choice:
    """The label of a field (None: not said), lines about it, and the places of unknown words it used up."""

    label: str | None = None
    notes: tuple[str, ...] = ()
    used: frozenset[int] = frozenset()


def subject_of(heard: Heard) -> Choice:
    finds = heard.heads
    if not finds:
        return _unknown_subject(heard)
    first = next((find for find in finds if not after_preposition(heard.tokens, find.start)), finds[0])
    label = first.meaning.labels[0]
    choice = known("subject", label, first.words, heard)
    others = list(dict.fromkeys(find.words for find in finds if find.meaning.labels[0] != label))
    if others:
        notes = (*choice.notes, f"the model shows one thing at a time: leaving out {quoted(others)}")
        return replace(choice, notes=notes)
    if first.meaning.plural or _counted(heard.tokens, first.start):
        notes = (
            *choice.notes,
            f'the model shows one thing at a time: one "{cast()[choice.label or label].name}"',
        )
        return replace(choice, notes=notes)
    return choice


def _counted(tokens: Sequence[str], place: int) -> bool:
    return any(token in NUMBERS for token in tokens[max(0, place - 2) : place])


def _unknown_subject(heard: Heard) -> Choice:
    """Return the nearest known subject to an unknown word that stands where a subject would."""
    runs = [run for run in heard.unknown if not after_preposition(heard.tokens, run.start)]
    leading = [run for run in runs if _leads(heard.tokens, run.start)]
    best: tuple[float, Choice] = (0.0, Choice())
    for run in (leading or runs)[:MOST_WORDS]:
        for place, words in _pieces(heard.tokens, run[:MOST_WORDS]):
            label, score = _nearest_subject(words, heard)
            if label is not None and score > best[0]:
                best = (
                    score,
                    Choice(
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
        return Choice(label, (_unknown(word, label),), frozenset((leading[0].stop - 1,)))
    return Choice()


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


def _nearest_subject(words: str, heard: Heard) -> tuple[str | None, float]:
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


def place_of(heard: Heard) -> Choice:
    """Return the set that is said; an unknown place becomes the nearest that the world has."""
    choice = label_of(heard, "set")
    if choice.label is not None:
        return choice
    for run in heard.unknown[:MOST_WORDS]:
        start = next((head.start for head in heard.heads if head.stop == run.start), run.start)
        if not after_preposition(heard.tokens, start):
            continue
        word = heard.tokens[run.stop - 1]
        surely = _within(heard.tokens, start) and word not in PLACELESS
        label = _nearest_place(word, heard, 0.0 if surely else RELATED)
        if label is not None:
            note = f'the model does not know "{word}": showing the nearest place it knows, "{label}"'
            return Choice(label, (note,), frozenset((run.stop - 1,)))
    return choice


def place_beside(heard: Heard, named: str | None, understood: frozenset[str]) -> Choice:
    """Return the set that is `named` beside subjects, or else the nearest to an unknown place that is near any.

    Words that are `understood` otherwise are no places.
    """
    if named is not None:
        find = next((find for find in heard.finds if named in find.meaning.labels), None)
        words, near = (named, False) if find is None else (find.words, find.meaning.near)
        return known("set", named, words, heard, near=near)
    for run in heard.unknown[:MOST_WORDS]:
        word = heard.tokens[run.stop - 1]
        if word in understood or word in PLACELESS or not after_preposition(heard.tokens, run.start):
            continue
        label = _nearest_place(word, heard, RELATED)
        if label is not None:
            note = f'the model does not know "{word}": showing the nearest place it knows, "{label}"'
            return Choice(label, (note,), frozenset((run.stop - 1,)))
    return Choice()


def _within(tokens: Sequence[str], place: int) -> bool:
    """Say whether a noun phrase that begins here stands after "in", "at" or their like."""
    before = next((token for token in reversed(tokens[:place]) if token not in ARTICLES | CHATTER), "")
    return before in _WITHIN


def _nearest_place(word: str, heard: Heard, least: float) -> str | None:
    """Return the set nearest to a word, at least so near; without embeddings the plainest one if any will do."""
    if heard.embed is None:
        spelled = nearest([word], _place_words(heard.world.sets), None).get(word)
        usual = _usual_place(heard) if least == 0.0 else None
        return spelled.label if spelled is not None else usual
    found = nearest([word], _place_words(heard.world.sets), heard.embed).get(word)
    return found.label if found is not None and found.similarity >= least else None


def _usual_place(heard: Heard) -> str:
    """Return where the first thing that is said usually is."""
    subject = heard.things[0].subject if heard.things else None
    return complete({"subject": subject} if subject in heard.world.subjects else {}, heard.world).set


@cache
def _place_words(sets: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return for each set the single words that name it or places like it."""
    return {
        place: tuple(
            dict.fromkeys(
                words
                for words in (
                    place,
                    *(words.split()[-1] for words in SAID["place"][place]),
                    *HEARD["set"].get(place, ()),
                    *NEAR["set"].get(place, ()),
                )
                if " " not in words
            )
        )
        for place in sets
    }


def label_of(heard: Heard, field: str) -> Choice:
    """Return the first label that is said of a field, or the world's nearest to it."""
    finds = heard.of(field)
    if not finds:
        return Choice()
    label = finds[0].meaning.labels[0]
    choice = known(field, label, finds[0].words, heard, near=finds[0].meaning.near)
    others = list(dict.fromkeys(find.words for find in finds if find.meaning.labels[0] != label))
    if others:
        line = f"the model shows one {PLAIN_NAMES.get(field, field)} at a time: leaving out {quoted(others)}"
        return replace(choice, notes=(*choice.notes, line))
    return choice


def action_of(heard: Heard, subject: str) -> Choice:
    """Return the first action that is said, as the subject would do it; "look" and "go" count last."""
    finds = heard.of("action")
    telling = [
        find for find in finds if find.meaning.labels[0] != "stand" and len(find.meaning.labels) < 4
    ] or finds
    if not telling:
        return Choice()

    def meant(find: Find) -> str:
        return next(
            (label for label in find.meaning.labels if label in find_subject(subject).actions),
            find.meaning.labels[0],
        )

    label = meant(telling[0])
    choice = known("action", label, telling[0].words, heard, able=find_subject(subject).actions)
    others = list(dict.fromkeys(find.words for find in telling if meant(find) != label))
    if others:
        return replace(
            choice,
            notes=(*choice.notes, f"the model shows one action at a time: leaving out {quoted(others)}"),
        )
    return choice


def known(
    field: str, label: str, words: str, heard: Heard, near: bool = False, able: tuple[str, ...] = ()
) -> Choice:
    """Return a label if the world has it, else the nearest that it has, with a note."""
    labels: tuple[str, ...] = getattr(heard.world, field + "s")
    shown: str | None = label
    if label not in labels:
        shown = stand_in(field, label, labels, able)
        if field == "subject":
            shown = relative(label, heard.world, heard.embed)
        names = {
            name: (cast()[name].name if field == "subject" else name.replace("-", " "),) for name in labels
        }
        if shown is None:
            found = nearest([words], names, heard.embed).get(words)
            # A clip is always somewhere: whatever place is nearest is better than none.
            enough = 0.0 if field == "set" else RELATED
            shown = found.label if found is not None and found.similarity >= enough else None
    elif not near:
        return Choice(label)
    kind = PLAIN_NAMES.get(field, field)
    if shown is None:
        return Choice(None, (f'the model does not know the {kind} "{words}": leaving it out',))
    name = find_subject(shown).name if field == "subject" else shown.replace("-", " ")
    return Choice(
        shown, (f'the model does not know "{words}": showing the nearest {kind} it knows, "{name}"',)
    )


def quoted(words: Sequence[str]) -> str:
    """Return words in quotes, shortened and no more than fit into a line."""
    named = [f'"{word if len(word) <= 40 else word[:39] + "…"}"' for word in words]
    return ", ".join(named[:5] + ["…"] * (len(named) > 5))

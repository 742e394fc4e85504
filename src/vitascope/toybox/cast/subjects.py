"""Who a prompt shows: up to three pages, each with its colour, size, action, and how it stands to another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from vitascope.camera.language import read_camera
from vitascope.errors import RequestError
from vitascope.toybox.cast.index import NEAR_ENOUGH, Match, PageIndex, shipped_index
from vitascope.toybox.cast.table import CastEntry
from vitascope.toybox.cast.translations import shipped_names
from vitascope.toybox.cast.vocabulary import word_set, words
from vitascope.toybox.language.lexicon import (
    ARTICLES,
    CHATTER,
    GRAMMAR,
    LOOKS,
    MANNERS,
    MOODS,
    NUMBERS,
    PREPOSITIONS,
)
from vitascope.toybox.language.match import Find, Meaning, after_preposition, match, tokenize
from vitascope.toybox.language.modifiers import take_asides, take_camera_denials, take_denials
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.language.noun_phrases import Thing, read_things
from vitascope.toybox.language.translate import ENGLISH, UNKNOWN, Translation, to_english

MOST_SUBJECTS = 3
MOST_CHARACTERS = 2000
"""Characters of a prompt that are read here."""
MOST_TOKENS = 256
MOST_WORDS = 2
"""Unknown words in a row that may be a name: more are another language, or none."""
MOST_RANKED = 8
"""Unknown words after which no nearest page is looked for."""
BARE_PLURAL = 2
"""How many are shown where a plural says no number."""
_PERSONAL = ("person", "man", "woman")
_ADJECTIVAL = ("ful", "ous", "ive", "less", "ly", "ish", "able", "ible", "ical", "est")
_ABSTRACT = (
    "ness",
    "ity",
    "tion",
    "sion",
    "ism",
    "ment",
    "ship",
    "hood",
    "ance",
    "ence",
    "dom",
    "phy",
    "logy",
)
_WITHIN = frozenset(("in", "inside", "into", "through", "within", "at", "across", "along"))


@dataclass(frozen=True)
class Subject:
    """One subject of a clip: the page that shows it and what is said of it.

    `name` is what the prompt calls it. `colour` is a name of `words.toml` or "", `scale` multiplies its usual height.
    `action` is a label or "" where nothing is said. `relation` is how it stands to the subject at place `target`
    ("chasing", "beside", "on" …), "" and None where it stands alone.
    """

    page: str
    name: str
    colour: str = ""
    scale: float = 1.0
    action: str = ""
    relation: str = ""
    target: int | None = None


@dataclass(frozen=True)
class Casting:
    """Who a prompt shows, nobody where it names nobody, with a line for each thing that is not as it was asked.

    `place` is the set that the words name, None where they name none. `unknown` are words of things that are left out.
    """

    subjects: tuple[Subject, ...] = ()
    place: str | None = None
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    english: str = ""
    understood: frozenset[str] = frozenset()
    """Words that something is made of here, or that a note names."""


@dataclass(frozen=True)
class _Head:
    """A noun that names a page: where it stands, and what stands around it."""

    find: Find
    match: Match
    thing: Thing


def read_subjects(
    prompt: str, index: PageIndex | None = None, embed: Embed | None = None, anyway: bool = False
) -> Casting:
    """Return who a prompt in any of the twelve languages shows. The same words always give the same answer.

    Raises RequestError where all that the prompt names is far from every picture, unless the nearest is to be shown
    `anyway`.
    """
    index = index or shipped_index()
    return read_english(translate(prompt, index), index, embed, anyway)


def translate(prompt: str, index: PageIndex) -> Translation:
    """Return a prompt in English words, the names of own pages as the tokens that stand for them in the index."""
    return to_english(_spell_emoji(index.own_names.mark(prompt[:MOST_CHARACTERS]), index), shipped_names())


def read_english(
    translation: Translation, index: PageIndex, embed: Embed | None = None, anyway: bool = False
) -> Casting:
    """Return who a prompt shows that `translate` has put into English; see `read_subjects`. Raises RequestError."""
    names = index.own_names
    text, _ = take_camera_denials(" ".join(tokenize(take_asides(translation.text).rest)[:MOST_TOKENS]))
    tokens, _ = take_denials(read_camera(_idioms().sub(",", text)).rest.split())
    finds = match(tokens)
    heads = _find_heads(tokens, finds, index)
    place = _place(finds, heads)
    notes: list[str] = []
    unknown = _unknown_nouns(tokens, finds, heads)
    shown, left_out = _resolve_unknown(
        unknown, tokens, index, embed, translation.language, bool(heads), anyway
    )
    heads = sorted([*heads, *shown], key=lambda head: head.find.start)
    heads = _merge_riders(heads, tokens, index)
    subjects = _describe(heads, tokens, finds, index, notes)
    lines = [_near_note(head, index) for head in heads if head.match.how != "name"]
    if left_out:
        words_ = ", ".join(f'"{word[:40]}"' for word in left_out[:5])
        notes.append(f"no picture of {words_}, nor of anything near it: leaving it out")
    spans = [
        place for head in heads for place in (*head.thing.places, *range(head.find.start, head.find.stop))
    ]
    named = frozenset(
        [*(tokens[place] for place in spans), *(word for out in left_out for word in out.split())]
    )
    return Casting(
        tuple(replace(subject, name=names.restore(subject.name)) for subject in subjects),
        place,
        tuple(dict.fromkeys(map(names.restore, [*lines, *notes]))),
        tuple(map(names.restore, left_out)),
        names.restore(" ".join(tokens)),
        named | _verbs_and_relations(),
    )


@cache
def _verbs_and_relations() -> frozenset[str]:
    """Return the words that say what a subject does or how it stands to another."""
    said = [*words()["verbs"].values(), *words()["relations"].values()]
    return frozenset(word for phrase in said for word in phrase.replace(",", " ").split())


@cache
def _idioms() -> re.Pattern[str]:
    phrases = [
        phrase for line in words()["idioms"]["phrases"].splitlines() for phrase in line.split("|") if phrase
    ]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b")


def _spell_emoji(prompt: str, index: PageIndex) -> str:
    """Return a prompt with the emoji that have a page as their names."""
    if prompt.isascii():
        return prompt
    prompt = prompt.replace("\ufe0f", "")
    for emoji, name in index.emoji.items():
        if emoji in prompt:
            prompt = prompt.replace(emoji, f" , a {name} , ")
    return prompt


def _find_heads(tokens: Sequence[str], finds: Sequence[Find], index: PageIndex) -> list[_Head]:
    """Return the nouns of a prompt that name pages; of several in a row the last, which is what they describe."""
    settled = _settings(finds, tokens)
    found: list[tuple[Find, Match]] = []
    place = 0
    while place < len(tokens):
        hit = index.find_phrase(tokens, place)
        if (
            hit is None
            or _is_setting(range(place, hit[0]), settled)
            or not _is_noun(tokens, place, hit[0], finds)
        ):
            place += 1
            continue
        stop, page = hit
        if page.how == "near" and after_preposition(tokens, place):
            place = stop
            continue
        words_ = " ".join(tokens[place:stop])
        found.append((Find(place, stop, words_, Meaning("subject", (page.page,), plural=page.many)), page))
        place = stop
    starts = {find.start for find, _ in found}
    found = [
        (find, page)
        for find, page in found
        if find.stop not in starts
        and not (_possesses(tokens, find.stop) and starts & {find.stop + 1, find.stop + 2})
        and not _contains(tokens, find)
    ]
    things = read_things(tokens, [find for find, _ in found])
    heads = [_Head(find, page, thing) for (find, page), thing in zip(found, things, strict=False)]
    worn = [thing.places for thing in things if any(look.startswith("wearing") for look in thing.looks)]
    return [
        head
        for head in heads
        if not any(head.find.start in places and head.thing.places != places for places in worn)
    ]


def _settings(finds: Sequence[Find], tokens: Sequence[str]) -> list[Find]:
    """Return what tells where and when: it is no subject, even where it has a picture."""
    fields = ("set", "season", "time", "weather", "style", "snow")
    return [
        find
        for find in finds
        if find.meaning.field in fields
        and not (find.meaning.near and find.meaning.field != "set")
        and (
            find.meaning.field != "set"
            or find.words.partition(" ")[0] in GRAMMAR - ARTICLES
            or after_preposition(tokens, find.start)
        )
    ]


def _is_setting(span: range, settled: Sequence[Find]) -> bool:
    """Say whether words are part of a phrase for a place or a time that is at least as long."""
    return any(
        find.start <= span.start and span.stop <= find.stop and find.stop - find.start >= len(span)
        for find in settled
    )


def _is_noun(tokens: Sequence[str], start: int, stop: int, finds: Sequence[Find]) -> bool:
    """Say whether a name stands where a thing would, and not for a verb or an adjective that is spelled alike."""
    if stop - start > 1:
        return True
    word = tokens[start]
    counts = word in NUMBERS and not (word == "couple" and tokens[stop : stop + 1] != ["of"])
    if word in GRAMMAR or word in CHATTER or counts or word in word_set("nothing", "abstract"):
        return False
    before = tokens[start - 1] if start else ","
    after = tokens[stop] if stop < len(tokens) else ","
    gerund = word.endswith("ing") and len(word) > 5 and word not in ("building", "pudding", "painting")
    verb = gerund or any(find.meaning.field == "action" and find.start <= start < find.stop for find in finds)
    if word in LOOKS and after.isalnum() and after not in GRAMMAR:
        return False
    if not verb and word not in word_set("nothing", "doubtful"):
        return True
    described = (
        before in ARTICLES
        or before in NUMBERS
        or before in LOOKS
        or before in MANNERS
        or before == "of"
        or _is_adjective(tokens, start - 1, finds)
    )
    leads = not before.isalnum() and after not in ARTICLES and not after.isdigit()
    done_to = (
        not verb
        and word != "well"
        and any(find.meaning.field == "action" and find.stop == start for find in finds)
    )
    return (
        described or done_to or (leads and (word.endswith("s") or not verb)) or (before == "and" and not verb)
    )


def _is_adjective(tokens: Sequence[str], place: int, finds: Sequence[Find]) -> bool:
    """Say whether an unknown word stands between an article and a noun: "a shooting star"."""
    if place < 1 or tokens[place - 1] not in ARTICLES | NUMBERS or not tokens[place].isalpha():
        return False
    known = any(find.start <= place < find.stop and find.meaning.field == "subject" for find in finds)
    return not known and tokens[place] not in GRAMMAR


def _possesses(tokens: Sequence[str], stop: int) -> bool:
    return stop + 1 < len(tokens) and tokens[stop] == "s" and tokens[stop + 1].isalnum()


def _contains(tokens: Sequence[str], find: Find) -> bool:
    """Say whether a name says in what something comes: "a bowl of", "a group of"."""
    names = word_set("people", "containers") | word_set("people", "portions")
    return find.words in names and find.stop < len(tokens) and tokens[find.stop] == "of"


def _place(finds: Sequence[Find], heads: Sequence[_Head]) -> str | None:
    """Return the set that is named, by words that name no subject."""
    taken = {place for head in heads for place in range(head.find.start, head.find.stop)}
    named = [find for find in finds if find.meaning.field in ("set", "snow") and find.start not in taken]
    named = [find for find in named if not find.meaning.near] or named
    return named[0].meaning.labels[0] if named else None


def _unknown_nouns(tokens: Sequence[str], finds: Sequence[Find], heads: Sequence[_Head]) -> list[range]:
    """Return the runs of unknown words that stand where a subject would: after an article or at a clause's start."""
    taken = {place for head in heads for place in head.thing.places}
    taken |= {place for head in heads for place in range(head.find.start, head.find.stop)}
    taken |= {
        place for find in finds if find.meaning.field != "subject" for place in range(find.start, find.stop)
    }
    runs: list[range] = []
    place = 0
    while place < len(tokens):
        stop = place
        while stop < len(tokens) and stop not in taken and _is_unknown(tokens[stop]):
            stop += 1
        describes = (
            stop in {head.find.start for head in heads}
            or _possesses(tokens, stop)
            or (stop < len(tokens) and stop not in taken and _is_abstract(tokens[stop]))
        )
        if stop > place and not describes and _leads(tokens, place):
            runs.append(range(place, stop))
        place = max(stop, place + 1)
    return runs


def _is_unknown(token: str) -> bool:
    known = GRAMMAR | CHATTER | NUMBERS | LOOKS | MANNERS | MOODS | word_set("people", "some")
    nothing = (
        word_set("nothing", "abstract") | word_set("nothing", "scenery") | word_set("people", "portions")
    )
    return (
        token.isalnum()
        and not token.isdigit()
        and len(token) > 1
        and token not in known
        and token not in nothing
        and not _is_abstract(token)
        and not token.endswith(_ADJECTIVAL)
        and not (token.endswith("ed") and len(token) > 5)
    )


def _is_abstract(token: str) -> bool:
    """Say whether a word names what nobody can show: "the french revolution"."""
    return token in word_set("nothing", "abstract") or token.removesuffix("s").endswith(_ABSTRACT)


def _leads(tokens: Sequence[str], place: int) -> bool:
    """Say whether a noun phrase that does not say where something is starts here."""
    while place and tokens[place - 1] in LOOKS | MANNERS | CHATTER | MOODS:
        place -= 1
    before = tokens[place - 1] if place else ","
    if before in ARTICLES or before in NUMBERS:
        earlier = tokens[place - 2] if place > 1 else ","
        return earlier not in PREPOSITIONS
    return not before.isalnum() or before in ("of", "and")


def _resolve_unknown(
    runs: Sequence[range],
    tokens: Sequence[str],
    index: PageIndex,
    embed: Embed | None,
    language: str,
    named: bool,
    anyway: bool,
) -> tuple[list[_Head], tuple[str, ...]]:
    """Return the pages that come near to unknown nouns, and the words that are left out."""
    shown: list[_Head] = []
    left_out: list[str] = []
    for run in runs:
        word = tokens[run.stop - 1]
        if index.find_phrase(tokens, run.stop - 1) is not None:
            continue  # a name that is a verb or a place here, or one of very many
        best = _foreign_keyword(word, language, index)
        if best is None and not named and not shown:
            best = index.find_keyword(word) or index.find_compound(word)
        if best is None:
            # A long list of nonsense is not compared with every name.
            short = len(run) <= MOST_WORDS and len(left_out) + len(shown) < MOST_RANKED
            ranked = index.rank(word, embed) if short else []
            near = bool(ranked) and (ranked[0].how == "spelling" or ranked[0].similarity >= NEAR_ENOUGH)
            # What no table of another language knows may be an adjective as well as a noun.
            sure = language in (ENGLISH, UNKNOWN) and _is_asked_for(run, tokens)
            leads = sure and not named and not shown and run == runs[0]
            if near or (anyway and leads and ranked):
                best = ranked[0]
            elif leads and not anyway:
                nearest = ", ".join(f'"{found.page}"' for found in ranked)
                offer = f"the nearest are {nearest}; " if ranked else ""
                raise RequestError(
                    "prompt",
                    f'there is no picture of "{word[:40]}", nor of anything near it',
                    f"{offer}vitascope cast add brings your own",
                )
            else:
                left_out.append(" ".join(tokens[run.start : run.stop]))
                continue
        find = Find(run.stop - 1, run.stop, word, Meaning("subject", (best.page,), near=True))
        shown.append(_Head(find, best, read_things(tokens, [find])[0]))
    return shown, tuple(left_out)


def _is_asked_for(run: range, tokens: Sequence[str]) -> bool:
    """Say whether an unknown noun is surely what is to be shown: "a flumph dances", or the whole prompt."""
    if tokens[run.stop - 1].endswith(("ing", "ed")) or (run.stop < len(tokens) and tokens[run.stop] == "of"):
        return False
    before = tokens[run.start - 1] if run.start else ""
    return before in ARTICLES or before in NUMBERS or (len(run) == len(tokens) == 1)


@cache
def _language_codes() -> dict[str, str]:
    from vitascope.toybox.language.tables import NAMES

    return {name: code for code, name in NAMES.items()}


def _foreign_keyword(word: str, language: str, index: PageIndex) -> Match | None:
    code = _language_codes().get(language)
    return index.find_keyword(word, code) if code else None


def _merge_riders(heads: list[_Head], tokens: Sequence[str], index: PageIndex) -> list[_Head]:
    """Return the heads with a person and what they ride as the one page that shows both, where there is one."""
    merged: list[_Head] = []
    place = 0
    while place < len(heads):
        rider, ridden = heads[place], heads[place + 1] if place + 1 < len(heads) else None
        page = None
        if ridden is not None:
            between = tokens[rider.thing.places.stop : ridden.thing.places.start]
            if set(between) & {"rides", "riding", "ride", "rode", "on", "in"} and len(between) <= 4:
                page = _gendered("riding", ridden.match.page, rider.match.page)
        if page is not None and page in index.entries and ridden is not None:
            thing = replace(rider.thing, places=range(rider.thing.places.start, ridden.thing.places.stop))
            merged.append(_Head(rider.find, replace(rider.match, page=page), thing))
            place += 2
        else:
            merged.append(rider)
            place += 1
    return merged


def _gendered(section: str, deed: str, page: str) -> str | None:
    """Return the page of a person who does something, None where the page is no such person or nothing shows it."""
    base = {"boy": "man", "girl": "woman", "child": "person"}.get(page, page) if section == "riding" else page
    if base not in _PERSONAL or deed not in words()[section]:
        return None
    return words()[section][deed][_PERSONAL.index(base)]


def _near_note(head: _Head, index: PageIndex) -> str:
    entry = index.entries[head.match.page]
    return f'no picture of "{head.find.words[:40]}": showing "{entry.name}"'


def _describe(
    heads: Sequence[_Head], tokens: Sequence[str], finds: Sequence[Find], index: PageIndex, notes: list[str]
) -> tuple[Subject, ...]:
    """Return the subjects of heads, as many of each as there should be, with what is said of them."""
    verbs = [find for find in finds if find.meaning.field == "action"]
    subjects: list[Subject] = []
    firsts: list[int] = []
    for place, head in enumerate(heads):
        if len(subjects) >= MOST_SUBJECTS:
            firsts.append(-1)
            notes.append(f'three subjects at most are shown: leaving out "{head.find.words[:40]}"')
            continue
        subject = _subject(place, heads, tokens, verbs, index, notes)
        count = _number(head, tokens)
        room = MOST_SUBJECTS - len(subjects)
        if count > room:
            times = count if count < 99 else "many"
            notes.append(
                f'three subjects at most are shown: "{head.find.words[:40]}" {times} times is too many'
            )
        firsts.append(len(subjects))
        subjects += [subject] * min(count, room)
    return _relate(subjects, firsts, heads, tokens)


def _number(head: _Head, tokens: Sequence[str]) -> int:
    """Return how many of something are wanted; "many" and "a group" are three."""
    count = head.thing.count
    start = head.thing.places.start
    before = tokens[max(0, start - 3) : start]
    if head.find.words in word_set("people", "many"):
        return MOST_SUBJECTS
    if set(before) & word_set("people", "some") and (count is None or count in (0, 1)):
        return MOST_SUBJECTS
    if count == 0:
        return 2 if set(before) & {"pair", "couple"} else MOST_SUBJECTS
    if count is not None:
        return count
    plural_only = head.find.meaning.plural and not head.find.words.endswith(
        ("sheep", "fish", "deer", "moose")
    )
    return BARE_PLURAL if plural_only else 1


def _subject(
    place: int,
    heads: Sequence[_Head],
    tokens: Sequence[str],
    verbs: Sequence[Find],
    index: PageIndex,
    notes: list[str],
) -> Subject:
    head = heads[place]
    entry = index.entries[head.match.page]
    looks = [look for look in head.thing.looks if not look.startswith("wearing")]
    worn = [look for look in head.thing.looks if look.startswith("wearing")]
    deed, action = _deed(place, heads, tokens, verbs, entry)
    if (
        deed
        and head.match.how == "name"
        and (page := _gendered("doing", deed, entry.id)) in index.entries
        and page is not None
    ):
        entry = index.entries[page]
    if not action:
        action = next(
            (name for name, pages in words()["doing"].items() if entry.id in pages and name in entry.actions),
            "",
        )
    entry, looks = _toned(entry, [*_before(head, tokens), *looks], index)
    colours = [look for look in looks if look in words()["colours"] and look not in entry.name.split()]
    colour = colours[0] if colours and entry.kind != "person" else ""
    scale = 1.0
    for word in head.thing.manners + tuple(tokens[head.thing.places.start : head.find.start]):
        scale = words()["sizes"].get(word, scale) if entry.id != "baby" or word != "baby" else scale
    left = [look for look in looks if look != colour and look not in head.find.words.split()] + worn
    if left:
        said = ", ".join(f'"{look[:40]}"' for look in left[:3])
        notes.append(f'"{entry.name}" is shown as its picture has it: leaving out {said}')
    return Subject(entry.id, head.find.words, colour, scale, action)


def _before(head: _Head, tokens: Sequence[str]) -> list[str]:
    """Return the word before a noun phrase where it is one for skin: "an asian man"."""
    start = head.thing.places.start
    named = {word for said in words()["tones"].values() for word in said.split()}
    return [token for token in tokens[max(0, start - 1) : start] if token in named and token not in LOOKS]


def _toned(entry: CastEntry, looks: Sequence[str], index: PageIndex) -> tuple[CastEntry, list[str]]:
    """Return a person's page in the tone of skin that is asked for, and the looks that are left."""
    if entry.kind != "person":
        return entry, list(looks)
    for look in looks:
        for tone, named in words()["tones"].items():
            if look in named.split():
                tones = [found for found in index.entries.values() if found.base == entry.id]
                order = ("light", "medium-light", "medium", "medium-dark", "dark")
                best = min(
                    tones, key=lambda found: abs(order.index(found.tone) - order.index(tone)), default=entry
                )
                return best, [other for other in looks if other != look] if tones else list(looks)
    return entry, list(looks)


def _deed(
    place: int, heads: Sequence[_Head], tokens: Sequence[str], verbs: Sequence[Find], entry: CastEntry
) -> tuple[str, str]:
    """Return what a subject does: a verb of `words.toml` ("" for none), and the action's label ("" for none)."""
    head = heads[place]
    stop = heads[place + 1].thing.places.start if place + 1 < len(heads) else len(tokens)
    before = [verb for verb in verbs if _describes_head(verb, head)]
    own = [verb for verb in verbs if head.find.stop <= verb.start < stop]
    span = tokens[head.find.stop : stop]
    deed = next(
        (name for word in span for name, forms in words()["verbs"].items() if word in forms.split()), ""
    )
    joined = all(token in ("and", ",") or token in ARTICLES | NUMBERS for token in span)
    if not own and not before and joined and place + 1 < len(heads):
        return _deed(place + 1, heads, tokens, verbs, entry)
    if not own and not before and place > 0:
        return "", _shared(place, heads, tokens, verbs, entry)
    chosen = [verb for verb in (before or own) if verb.meaning.labels[0] != "stand"] or before or own
    return deed, _label(chosen[0], entry) if chosen else ""


def _describes_head(verb: Find, head: _Head) -> bool:
    """Say whether a verb stands before its noun: "a dancing cat"."""
    return verb.stop <= head.find.start and (
        verb.stop == head.thing.places.start or verb.start in head.thing.places
    )


def _label(verb: Find, entry: CastEntry) -> str:
    """Return the label of a verb that the page can do; else the verb's most usual."""
    return next((label for label in verb.meaning.labels if label in entry.actions), verb.meaning.labels[0])


def _shared(
    place: int, heads: Sequence[_Head], tokens: Sequence[str], verbs: Sequence[Find], entry: CastEntry
) -> str:
    """Return what something does that somebody before it does something with: who is chased or walked moves too."""
    first, second = heads[place - 1], heads[place]
    between = range(first.find.stop, second.thing.places.start)
    verb = next((verb for verb in verbs if verb.start in between), None)
    words_between = tokens[between.start : between.stop]
    if verb is None or set(words_between) & (PREPOSITIONS - {"after"}):
        return ""
    label = verb.meaning.labels[0]
    return _label(verb, entry) if label in ("walk", "run") and label in entry.actions else ""


def _relate(
    subjects: Sequence[Subject], firsts: Sequence[int], heads: Sequence[_Head], tokens: Sequence[str]
) -> tuple[Subject, ...]:
    """Return the subjects with how each stands to the next one that is named."""
    related = list(subjects)
    for place in range(len(heads) - 1):
        first, second = firsts[place], firsts[place + 1]
        if first < 0 or second < 0:
            continue
        text = " ".join(tokens[heads[place].find.stop : heads[place + 1].thing.places.start])
        if relation := _relation(text):
            for number in range(first, second):
                related[number] = replace(related[number], relation=relation, target=second)
    return tuple(related)


@cache
def _relation_patterns() -> dict[str, re.Pattern[str]]:
    return {
        relation: re.compile(rf"\b(?:{'|'.join(map(re.escape, said.split(', ')))})\b")
        for relation, said in words()["relations"].items()
    }


def _relation(text: str) -> str:
    """Return how two things stand to each other by the words between them, "" where these do not say so."""
    return next((relation for relation, pattern in _relation_patterns().items() if pattern.search(text)), "")

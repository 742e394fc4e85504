"""The words of the world's labels (`lexicon.toml`), and the little grammar that they need."""

import tomllib
from importlib.resources import files

_WORDS = tomllib.loads(files("vitascope.toybox.language").joinpath("lexicon.toml").read_text("utf-8"))

SAID: dict[str, dict[str, list[str]]] = _WORDS["said"]
"""Kind of phrase -> label -> what captions say, plainest first. A set is said as `place` or as `route`."""
HEARD: dict[str, dict[str, list[str]]] = _WORDS["heard"]
"""Field -> label -> more words that mean it; for actions, several labels in one key, most usual first."""
NEAR: dict[str, dict[str, list[str]]] = _WORDS["near"]
"""Field -> label -> words for what the world lacks that the label comes nearest to."""
KIN: dict[str, dict[str, str]] = _WORDS["kin"]
"""Realm -> family -> the words of its members; a thing of several words is those words in a row."""

GRAMMAR = frozenset(_WORDS["plain"]["grammar"].split())
CHATTER = frozenset(_WORDS["plain"]["chatter"].split())
NUMBERS = frozenset(_WORDS["plain"]["numbers"].split())
ARTICLES = frozenset(_WORDS["plain"]["articles"].split())
PREPOSITIONS = frozenset(_WORDS["plain"]["prepositions"].split())

LOOKS = frozenset(_WORDS["things"]["looks"].split())
"""What something looks like: colours, patterns, shapes."""
MANNERS = frozenset(_WORDS["things"]["manners"].split())
"""Adjectives that people give to anything."""
MOODS = frozenset(_WORDS["things"]["moods"].split())
WORN = frozenset(_WORDS["things"]["worn"].split())
PLACELESS = frozenset(_WORDS["things"]["placeless"].split())
"""Words after "in the" that name no place."""
RELATIONS: list[str] = _WORDS["things"]["relations"]
"""How one thing may stand to another, the plainest words last."""
COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
          "ten": 10}  # fmt: skip

MOVING = ("walk", "run", "fly", "swim", "drive", "roll", "hop")
"""Actions that go somewhere."""


def inflect(phrase: str) -> tuple[str, str, str, str]:
    """Return a verb phrase's base, third person, gerund and past: "hop" -> hop, hops, hopping, hopped."""
    base, _, rest = phrase.partition(" ")
    third, gerund, past = _WORDS["irregular"].get(base) or (_third(base), _gerund(base), _past(base))
    a, b, c, d = (f"{form} {rest}".strip() for form in (base, third, gerund, past))
    return a, b, c, d


def article(noun: str) -> str:
    """Return a noun with its article: "a cat", "an owl", "a unicorn"."""
    sounds_like_you = noun.startswith(("uni", "ufo", "use", "eu", "one"))
    return f"{'an' if noun[0] in 'aeiou' and not sounds_like_you else 'a'} {noun}"


def _third(base: str) -> str:
    if base.endswith(("s", "x", "sh", "ch", "z")):
        return base + "es"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def _gerund(base: str) -> str:
    return (base[:-1] if base.endswith("e") else _doubled(base)) + "ing"


def _past(base: str) -> str:
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return (base[:-1] if base.endswith("e") else _doubled(base)) + "ed"


def _doubled(base: str) -> str:
    short = len(base) > 2 and base[-1] not in "aeiouwxy" and base[-2] in "aeiou" and base[-3] not in "aeiou"
    return base + base[-1] if short else base

"""What is wrong with a value, in plain words: the library that checks values has its own, which are for programmers."""

from collections.abc import Mapping
from typing import Any

_SHOWN = 60
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "finite": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen": "a list",
    "iterable": "a list",
    "dict": "a set of names and values",
    "mapping": "a set of names and values",
    "model": "a set of names and values",
    "dataclass": "a set of names and values",
    "bytes": "bytes",
    "path": "a path",
    "url": "an address",
    "date": "a date",
    "none": "empty",
}
"""What a value should be, by the first word of the kind of error."""


def complaint(error: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return what is wrong by an entry of pydantic's `ValidationError.errors()`, and the nearest legal value if known.

    Values of people are quoted in part only. The words are never pydantic's.
    """
    kind, context = str(error["type"]), error.get("ctx") or {}
    shown = _shown(error.get("input"))
    if kind in ("value_error", "assertion_error"):
        return _lowered(str(context.get("error") or "is not allowed")), None
    if kind == "missing" or kind.startswith("missing_"):
        return "is missing", None
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return "is not known", None
    if kind in ("literal_error", "enum"):
        return f"{shown} is not known", f"it may be: {_choices(context.get('expected', ''))}"
    if (range_problem := _range(kind, context, shown)) is not None:
        return range_problem
    if kind in ("string_too_long", "too_long", "bytes_too_long"):
        what = (
            "characters" if kind == "string_too_long" else "bytes" if kind == "bytes_too_long" else "entries"
        )
        return f"has too many {what}", f"at most {context.get('max_length', 0):,} are read"
    if kind in ("string_too_short", "too_short", "bytes_too_short"):
        least = context.get("min_length", 1)
        return ("is empty" if least == 1 else f"is too short: at least {least} are needed"), None
    if kind == "string_pattern_mismatch":
        # An address may hold a secret: it is not quoted.
        return "does not have the right form", None
    if kind.startswith("json"):
        return "is not JSON", None
    if kind == "finite_number":
        return f"{shown} is not a finite number", None
    expected = _KINDS.get(kind.split("_")[0])
    return (f"{shown} is not {expected}" if expected else f"{shown} cannot be used here"), None


def _range(kind: str, context: Mapping[str, Any], shown: str) -> tuple[str, str] | None:
    """Return what is wrong with a number that is too small or too large."""
    signs = {
        "greater_than_equal": ("ge", "below"), "less_than_equal": ("le", "above"),
        "greater_than": ("gt", "not above"), "less_than": ("lt", "not below"),
        "multiple_of": ("multiple_of", "no multiple of"),
    }  # fmt: skip
    if kind not in signs:
        return None
    name, word = signs[kind]
    limit = context.get(name)
    text = f"{limit:g}" if isinstance(limit, int | float) else str(limit)
    return f"{shown.strip(chr(39))} is {word} {text}", f"nearest: {text}"


def _choices(expected: str) -> str:
    return expected.replace("'", "").replace(" or ", ", ")


def _shown(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, str):
        return repr(value[:_SHOWN])
    return "this"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]

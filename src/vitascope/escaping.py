"""Text of strangers in a terminal or a log: what would steer it or turn its direction is written as a code."""

import json
import re

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters (C0, DEL, C1), marks of direction, separators of lines, byte order marks and halves of characters.

Joiners stay: emoji and several scripts need them.
"""


def escaped(text: object) -> str:
    r"""Return text with every character that would steer a terminal as \xNN or \uNNNN; a line feed is one, too."""
    return _STEERING.sub(_code, str(text))


def escaped_json(value: object) -> str:
    r"""Return a value as JSON in one line that a terminal can show; such characters are \uNNNN."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _code(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"

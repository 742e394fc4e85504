import json

import pytest

from vitascope.escaping import escaped, escaped_json

CLIPBOARD = "\x1b]52;c;cm0gLXJmIC8=\x07"
CASES = {
    CLIPBOARD: r"\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1b[2J": r"\x1b[2J",
    "\x9b31m": r"\x9b31m",
    "a\u202egnp.exe": r"a\u202egnp.exe",
    "a\u2028b": r"a\u2028b",
    "a\nb": r"a\x0ab",
    "a\u2066b\u2069": r"a\u2066b\u2069",
    "\ud800": r"\ud800",
    "क्‍ष 👩‍🚀 é 猫 مرحبا": "क्‍ष 👩‍🚀 é 猫 مرحبا",
}


@pytest.mark.parametrize(("text", "shown"), CASES.items())
def test_what_steers_a_terminal_is_shown_as_its_code(text, shown):
    assert escaped(text) == shown
    assert all(character.isprintable() or character == "\u200d" for character in escaped(text))


@pytest.mark.parametrize("text", CASES)
def test_json_says_the_same_without_steering(text):
    line = escaped_json({"path": text})
    assert json.loads(line) == {"path": text}
    assert escaped(line) == line

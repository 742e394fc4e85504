"""The words of a request before any model reads them: cleaned, bounded, and checked."""

import unicodedata

from vitascope.errors import RequestError
from vitascope.types import Shot

MAX_PROMPT = 2000
"""Characters of the longest prompt."""

_DIRECTION_MARKS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])


def clean(name: str, text: str) -> str:
    """Return the text in one line of single spaces, without marks that only turn the reading direction.

    Raises `RequestError` for control characters, for what is not Unicode, and for more than `MAX_PROMPT` characters.
    """
    if len(text) > MAX_PROMPT:
        raise RequestError(name, f"has {len(text):,} characters", f"at most {MAX_PROMPT:,} are read")
    text = " ".join(text.split())
    for place, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs"):
            problem = f"has the control character U+{ord(character):04X} at position {place + 1}"
            raise RequestError(name, problem, "leave it out")
    return unicodedata.normalize("NFC", text.translate(_DIRECTION_MARKS)).strip()


def clean_words(shot: Shot) -> Shot:
    """Return a shot with its words cleaned; raises `RequestError` for words that cannot be read.

    A shot that has a caption has been planned before, and keeps its words as they are.
    """
    prompt = clean("prompt", shot.prompt)
    negative = clean("negative_prompt", shot.negative_prompt)
    if not prompt:
        raise RequestError("prompt", "is empty", 'say what to show, as in "a cat walking in a garden"')
    if shot.caption is not None:
        return shot
    script = tuple((share, clean("at", words)) for share, words in sorted(shot.script))
    return shot.model_copy(update={"prompt": prompt, "negative_prompt": negative, "script": script})


def caption_as_written(shot: Shot) -> Shot:
    """Return a shot for a model that reads free text: its caption is the prompt, word for word."""
    return shot if shot.caption is not None else shot.model_copy(update={"caption": shot.prompt})

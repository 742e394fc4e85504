"""How long a text may be: each argument's limit, which holds for Python, the command line and every route alike."""

from vitascope.errors import RequestError

MAX_TEXT = 32_000
"""Characters of any text that no line below names; what clients of the videos API may send as a prompt."""
MAX_NAME = 200
"""Characters of a name, a key or an id."""
MAX_FILE_NAME = 4096
"""Characters of a path of this machine."""
MAX_CAMERA = 2000
MAX_PATH = 4000
MAX_TIME = 40
"""Characters of a time, a span, a size, a ratio or a box."""
MAX_POINTS = 64
"""Points of the path of a subject."""
MAX_MOVES = 64
"""Moves of the camera in one shot."""
MAX_STAGES = 16
MAX_CAST = 3
"""Things that are told one after another in one shot."""
MAX_LORAS = 16
MAX_GIVENS = 64
"""Pictures and videos that one shot is given."""

LENGTHS = {
    "aspect_ratio": MAX_TIME, "box": MAX_TIME * 4, "camera": MAX_CAMERA, "key": MAX_NAME, "model": MAX_NAME,
    "memory": MAX_NAME, "outpaint": MAX_TIME, "path": MAX_PATH, "preset": MAX_NAME, "quality": MAX_NAME,
    "size": MAX_TIME, "span": MAX_TIME, "style": MAX_NAME, "user": MAX_NAME, "video_id": MAX_NAME,
    "lora": MAX_FILE_NAME, "keyframe": MAX_FILE_NAME,
}  # fmt: skip
"""Characters that a text argument may have, by its name."""


def check_text(argument: str, value: object, most: int | None = None) -> None:
    """Raise `RequestError` for a text that is longer than its argument may be (or than `most`), or is not Unicode."""
    if not isinstance(value, str):
        return
    most = LENGTHS.get(argument, MAX_TEXT) if most is None else most
    if len(value) > most:
        raise RequestError(argument, f"has {len(value):,} characters", f"at most {most:,} are read")
    # A lone surrogate (bytes of a command line that are no UTF-8) cannot be encoded, so it would fail much later.
    for place, character in enumerate(value):
        if "\ud800" <= character <= "\udfff":
            problem = f"has the control character U+{ord(character):04X} at position {place + 1}"
            raise RequestError(argument, problem, "leave it out")

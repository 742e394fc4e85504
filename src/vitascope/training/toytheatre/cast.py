"""The cast's pictures: which Fluent Emoji shows each subject, and how."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Member:
    """One of the cast: `package` is `still` or `anim1` … `anim4`, `facing` (in the picture) `left`, `right` or `front`.

    `height` is how tall it stands in a picture that it does not have to share, in picture heights; `loop` the
    first frame that is played and the one after the last, where that is not the whole animation.
    """

    id: str
    codepoint: str
    package: str
    facing: str
    height: float
    loop: tuple[int, int] | None = None


SMALL = (
    "cat", "dog", "horse", "penguin", "elephant", "duck", "fish", "dragon", "taxi", "rocket", "ball", "dancer",
)  # fmt: skip
"""The dozen of the small atlas, which is committed for tests and small models."""


@cache
def members() -> dict[str, Member]:
    """Return all members by id, in the order of `cast.toml`."""
    text = files("vitascope.training.toytheatre").joinpath("cast.toml").read_text("utf-8")
    rows = tomllib.loads(text)["member"]
    return {
        row["id"]: Member(**row | {"loop": tuple(row["loop"]) if "loop" in row else None}) for row in rows
    }

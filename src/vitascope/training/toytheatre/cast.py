"""The cast's pictures: which Fluent Emoji shows each subject, and how."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Member:
    """One of the cast: `package` is `still` or `anim1` … `anim4`, `facing` is `left`, `right` or `front`.

    `height` is how tall it stands in a picture that it does not have to share, in picture heights.
    """

    id: str
    codepoint: str
    package: str
    facing: str
    height: float


SMALL = (
    "cat", "dog", "horse", "penguin", "elephant", "duck", "fish", "dragon", "taxi", "rocket", "ball", "dancer",
)  # fmt: skip
"""The dozen of the small atlas, which is committed for tests and small models."""


@cache
def members() -> dict[str, Member]:
    """Return all members by id, in the order of `cast.toml`."""
    text = files("vitascope.training.toytheatre").joinpath("cast.toml").read_text("utf-8")
    return {row["id"]: Member(**row) for row in tomllib.loads(text)["member"]}

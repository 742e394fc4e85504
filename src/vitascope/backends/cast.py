"""What people can do with the memory of a model that looks subjects up: list it, draw it, and add to it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class CastRow:
    """One subject of a memory: its name, what it is, how many pictures it has, and its further names in English.

    `own` is a person's own subject, `consent` whether that of the face in its pictures is recorded.
    """

    name: str
    kind: str
    phases: int
    synonyms: tuple[str, ...] = ()
    turntable: bool = False
    own: bool = False
    consent: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class NewSubject:
    """A subject that is to be added: its name, its pictures, and what is said of them.

    `like` names a subject that it moves and sounds like, `facing` is left, right or front, `box` where it is in a
    photograph (left, top, width and height in shares, "" for anywhere). `views` are pictures from around it.
    """

    name: str
    files: tuple[Path, ...]
    like: str = ""
    facing: str = "front"
    box: str = ""
    views: bool = False
    consent: bool = False


@dataclass(frozen=True)
class AddedSubject:
    """A subject that was added, how its pictures were cut out, and a line for each thing to know of it."""

    row: CastRow
    method: str
    notes: tuple[str, ...] = ()


@runtime_checkable
class CastLibrary(Protocol):
    """The subjects that a model has pictures of, and those of a person's own in a home folder."""

    def list_subjects(
        self, home: Path, word: str = "", sheet: Path | None = None
    ) -> tuple[Sequence[CastRow], tuple[str, ...]]:
        """Return the subjects with a word in one of their names in any language, own ones first, and notes.

        With `sheet` they are also drawn into that picture.
        """
        ...

    def add_subject(self, home: Path, subject: NewSubject, sheet: Path | None = None) -> AddedSubject:
        """Keep a subject, in place of one of the same name. Raises RequestError for what cannot be shown.

        With `sheet` what was cut out is also drawn into that picture.
        """
        ...

    def remove_subject(self, home: Path, name: str) -> None:
        """Forget a subject and delete its pictures. Raises RequestError if there is none of that name."""
        ...

"""Characters: who is meant, shown once by a picture or a video and then named by an id in any number of requests."""

import json
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vitascope.errors import JobNotFoundError, RequestError
from vitascope.files import private_folder, published
from vitascope.server.sandbox import check
from vitascope.server.tokens import Caller

START = "char_"
MAX_EACH, MAX_BYTES_EACH = 1000, 2**30
"""Characters that one owner may keep, and bytes of their pictures."""
_ID = re.compile(r"char_[0-9a-f]{24}", re.ASCII)


@dataclass(frozen=True)
class Character:
    """Who is meant: a name, and one picture."""

    id: str
    name: str
    owner: str
    created_at: float

    def to_json(self) -> dict[str, Any]:
        """Return what its owner is told."""
        payload = {"id": self.id, "object": "video.character", "name": self.name}
        return payload | {"created_at": int(self.created_at)}


@dataclass(frozen=True)
class Characters:
    """A folder of characters."""

    folder: Path

    def add(self, name: str, file: Path, caller: Caller) -> Character:
        """Keep a character whose picture is the first frame of a file; raises `RequestError`."""
        name = " ".join(str(name).split())
        if not 1 <= len(name) <= 80 or not name.isprintable():
            raise RequestError("name", "is not a name", "1 to 80 letters")
        character = Character(START + secrets.token_hex(12), name, caller.name, time.time())
        self._check_share(caller)
        folder = self.folder / character.id
        private_folder(folder)
        try:
            check(file, "video", still=folder / "picture.png")
            with published(folder / "character.json", force=True, private=True) as note:
                note.write_text(json.dumps(asdict(character)), "utf-8")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return character

    def _check_share(self, caller: Caller) -> None:
        mine = self.all(Caller(caller.name, "write"))
        held = 0
        for one in mine:
            with suppress(FileNotFoundError):  # somebody has just deleted it
                held += self.picture(one).stat().st_size
        if len(mine) >= MAX_EACH or held > MAX_BYTES_EACH:
            most = f"{MAX_EACH:,} characters, {MAX_BYTES_EACH // 2**20:,} MiB of pictures"
            raise RequestError("video", f"cannot be kept: a token may have {most}", "delete some")

    def get(self, name: str, caller: Caller) -> Character:
        """Return a character of the caller's; raises `JobNotFoundError`."""
        note = self.folder / name / "character.json"
        if not _ID.fullmatch(name) or not note.is_file():
            raise JobNotFoundError("character_id", f"there is no character {name[:60]!r}")
        try:
            character = Character(**json.loads(note.read_text("utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            # A note that cannot be read is nobody's, so that it hides no other character.
            raise JobNotFoundError("character_id", f"there is no character {name[:60]!r}") from None
        if caller.owner not in (None, character.owner):
            raise JobNotFoundError("character_id", f"there is no character {name[:60]!r}")
        return character

    def all(self, caller: Caller) -> list[Character]:
        """Return the caller's characters, the newest first."""
        characters = []
        for note in self.folder.glob(f"{START}*/character.json"):
            try:
                characters.append(self.get(note.parent.name, caller))
            except JobNotFoundError:
                continue
        return sorted(characters, key=lambda character: character.created_at, reverse=True)

    def picture(self, character: Character) -> Path:
        """Return the picture that shows who is meant."""
        return self.folder / character.id / "picture.png"

    def delete(self, character: Character) -> None:
        """Forget a character; jobs that show it have a copy of its picture."""
        shutil.rmtree(self.folder / character.id, ignore_errors=True)

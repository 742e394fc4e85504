"""The job of a clip on disk: a run that was killed finds it again, in place of asking for a second one."""

import json
from dataclasses import dataclass
from pathlib import Path

from vitascope.files import published
from vitascope.resume import ARGUMENT, StateFolder
from vitascope.types import Shot


@dataclass(frozen=True)
class KeptJob:
    """Where the id of a clip's job lies, and on which server it is; with no folder nothing is kept."""

    folder: Path | None
    seed: int | None
    url: str

    @classmethod
    def of(cls, folder: Path | None, shot: Shot, url: str) -> "KeptJob":
        """Return the place for a planned shot; raises `RequestError` for a folder that holds another one."""
        if folder is not None:
            StateFolder(folder).open(shot, {"server": url})
        return cls(folder, shot.seed, url)

    def read(self) -> str | None:
        """Return the id that was kept, None where there is none on this server."""
        try:
            stored = json.loads(self._file.read_text("utf-8")) if self.folder else {}
        except (OSError, ValueError):
            return None
        mine = (
            isinstance(stored, dict)
            and stored.get("server") == self.url
            and isinstance(stored.get("job"), str)
        )
        return stored["job"] if mine else None

    def write(self, job: str) -> None:
        """Keep an id; raises `OutputError`."""
        if self.folder:
            with published(self._file, force=True, argument=ARGUMENT) as part:
                part.write_text(json.dumps({"server": self.url, "job": job}), "utf-8")

    def clear(self) -> None:
        """Forget it."""
        if self.folder:
            self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        assert self.folder is not None
        return self.folder / f"job-{self.seed}.json"

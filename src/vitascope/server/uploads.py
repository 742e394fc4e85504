"""Files that come in: kept under names that we make, after a look at them that can harm nobody."""

import base64
import binascii
import io
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from starlette.datastructures import UploadFile

from vitascope.errors import DiskFullError, JobNotFoundError, RequestError
from vitascope.failpoints import failpoint
from vitascope.files import private_folder, published
from vitascope.jobs.storage import checksum, free_bytes
from vitascope.server.sandbox import check
from vitascope.server.tokens import Caller

START = "file_"
ABANDONED_SECONDS = 3600.0
"""How long a half written file may lie before it is taken for one that a killed server left."""

MAX_FILES_EACH = 10_000
"""Uploads that one owner may keep."""
MIN_FREE = 256 * 2**20
"""Bytes that stay free on the disk whatever is sent."""
SPACE_CHECK_BYTES = 16 * 2**20

_NAME = re.compile(r"file_[0-9a-f]{24}", re.ASCII)
_DATA = re.compile(r"data:[\w.+-]{1,60}/[\w.+-]{1,60};base64,", re.ASCII)

Kind = Literal["picture", "video"]


@runtime_checkable
class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to so many of the next bytes."""
        ...


@dataclass(frozen=True)
class Upload:
    """A file that came in: whose it is, what it holds, and its checksum."""

    id: str
    owner: str
    kind: str
    format: str
    size: tuple[int, int]
    num_frames: int
    seconds: float
    bytes: int
    sha256: str
    created_at: float

    def to_json(self) -> dict[str, Any]:
        """Return what its owner is told."""
        payload = asdict(self) | {"object": "file", "created_at": int(self.created_at)}
        return {name: value for name, value in payload.items() if name != "owner"}


@dataclass(frozen=True)
class Uploads:
    """A folder of uploads, each beside a note of what it is.

    Those that are kept have at most `max_total` bytes, those of one owner `max_each`; an owner may have `max_reserved`
    although the others have taken all. `free` says how many bytes are free on the disk.
    """

    folder: Path
    max_bytes: int = 512 * 2**20
    max_total: int = 20 * 2**30
    max_each: int = 5 * 2**30
    max_reserved: int = 2**30
    free: Callable[[Path], int] = free_bytes
    _owners: dict[str, tuple[str, int]] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what another process makes the same uploads of; what was counted and the lock belong to this one."""
        return Uploads, (
            self.folder, self.max_bytes, self.max_total, self.max_each, self.max_reserved, self.free
        )  # fmt: skip

    def keep(
        self, file: Readable, caller: Caller, argument: str = "file", *, temporary: bool = False
    ) -> Upload:
        """Take in a file; raises `RequestError` for one that is too large, or no picture and no video.

        One that goes again with its request (`temporary`) does not count towards what an owner may keep.
        """
        private_folder(self.folder)
        name = START + secrets.token_hex(12)
        part = self.folder / f"{name}.part"
        if not temporary:
            self._check_share(caller.name, 0, argument)
        try:
            self._copy(file, part, argument)
            failpoint("upload: written")
            facts, (digest, size) = check(part, argument), checksum(part)
            upload = Upload(
                name, caller.name, **asdict(facts), bytes=size, sha256=digest, created_at=time.time()
            )
            failpoint("upload: checked")
            with self._lock:
                if not temporary:
                    self._check_share(caller.name, size, argument)
                self._publish(upload, part)
        finally:
            part.unlink(missing_ok=True)
        return upload

    def _publish(self, upload: Upload, part: Path) -> None:
        part.chmod(0o600)
        part.replace(self._file(upload))
        failpoint("upload: moved")
        with published(self.folder / f"{upload.id}.json", force=True, private=True) as note:
            note.write_text(json.dumps(asdict(upload)), "utf-8")

    def _check_share(self, owner: str, size: int, argument: str) -> None:
        """Raise `RequestError` where an owner may not keep a file of so many bytes beside what there is."""
        sizes = self._sizes()
        mine = [held for whose, held in sizes if whose == owner]
        own, total = sum(mine) + size, sum(held for _, held in sizes) + size
        if len(mine) >= MAX_FILES_EACH:
            raise RequestError(argument, f"cannot be kept: there are {len(mine):,} uploads", "delete some")
        if own > self.max_each:
            most = f"{self.max_each / 2**20:,.0f} MiB"
            raise RequestError(
                argument, f"cannot be kept: your uploads would have more than {most}", "delete some"
            )
        if total > self.max_total and own > self.max_reserved:
            raise RequestError(argument, "cannot be kept: the folder of uploads is full", "delete some")

    def _sizes(self) -> list[tuple[str, int]]:
        """Return whose each upload is that lies in the folder, and its bytes; what is known is not read again."""
        names = {note.stem for note in self.folder.glob(f"{START}*.json")}
        for gone in set(self._owners) - names:
            self._owners.pop(gone, None)
        for name in names - set(self._owners):
            with suppress(JobNotFoundError):
                upload = self.get(name, Caller())
                self._owners[name] = upload.owner, upload.bytes
        return list(self._owners.values())

    def get(self, name: str, caller: Caller) -> Upload:
        """Return an upload of the caller's; raises `JobNotFoundError`."""
        note = self.folder / f"{name}.json"
        if not _NAME.fullmatch(name) or not note.is_file():
            raise JobNotFoundError("file", f"there is no file {name[:60]!r}")
        try:
            row = json.loads(note.read_text("utf-8"))
            upload = Upload(**{**row, "size": tuple(row["size"])})
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            # A note that cannot be read is nobody's, so that it hides no other upload.
            raise JobNotFoundError("file", f"there is no file {name[:60]!r}") from None
        if caller.owner not in (None, upload.owner):
            raise JobNotFoundError("file", f"there is no file {name[:60]!r}")
        return upload

    def path(self, upload: Upload) -> Path:
        """Return where the file of an upload lies."""
        return self._file(upload)

    def all(self, caller: Caller) -> list[Upload]:
        """Return the caller's uploads, the newest first."""
        uploads = []
        for note in self.folder.glob(f"{START}*.json"):
            try:
                uploads.append(self.get(note.stem, caller))
            except JobNotFoundError:
                continue
        return sorted(uploads, key=lambda upload: upload.created_at, reverse=True)

    def delete(self, upload: Upload) -> None:
        """Remove an upload; jobs that start from it have a copy of their own."""
        self._file(upload).unlink(missing_ok=True)
        (self.folder / f"{upload.id}.json").unlink(missing_ok=True)

    @contextmanager
    def passing(self, file: Readable, argument: str = "file") -> Iterator[Path]:
        """Yield a file that came in, whatever it holds, and remove it when the block ends; raises `RequestError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{START}{secrets.token_hex(12)}.part"
        try:
            self._copy(file, part, argument)
            yield part
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def taking(self, caller: Caller) -> Iterator["RequestFiles"]:
        """Yield what takes the files of one request; those that came with it go when the block ends."""
        taken = RequestFiles(self, caller)
        try:
            yield taken
        finally:
            for upload in taken.fresh:
                self.delete(upload)

    def _copy(self, file: Readable, part: Path, argument: str) -> None:
        with part.open("xb") as out:
            left, unchecked = self.max_bytes, SPACE_CHECK_BYTES
            while piece := file.read(1 << 20):
                left, unchecked = left - len(piece), unchecked + len(piece)
                if unchecked >= SPACE_CHECK_BYTES:
                    self._check_space()
                    unchecked = 0
                if left < 0:
                    most = f"at most {self.max_bytes // 2**20} MiB are taken"
                    raise RequestError(argument, "is too large", most)
                out.write(piece)

    def _check_space(self) -> None:
        if self.free(self.folder) < MIN_FREE:
            raise DiskFullError("the disk is too full to take files in")

    def _file(self, upload: Upload) -> Path:
        return self.folder / f"{upload.id}.{'video' if upload.kind == 'video' else 'picture'}"


@dataclass
class RequestFiles:
    """The files of one request, and what they were: `origins` tells them apart by what they hold."""

    uploads: Uploads
    caller: Caller
    fresh: list[Upload] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)

    def any(self, value: Any, argument: str) -> Path:
        """Return the file that a field names, whatever it holds."""
        upload = self._upload(value, argument)
        self.origins[argument] = f"sha256:{upload.sha256}"
        return self.uploads.path(upload)

    def path(self, value: Any, argument: str, kind: Kind) -> Path:
        """Return the file that a field names: an uploaded part, `{"file_id"}`, `{"image_url": "data:…"}` or a data URL.

        Raises `RequestError` for what is none of these, and for a file of another kind.
        """
        upload = self._upload(value, argument)
        if upload.kind != kind:
            raise RequestError(argument, f"is a {upload.kind}", f"a {kind} is wanted")
        self.origins[argument] = f"sha256:{upload.sha256}"
        return self.uploads.path(upload)

    def _upload(self, value: Any, argument: str) -> Upload:
        if isinstance(value, UploadFile):
            return self._fresh(value.file, argument)
        if isinstance(value, Mapping):
            sources = [
                value[name] for name in ("file_id", "image_url", "video_url", "url") if value.get(name)
            ]
            value = sources[0] if len(sources) == 1 else None
            value = value.get("url") if isinstance(value, Mapping) else value
        if isinstance(value, str) and value.startswith(START):
            return self.uploads.get(value, self.caller)
        if isinstance(value, str) and (head := _DATA.match(value[:200])):
            return self._fresh(io.BytesIO(_decoded(value[head.end() :], argument)), argument)
        if isinstance(value, str) and "://" in value[:20]:
            raise RequestError(
                argument, "addresses are not fetched here", "send the file itself, or a data: URL"
            )
        raise RequestError(argument, "is not a file", 'send the file, {"file_id": …} or a data: URL')

    def _fresh(self, file: Readable, argument: str) -> Upload:
        self.fresh.append(self.uploads.keep(file, self.caller, argument, temporary=True))
        return self.fresh[-1]


def clear_parts(folder: Path) -> None:
    """Remove what a killed server has left half written; what is young may be another server's at work."""
    limit = time.time() - ABANDONED_SECONDS
    for file in folder.glob("*"):
        half = file.suffix == ".part" or not file.with_suffix(".json").exists()
        with suppress(FileNotFoundError):
            if half and file.stat().st_mtime < limit:
                file.unlink()


def _decoded(text: str, argument: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise RequestError(argument, "is not base64", "send the file itself") from None

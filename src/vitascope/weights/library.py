"""The models on this machine: pulled whole or not there at all, under licences that were accepted, checked at will.

HOME/models/ID/                      a model, in the layout of diffusers
HOME/models/ID/vitascope-files.json  where it came from, and the checksum of each file
HOME/models/.pulling/ID/             what an interrupted pull has left, to go on from
HOME/models/licences.json            which licences were accepted, and when
"""

import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from vitascope.errors import RequestError, WeightsError
from vitascope.files import published
from vitascope.weights.catalogue import Entry, catalogue
from vitascope.weights.hub import Hub, HuggingFace, Remote
from vitascope.weights.machine import GIB
from vitascope.weights.manifest import FileEntry, describe
from vitascope.weights.validation import INDEXES, KINDS, Folder, checked_folder, is_taken

MANIFEST = "vitascope-files.json"
LICENCES = "licences.json"
NUMBERS = frozenset([".safetensors", ".bin", ".pt", ".pth", ".ckpt"])
VARIANTS = frozenset(["fp16", "bf16", "fp32", "non_ema"])
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pulled:
    """What the manifest of a model says: where it came from, when, under what licence, and all its files."""

    id: str
    repository: str
    commit: str
    licence: str
    when: str
    files: Mapping[str, FileEntry] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    @classmethod
    def read(cls, path: Path) -> "Pulled":
        """Read a manifest; raises `WeightsError` for one that is damaged."""
        try:
            values = json.loads(path.read_text("utf-8"))
            files = {name: FileEntry(**entry) for name, entry in values.pop("files").items()}
            return cls(files=files, **values)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise WeightsError(f"{path} is damaged; remove the model and pull it again") from None


@dataclass(frozen=True)
class Library:
    """The models under a home folder, and the hub that they are pulled from."""

    home: Path
    hub: Hub = field(default_factory=HuggingFace)

    @property
    def folder(self) -> Path:
        """Where the models lie."""
        return self.home / "models"

    def path(self, entry: Entry) -> Path:
        """Return where a model lies, or would."""
        return self.folder / entry.id

    def has(self, entry: Entry) -> bool:
        """Say whether a model is here, whole."""
        return (self.path(entry) / MANIFEST).is_file()

    def find(self, entry: Entry) -> Path:
        """Return the folder of a model; raises `WeightsError` where it was not pulled."""
        if not self.has(entry):
            raise WeightsError(f"{entry.id} is not on this machine: vitascope models pull {entry.id}")
        return self.path(entry)

    def pulled(self, entry: Entry) -> Pulled:
        """Return what is known of a model that is here; raises `WeightsError` where it is not."""
        return Pulled.read(self.find(entry) / MANIFEST)

    def accepted(self, entry: Entry) -> str | None:
        """Return when the licence of a model was accepted, None if it was not."""
        record = self._licences().get(entry.id, {})
        return record.get("when") if record.get("licence") == entry.licence.name else None

    def accept(self, entry: Entry) -> None:
        """Record that the licence of a model is accepted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record = {"licence": entry.licence.name, "conditions": list(entry.licence.conditions), "when": _now()}
        with published(self.folder / LICENCES, force=True, argument="home") as part:
            part.write_text(json.dumps({**self._licences(), entry.id: record}, indent=2) + "\n", "utf-8")

    def _licences(self) -> dict[str, dict[str, str]]:
        try:
            found = json.loads((self.folder / LICENCES).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def pull(self, entry: Entry, say: Say) -> Pulled:
        """Download a model whose licence was accepted, check it, and put it in its place as a whole.

        Raises `RequestError` while the licence is not accepted, and `WeightsError` for what cannot be had or is unsafe.
        """
        if self.has(entry):
            return self.pulled(entry)
        if self.accepted(entry) is None:
            raise _unaccepted(entry)
        part = self.folder / ".pulling" / entry.id
        part.mkdir(parents=True, exist_ok=True)
        remote = self._bring(entry.repository, entry.revision, part, say)
        for component in entry.parts:
            self._bring_part(component.repository, component.revision, part / component.component, say)
        say("checking what came")
        checked_folder(part)
        return self._keep(entry, part, entry.repository, remote.commit)

    def _bring(self, repository: str, revision: str, folder: Path, say: Say) -> Remote:
        """Download the pipeline of a repository: its index, and what that names."""
        remote = self.hub.look(repository, revision)
        index = next((name for name in INDEXES if name in remote.sizes), None)
        if index is None:
            raise WeightsError(
                f"{repository} holds no model_index.json, so it is not in the layout of diffusers"
            )
        self.hub.fetch(repository, remote.commit, [index], folder)
        components = [name for name, value in _index(folder / index).items() if isinstance(value, list)]
        self._fetch(repository, remote, chosen(remote.sizes, components), folder, say)
        return remote

    def _bring_part(self, repository: str, revision: str, folder: Path, say: Say) -> None:
        """Download a component that is a repository of its own."""
        remote = self.hub.look(repository, revision)
        top = {name: size for name, size in remote.sizes.items() if "/" not in name}
        names = [f"x/{name}" for name in top if name not in INDEXES]
        picked = chosen(dict.fromkeys(names, 0), ["x"])
        self._fetch(repository, remote, [name.removeprefix("x/") for name in picked], folder, say)

    def _fetch(self, repository: str, remote: Remote, names: Collection[str], folder: Path, say: Say) -> None:
        """Download files that there is room for, and see that they are those that the hub means."""
        folder.mkdir(parents=True, exist_ok=True)
        missing = sum(remote.sizes[name] - _length(folder / name) for name in names)
        free = shutil.disk_usage(folder).free
        if missing > free:
            needs = f"{missing / GIB:.1f} GiB more are needed in {folder.parent.parent}, {free / GIB:.1f} GiB are free"
            raise WeightsError(f"{repository}: {needs}; make room, or set VITASCOPE_HOME to a larger disk")
        say(f"{repository}: {len(names)} files, {sum(remote.sizes[name] for name in names) / GIB:.1f} GiB")
        self.hub.fetch(repository, remote.commit, names, folder)
        for name in names:
            _compare(folder / name, remote.checksums.get(name))

    def _keep(self, entry: Entry, part: Path, repository: str, commit: str) -> Pulled:
        """Write the manifest of a checked folder and move it to its place."""
        shutil.rmtree(part / ".cache", ignore_errors=True)
        files = {str(PurePosixPath(file.relative_to(part))): describe(file) for file in _all_files(part)}
        pulled = Pulled(entry.id, repository, commit, entry.licence.name, _now(), files)
        (part / MANIFEST).write_text(json.dumps(asdict(pulled), indent=1) + "\n", "utf-8")
        place = self.path(entry)
        if place.exists():
            shutil.rmtree(place)
        os.replace(part, place)
        return pulled

    def add(self, entry: Entry, source: Path) -> Pulled:
        """Copy a folder that was brought from elsewhere into the library; raises as `pull`."""
        if self.accepted(entry) is None:
            raise _unaccepted(entry)
        folder = checked_folder(source)
        if not _is_of(folder, entry):
            kinds = ", ".join(sorted(set(entry.pipelines.values())))
            raise RequestError(
                "folder", f"{source} holds a {folder.pipeline}, not {entry.id}", f"it needs: {kinds}"
            )
        part = self.folder / ".pulling" / entry.id
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, part, ignore=_not_taken)
        checked_folder(part)
        return self._keep(entry, part, str(source), "")

    def verify(self, entry: Entry) -> list[str]:
        """Return a line for every file that is not as it was when it was pulled; raises `WeightsError` for no model."""
        folder, pulled = self.find(entry), self.pulled(entry)
        wrong = [line for name, file in pulled.files.items() if (line := _difference(folder, name, file))]
        expected = {*pulled.files, MANIFEST}
        found = (str(PurePosixPath(file.relative_to(folder))) for file in _all_files(folder))
        wrong += [
            f"{name}: was not there when the model was pulled" for name in found if name not in expected
        ]
        if not wrong:
            checked_folder(folder)
        return wrong

    def remove(self, entry: Entry) -> int:
        """Delete a model and what an interrupted pull left of it; return the bytes freed. Raises `RequestError`."""
        places = [
            place for place in (self.path(entry), self.folder / ".pulling" / entry.id) if place.exists()
        ]
        if not places:
            raise RequestError("model", f"{entry.id} is not on this machine", "see: vitascope models list")
        freed = sum(_length(file) for place in places for file in _all_files(place))
        for place in places:
            # The manifest goes first: a model whose removal is interrupted is not listed.
            (place / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(place)
        return freed


def _not_taken(folder: str, names: list[str]) -> list[str]:
    """Return which of the files and folders in a folder are no part of a model."""
    places = {name: Path(folder, name) for name in names}
    hidden = [name for name, place in places.items() if place.is_dir() and name.startswith(".")]
    return [
        *hidden,
        *(name for name, place in places.items() if not (place.is_dir() or is_taken(name))),
        MANIFEST,
    ]


def entry_named(name: str) -> Entry:
    """Return the catalogue's entry of a name; raises `RequestError` with the nearest ones."""
    if name in catalogue():
        return catalogue()[name]
    if name == "toybox":
        raise RequestError("model", "toybox ships with vitascope", "there is nothing to pull or remove")
    from difflib import get_close_matches

    near = get_close_matches(name, catalogue(), n=4, cutoff=0.4)
    raise RequestError(
        "model", f"{name[:40]!r} is not in the catalogue", f"nearest: {', '.join(near)}" if near else None
    )


def chosen(names: Collection[str], components: Collection[str]) -> list[str]:
    """Return which files of a repository make up the components of its pipeline, without copies in other precisions.

    Raises `WeightsError` for a component that comes only as a pickle.
    """
    root = [
        name for name in names if "/" not in name and (name in INDEXES or name.upper().startswith("LICEN"))
    ]
    picked = []
    for component in components:
        files = [
            name
            for name in names
            if name.startswith(f"{component}/") and ".." not in PurePosixPath(name).parts
        ]
        numbers = [name for name in files if PurePosixPath(name).suffix in NUMBERS]
        needed = [name for name in files if PurePosixPath(name).suffix in KINDS and not _is_copy(name, files)]
        if numbers and not any(name.endswith(".safetensors") for name in needed):
            raise WeightsError(
                f"{numbers[0]} is a pickle, which can run code, and {component} comes as nothing else"
            )
        picked += needed
    return [*root, *picked]


def _is_copy(name: str, names: Collection[str]) -> bool:
    """Say whether a file holds in another precision what a plain one beside it does, or belongs to a pickle."""
    plain = any(candidate.endswith(".safetensors") and not _variant(candidate) for candidate in names)
    return (_variant(name) and plain) or ".bin." in name


def _variant(name: str) -> bool:
    """Say whether a file's name says that it is one of several, as in `model.fp16-00001-of-00002.safetensors`."""
    return bool(VARIANTS & set(PurePosixPath(name).name.replace("-", ".").split(".")))


def _index(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise WeightsError(f"{path} is damaged; remove the model and pull it again")
    return found


def _is_of(folder: Folder, entry: Entry) -> bool:
    """Say whether a folder's pipeline is one of an entry's, or a relative, or has the parts that make it one."""
    kinds = {kind.replace("Modular", "") for kind in entry.pipelines.values()}
    laid = [(folder.path / part.component).is_dir() for part in entry.parts]
    return folder.pipeline.replace("Modular", "") in kinds or (bool(laid) and all(laid))


def _unaccepted(entry: Entry) -> RequestError:
    licence = entry.licence
    conditions = "".join(f" ({'; '.join(licence.conditions)})" if licence.conditions else "")
    problem = f"the licence of {entry.id} is {licence.name}{conditions}"
    return RequestError("accept_licence", problem, "say --accept-licence to accept it")


def _compare(file: Path, checksum: str | None) -> None:
    if checksum is not None and describe(file).sha256 != checksum:
        file.unlink()
        raise WeightsError(f"{file.name} came damaged and was deleted; pull the model again")


def _difference(folder: Path, name: str, entry: FileEntry) -> str | None:
    """Say how a file differs from its entry, None when it does not."""
    file = folder / name
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not file.is_file():
        return f"{name}: is missing"
    if file.stat().st_size != entry.size:
        return f"{name}: has {file.stat().st_size} bytes instead of {entry.size}"
    return f"{name}: its checksum is wrong" if describe(file).sha256 != entry.sha256 else None


def _all_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _length(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

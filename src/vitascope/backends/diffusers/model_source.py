"""Where a model's weights lie and what they can do: from a catalogue id, a folder, or a file of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from vitascope.backends.diffusers.optional_imports import check_needs, library
from vitascope.errors import RequestError, WeightsError
from vitascope.settings import settings
from vitascope.weights.catalogue import Entry, Task, catalogue
from vitascope.weights.gguf_header import read_gguf_header
from vitascope.weights.library import MANIFEST, Library, Pulled
from vitascope.weights.manifest import describe
from vitascope.weights.validation import Folder, checked_file, checked_folder

SINGLE = (".safetensors", ".gguf")
"""What a denoiser in one file may be: plain numbers, or numbers rounded to few bits."""
OWN_ENTRY = "vitascope.json"
"""A file in a folder of weights that says what the catalogue says of others: an entry as JSON."""


@dataclass(frozen=True)
class Source:
    """What a model's name stands for: its entry, the folder where its weights lie, and a denoiser of its own.

    `folder` is None for a model of the catalogue: where that lies depends on the task. `denoiser` is a single file.
    """

    entry: Entry
    folder: Path | None = None
    denoiser: Path | None = None

    def weights(self, task: Task) -> Folder:
        """Return the checked folder of a task. Raises `WeightsError` for one that is missing, damaged or unsafe."""
        return checked_folder(self.folder or pulled(self.entry, task))


def find(name: str) -> Source:
    """Return what a name stands for. Raises `RequestError` for a path that holds no model."""
    if name in catalogue():
        return Source(catalogue()[name])
    path = Path(name).expanduser()
    if path.suffix in SINGLE:
        return _of_file(path)
    return Source(_entry_of(checked_folder(path)), path)


def _entry_of(folder: Folder) -> Entry:
    """Return the entry of a folder: its own, or the catalogue's for its class with the tasks that it can do."""
    own_entry = folder.path / OWN_ENTRY
    if own_entry.is_file():
        try:
            return Entry.model_validate_json(own_entry.read_text("utf-8"))
        except (ValidationError, ValueError) as error:
            raise WeightsError(f"{own_entry} is damaged ({str(error).splitlines()[0]})") from None
    kin = [candidate for candidate in catalogue().values() if folder.pipeline in candidate.pipelines.values()]
    if not kin:
        problem = f"{folder.path} holds a {folder.pipeline}, which the catalogue does not know"
        raise RequestError("model", problem, f"describe it in {own_entry.name}, beside its index")
    candidate = max(kin, key=lambda entry: len(entry.tasks))
    home = next(
        candidate.repository_for(task)
        for task, kind in candidate.pipelines.items()
        if kind == folder.pipeline
    )
    tasks = {
        task: kind for task, kind in candidate.pipelines.items() if candidate.repository_for(task) == home
    }
    tasks |= {
        task: kind for other in kin for task, kind in other.pipelines.items() if kind == folder.pipeline
    }
    name = folder.path.resolve().name
    return candidate.model_copy(update={"id": name, "repository": name, "revision": "", "pipelines": tasks})


def _of_file(path: Path) -> Source:
    """Return the source of a denoiser in one file, with all else from the folder that it lies in or was made from."""
    shapes = _shapes(path)
    for base in (path.parent, path.parent.parent):
        if (base / "model_index.json").is_file():
            return Source(_entry_of(checked_folder(base)), base, path)
    return Source(_made_from(shapes, path), None, path)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a file's tensors by name, from its header, which is checked."""
    if path.suffix != ".gguf" or not path.is_file():
        return {name: tensor.shape for name, tensor in checked_file(path).items()}
    check_needs(("gguf",), path.name)
    return read_gguf_header(path)


def _made_from(shapes: Mapping[str, tuple[int, ...]], path: Path) -> Entry:
    """Return the entry whose model a file of weights is a variant of, by its names and shapes."""
    torch = library("torch")
    single = library("diffusers.loaders.single_file_utils")
    empty = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    kind = single.infer_diffusers_model_type(empty)
    home = single.DIFFUSERS_DEFAULT_PIPELINE_PATHS.get(kind, {}).get("pretrained_model_name_or_path")
    for entry in catalogue().values():
        if home in (entry.repository, *entry.repositories.values()):
            return entry
    problem = f"{path} is of no model that the catalogue knows"
    raise RequestError("model", problem, "put it into the folder of the model that it is a variant of")


def pulled(entry: Entry, task: Task) -> Path:
    """Return where the weights of a catalogue's model were pulled to; raises `WeightsError` where they were not."""
    return Library(settings().home).find(entry)


def checksums(folder: Folder, extra: tuple[Path, ...] = ()) -> dict[str, str]:
    """Return the SHA-256 of every file of weights, by its name in the folder.

    What a pulled model's manifest says is taken (`vitascope models verify` checks it); other files are read once.
    """
    manifest = _manifest(folder)
    digests = {}
    for file in folder.files:
        name = file.relative_to(folder.path).as_posix()
        entry = manifest.files.get(name) if manifest else None
        is_known = entry is not None and entry.size == file.stat().st_size
        digests[name] = entry.sha256 if entry and is_known else _checksum(file, *state(file))
    return {**digests, **{file.name: _checksum(file, *state(file)) for file in extra}}


def revision(folder: Folder, entry: Entry) -> str:
    """Return which version of a model's repository a folder holds: a commit where it was pulled."""
    manifest = _manifest(folder)
    return (manifest.commit if manifest else "") or entry.revision or "local"


def _manifest(folder: Folder) -> Pulled | None:
    file = folder.path / MANIFEST
    return Pulled.read(file) if file.is_file() else None


def state(file: Path) -> tuple[int, int]:
    """Return what changes when a file does: its time and its size."""
    status = file.stat()
    return status.st_mtime_ns, status.st_size


@cache
def _checksum(file: Path, changed: int, size: int) -> str:
    return describe(file).sha256

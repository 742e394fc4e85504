"""A folder of weights: a manifest, and files that are checked against it before anybody opens them."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from vitascope.errors import WeightsError
from vitascope.runtime.onnx import OnnxNetwork
from vitascope.weights.manifest import FileEntry, Manifest, describe
from vitascope.weights.tensors import adapted

MANIFEST = "manifest.json"
_HELP = "install vitascope again, or point VITASCOPE_WEIGHTS at a whole folder"
_verified: set[tuple[str, int, int, int, str]] = set()
"""Files that this process has found whole, by what would change if they did."""


@dataclass(frozen=True)
class WeightsFolder:
    """The weights that ship in the package, or a folder like it."""

    path: Path

    @classmethod
    def shipped(cls) -> "WeightsFolder":
        """Return the folder that is part of the package."""
        return cls(Path(__file__).parent / "toybox")

    @cached_property
    def manifest(self) -> Manifest:
        """What the folder says of itself. Raises `WeightsError` if that is missing or damaged."""
        return Manifest.read(self._existing(MANIFEST))

    def file(self, name: str) -> Path:
        """Return the path of a file whose bytes are those of the manifest; raises `WeightsError` if they are not."""
        entry = self.manifest.files.get(name)
        if entry is None:
            raise WeightsError(f"{self.path / MANIFEST} lists no {name}; {_HELP}")
        path = self._existing(name)
        try:
            check(path, entry)
        except OSError as error:
            raise WeightsError(f"{path} cannot be read ({error.strerror}); {_HELP}") from None
        return path

    def network(self, name: str, threads: int | None = None) -> OnnxNetwork:
        """Return the network `name`, ready to call; raises `WeightsError` if its graph or numbers are not whole.

        The name may be that of an adapter: then it is the network that the adapter adds to, with the additions.
        """
        base = self.manifest.adapters.get(name, name)
        graph, numbers = self.file(f"{base}.onnx"), f"{base}.safetensors"
        if numbers in self.manifest.files:
            self.file(numbers)
        try:
            changed = None
            if base != name:
                changed = adapted(self.file(numbers), self.file(f"{name}.safetensors"))
            return OnnxNetwork(graph, threads, changed)
        except Exception as error:  # ONNX Runtime's errors have no other base in common.
            reason = str(error).splitlines()[0]
            raise WeightsError(f"{graph} cannot be loaded ({reason}); {_HELP}") from None

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of every file that holds numbers, for the record of a clip."""
        return {
            name: entry.sha256 for name, entry in self.manifest.files.items() if name.endswith(".safetensors")
        }

    def _existing(self, name: str) -> Path:
        path = self.path / name
        if not path.is_file():
            raise WeightsError(f"{path} is missing; {_HELP}")
        return path


def check(path: Path, entry: FileEntry) -> None:
    """Raise `WeightsError` unless a file has the entry's bytes; a file that has not changed is read only once."""
    state = path.stat()
    key = (str(path), state.st_ino, state.st_mtime_ns, state.st_size, entry.sha256)
    if key in _verified:
        return
    if state.st_size != entry.size:
        raise WeightsError(f"{path} is damaged ({state.st_size} bytes instead of {entry.size}); {_HELP}")
    if describe(path).sha256 != entry.sha256:
        raise WeightsError(f"{path} is damaged (its checksum is wrong); {_HELP}")
    _verified.add(key)


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Write a folder's manifest with the checksums of all files in it, and return it."""
    for path in folder.iterdir():
        path.chmod(0o644)
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    sealed = replace(manifest, files={name: describe(folder / name) for name in names})
    sealed.write(folder / MANIFEST)
    return sealed

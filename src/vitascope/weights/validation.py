"""What is looked at before anybody opens a folder of weights: only numbers and settings may lie in it, and whole ones.

Nothing here imports torch, and of the numbers only headers are read.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from vitascope.errors import RequestError, WeightsError

INDEXES = ("model_index.json", "modular_model_index.json")
PICKLES = frozenset(
    [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".h5", ".msgpack"]
)
KINDS = frozenset([".safetensors", ".json", ".txt", ".model"])
"""What a model is made of: numbers, settings and vocabularies. Nothing else is pulled or added."""
CODE = frozenset([".py", ".pyc", ".so", ".dll", ".dylib", ".sh", ".exe", ".ipynb"])
LIBRARIES = frozenset(["diffusers", "transformers"])
MODULES = frozenset(["animatediff", "kandinsky6", "ltx", "ltx2", "stable_diffusion"])
"""Modules of diffusers' pipelines that have classes of their own for components."""
MOST_JSON = 256 * 2**20
MOST_HEADER = 100 * 2**20
MOST_TENSORS = 200_000
MOST_AXES = 16
MOST_DIGITS = 20
"""Digits of the largest number of 64 bits: the product of longer ones takes for ever."""

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
    "C64": 64,
}  # fmt: skip
"""Bits of one number of each kind that safetensors knows."""


@dataclass(frozen=True)
class Tensor:
    """One tensor as the header of its file tells it: kind of number, shape, length in bytes."""

    dtype: str
    shape: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class Folder:
    """A folder of weights in diffusers' layout that was found safe to load.

    `pipeline` is the class that its index names; `components` maps each name to (library, class); `elsewhere` names the
    components that a modular index takes from another repository; `files` are the safetensors files, sorted.
    """

    path: Path
    pipeline: str
    components: Mapping[str, tuple[str, str]]
    files: tuple[Path, ...]
    modular: bool = False
    elsewhere: tuple[str, ...] = ()


def checked_folder(path: str | Path) -> Folder:
    """Return what a folder of weights holds, once it is known to be safe and whole.

    Raises `RequestError` for what is no such folder, and `WeightsError` for pickles, code, links that lead out of the
    folder, settings that ask for code, and files that are missing or damaged.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise RequestError(
            "model", f"{folder} is not a folder", "give a folder that holds a model_index.json"
        )
    index = next((folder / name for name in INDEXES if (folder / name).is_file()), None)
    if index is None:
        problem = f"{folder} holds no model_index.json"
        raise RequestError(
            "model", problem, "give a folder in the layout of diffusers, or a .safetensors file"
        )
    files = tuple(sorted(_files(folder)))
    for file in files:
        _check(file)
    pipeline, components, elsewhere = _read_index(index)
    tensors = tuple(file for file in files if file.suffix == ".safetensors")
    return Folder(folder, pipeline, components, tensors, index.name == INDEXES[1], elsewhere)


def is_taken(name: str) -> bool:
    """Say whether a file of this name is taken into the library: by the kind of a part of a model, or as a licence."""
    file = Path(name)
    return file.suffix in KINDS or (not file.suffix and file.name.upper().startswith(("LICEN", "NOTICE")))


def checked_file(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of one safetensors file by name; raises as `checked_folder`."""
    file = Path(path)
    if not file.is_file():
        raise RequestError("model", f"{file} is not a file", "give a .safetensors file")
    if file.suffix != ".safetensors":
        raise WeightsError(
            f"{file} is not a safetensors file; only those are read, because others can run code"
        )
    return read_header(file)


def read_header(file: Path) -> dict[str, Tensor]:
    """Return what the header of a safetensors file says, and nothing that its length does not bear out.

    Raises `WeightsError` for a header that is damaged.
    """
    try:
        total = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if not 2 <= length <= min(MOST_HEADER, total - 8):
                raise ValueError("its header is cut off")
            header = json.loads(
                opened.read(length), parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
            )
        if not isinstance(header, dict):
            raise ValueError("its header holds no JSON object")
        header.pop("__metadata__", None)
        if len(header) > MOST_TENSORS:
            raise ValueError(f"it names {len(header)} tensors")
        return _tensors(header, total - 8 - length)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WeightsError(f"{file} is damaged ({_line(error)}); pull it again") from None
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror})") from None


def _tensors(header: dict[str, Any], room: int) -> dict[str, Tensor]:
    tensors, reached = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: tuple(item[1]["data_offsets"])):
        start, end = (int(side) for side in entry["data_offsets"])
        shape = tuple(int(side) for side in entry["shape"])
        if len(shape) > MOST_AXES:
            raise ValueError(f"{name[:60]} has {len(shape)} axes")
        if entry["dtype"] not in BITS:
            raise ValueError(f"{name[:60]} is of an unknown kind {str(entry['dtype'])[:20]!r}")
        if (
            start != reached
            or min((0, *shape)) < 0
            or math.prod(shape) * BITS[entry["dtype"]] != 8 * (end - start)
        ):
            raise ValueError(f"{name[:60]} does not lie where its shape says")
        tensors[name], reached = Tensor(entry["dtype"], shape, end - start), end
    if reached != room:
        raise ValueError(f"it has {room} bytes of numbers instead of {reached}")
    return tensors


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder; raises `WeightsError` for one that lies outside of it."""
    rooms = [folder.resolve()]
    if folder.resolve().parent.name == "snapshots":  # a hub's cache keeps the bytes of a snapshot beside it
        rooms.append(folder.resolve().parents[1] / "blobs")
    try:
        paths = [*folder.rglob("*")]
    except (OSError, RuntimeError):  # what a link that leads to itself raises depends on Python's version
        raise WeightsError(f"{folder} holds links that lead in a circle; delete them") from None
    for path in paths:
        if ".cache" in path.relative_to(folder).parts[:1]:  # what a download remembers of itself
            continue
        if path.is_symlink() and not any(_target(path).is_relative_to(room) for room in rooms):
            raise WeightsError(f"{path} leads out of its folder; put the file itself there")
        if path.is_symlink() and path.is_dir():
            raise WeightsError(f"{path} is a link to a folder; put the folder itself there")
        if path.is_file():
            yield path
        elif not path.is_dir():
            raise WeightsError(f"{path} is neither a file nor a folder; delete it")


def _target(link: Path) -> Path:
    try:
        return link.resolve()
    except (OSError, RuntimeError):
        raise WeightsError(f"{link} is a link that leads to itself; delete it") from None


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"it holds {text[:20]}, which is no whole number")


def _check(file: Path) -> None:
    """Raise `WeightsError` for a file that could run code, or is damaged."""
    suffix = file.suffix.lower()
    if suffix in PICKLES:
        raise WeightsError(f"{file} is not a safetensors file and could run code when it is read; delete it")
    if suffix in CODE:
        raise WeightsError(f"{file} is code, and no code is taken from a model's folder; delete it")
    if suffix == ".safetensors":
        read_header(file)
    elif file.name.endswith(".index.json"):
        _check_shards(file, _read(file))
    elif suffix == ".json" and file.name != "tokenizer.json" and file.name != "vocab.json":
        _check_settings(file, _read(file))


def _read(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_JSON:
            raise ValueError(f"it has more than {MOST_JSON >> 20} MiB")
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{file} is damaged ({_line(error)}); pull it again") from None
    except OSError as error:
        raise WeightsError(f"{file} cannot be read ({error.strerror})") from None


def _check_shards(file: Path, index: Any) -> None:
    """Raise `WeightsError` for a map of shards that names what is not a safetensors file beside it."""
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise WeightsError(f"{file} is damaged (it maps no weights); pull it again")
    for name in sorted(set(shards.values())):
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise WeightsError(f"{file} names {name[:60]!r}, which is not a safetensors file beside it")
        if not (file.parent / name).is_file():
            raise WeightsError(f"{file.parent / name} is missing; pull the model again")


def _check_settings(file: Path, settings: Any) -> None:
    """Raise `WeightsError` for settings that ask for code from outside the libraries."""
    pending = [settings]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            kernels = [value.get(name) for name in ("attn_implementation", "_attn_implementation")]
            if any(isinstance(kernel, str) and set(kernel) & set("/:@") for kernel in kernels):
                raise WeightsError(
                    f"{file} asks for a kernel from elsewhere, and no code is taken from a model"
                )
            if value.get("auto_map") or value.get("trust_remote_code"):
                raise WeightsError(
                    f"{file} asks for code of its own (auto_map), and no code is taken from a model"
                )
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _read_index(file: Path) -> tuple[str, dict[str, tuple[str, str]], tuple[str, ...]]:
    """Return the pipeline's class, its components, and those that lie elsewhere, as an index names them."""
    index = _read(file)
    pipeline = index.get("_class_name") if isinstance(index, dict) else None
    if not isinstance(pipeline, str) or not pipeline.isidentifier():
        raise WeightsError(f"{file} names no pipeline of diffusers, or one with code of its own")
    components: dict[str, tuple[str, str]] = {}
    elsewhere = []
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or len(value) < 2:
            continue
        library, kind = value[:2]
        if kind is None or not isinstance(
            library, str | None
        ):  # a component that is left out, or no component
            continue
        _check_component(file, name, library, kind)
        components[name] = (str(library), str(kind))
        source = (
            value[2].get("pretrained_model_name_or_path")
            if len(value) > 2 and isinstance(value[2], dict)
            else None
        )
        if source and not (file.parent / name).is_dir():
            elsewhere.append(name)
    return pipeline, components, tuple(elsewhere)


def _check_component(file: Path, name: str, library: object, kind: object) -> None:
    """Raise `WeightsError` for a component that is not of a class of the libraries."""
    if not name.isidentifier() or not isinstance(kind, str) or not kind.isidentifier():
        raise WeightsError(f"{file} is damaged (its component {name[:40]!r} names no class); pull it again")
    if not isinstance(library, str) or (library not in LIBRARIES | MODULES and not _is_of_diffusers(library)):
        problem = f"takes its {name[:40]} from {str(library)[:40]!r}"
        raise WeightsError(f"{file} {problem}; only classes of diffusers and transformers are loaded")


def _is_of_diffusers(module: str) -> bool:
    """Say whether diffusers, where it is installed, has pipelines of that name; nothing is imported."""
    spec = find_spec("diffusers")
    homes = (spec.submodule_search_locations or ()) if spec else ()
    return module.isidentifier() and any((Path(home) / "pipelines" / module).is_dir() for home in homes)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__

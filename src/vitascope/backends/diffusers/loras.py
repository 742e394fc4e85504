"""LoRA: small sets of weights laid over a model's own, checked against it before they are."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vitascope.backends.diffusers.optional_imports import EXTRA, installed, library
from vitascope.errors import MissingExtraError, RequestError, WeightsError
from vitascope.weights.validation import checked_file

Loras = tuple[tuple[str, float], ...]

_LAYER = re.compile(
    r"\.(lora_A|lora_B|lora_down|lora_up|lora|lora_linear_layer|alpha|lora_magnitude_vector)\b"
)
MODULES = ("transformer", "transformer_2", "unet", "text_encoder", "connectors")


def find_file(source: str) -> Path:
    """Return the file that a LoRA's path or repository id stands for; nothing is downloaded.

    Raises `RequestError` for what is not on this machine, and `WeightsError` for what is not safetensors.
    """
    path = Path(source).expanduser()
    if path.is_dir() or not path.exists():
        path = _only(path if path.is_dir() else _from_hub(source), source)
    if path.suffix != ".safetensors":
        raise WeightsError(
            f"lora: {source} is not a safetensors file; only those are read, because others can run code"
        )
    return path


def _from_hub(source: str) -> Path:
    """Return the folder of a repository that was downloaded before."""
    hint = "give the path of a .safetensors file, or download it first: hf download OWNER/NAME"
    if re.fullmatch(r"[\w.-]+/[\w.-]+", source) is None or source.endswith(".safetensors"):
        raise RequestError("lora", f"there is no file {source}", hint)
    try:
        return Path(library("huggingface_hub").snapshot_download(source, local_files_only=True))
    except Exception:  # the hub's client says in many ways that something is not there
        raise RequestError("lora", f"{source} is not on this machine", hint) from None


def _only(folder: Path, source: str) -> Path:
    files = sorted(folder.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    names = ", ".join(file.name for file in files[:5])
    problem = (
        f"{source} holds {len(files)} safetensors files" if files else f"{source} holds no safetensors file"
    )
    raise RequestError("lora", problem, f"name one: {names}" if files else "name one that does")


def lay(pipeline: Any, loras: Loras) -> tuple[str, ...]:
    """Lay LoRAs over a pipeline that has none, and return a note for each that fits only in part.

    Raises `RequestError` for one that does not fit the model, naming what does not.
    """
    if not loras:
        return ()
    if not hasattr(pipeline, "load_lora_weights"):
        raise RequestError("lora", f"{type(pipeline).__name__} takes no LoRA", "leave it out")
    if installed("peft") is None:
        raise MissingExtraError(f"lora: LoRA needs peft, which is not installed: {EXTRA}")
    notes: list[str] = []
    for number, (source, _) in enumerate(loras):
        notes += _laid(pipeline, source, f"lora{number}")
    names = [f"lora{number}" for number in range(len(loras))]
    pipeline.set_adapters(names, adapter_weights=[scale for _, scale in loras])
    return tuple(notes)


def lift(pipeline: Any) -> None:
    """Take all LoRAs off a pipeline again."""
    if hasattr(pipeline, "unload_lora_weights"):
        pipeline.unload_lora_weights()


def _laid(pipeline: Any, source: str, name: str) -> list[str]:
    file = find_file(source)
    checked_file(file)
    try:
        state = pipeline.lora_state_dict(str(file), use_safetensors=True, local_files_only=True)
    except Exception as error:  # converters of many formats fail in many ways on what is none of theirs
        raise _unfit(source, f"cannot be read as one ({_line(error)})", pipeline) from None
    state = state[0] if isinstance(state, tuple) else state
    layers = _layers(state)
    names = _adapter_names(pipeline)
    strange = sorted(layers - names)
    if not layers or len(strange) == len(layers):
        first = f", as {strange[0]}" if strange else ""
        problem = f"none of its {len(layers)} layers is one of this model's{first}"
        raise _unfit(source, problem, pipeline)
    options = {"adapter_name": name, "use_safetensors": True, "local_files_only": True}
    try:
        for target in _experts(pipeline, file):
            pipeline.load_lora_weights(str(file), **options, **target)
    except Exception as error:
        lift(pipeline)
        problem = "its layers have other sizes" if "size mismatch" in str(error) else _line(error)
        raise _unfit(source, problem, pipeline) from None
    if not strange:
        return []
    return [f"lora: {len(strange)} of the {len(layers)} layers of {source} are not in this model: left out"]


def _experts(pipeline: Any, file: Path) -> list[dict[str, bool]]:
    """Return over which experts a LoRA is laid: over both, unless its name says for how much noise it is."""
    low, name = {"load_into_transformer_2": True}, file.stem.lower()
    if getattr(pipeline, "transformer_2", None) is None or "high" in name:
        return [{}]
    return [low] if "low" in name else [{}, low]


def _unfit(source: str, problem: str, pipeline: Any) -> RequestError:
    denoiser = next((getattr(pipeline, name) for name in MODULES if getattr(pipeline, name, None)), pipeline)
    hint = f"take one that was made for {type(denoiser).__name__} of this size"
    return RequestError("lora", f"{source} does not fit: {problem}", hint)


def _layers(names: Iterable[str]) -> set[str]:
    """Return the layers that a LoRA changes, by the names of its tensors."""
    return {_LAYER.split(name, maxsplit=1)[0] for name in names}


def _adapter_names(pipeline: Any) -> set[str]:
    """Return the names of all layers of a pipeline's modules, with the module's name before each and without it."""
    names: set[str] = set()
    for name in MODULES:
        module = getattr(pipeline, name, None)
        if module is not None:
            layers = [layer for layer, _ in module.named_modules()]
            names.update(layers, (f"{name}.{layer}" for layer in layers))
    return names


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__

"""Where a pipeline's parts lie: the memory plan (`weights/memory_plan.py`) as diffusers' own switches."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from vitascope.backends.diffusers.optional_imports import installed, library
from vitascope.errors import MissingExtraError, RequestError
from vitascope.types import Shot
from vitascope.weights.catalogue import Entry
from vitascope.weights.machine import Machine, machine
from vitascope.weights.memory_plan import DECODERS, Placement, nearest, parts_of, place, plans, request_of
from vitascope.weights.validation import Folder

ROUNDERS = {"int8": "torchao", "nf4": "bitsandbytes"}
"""The packages that round weights, by the placement that needs them."""


def placed(entry: Entry, folder: Folder, shot: Shot, held: int, denoiser: Path | None = None) -> Placement:
    """Return how a model is placed for a shot on this machine; `held` bytes are those that can be let go.

    `denoiser` is a file that takes the place of the folder's own. Raises `RequestError` where nothing fits, with the
    nearest request that does.
    """
    free = machine()
    free = Machine(free.gpu + held if free.gpu else 0, free.ram if free.gpu else free.ram + held)
    parts = parts_of(folder, entry)
    if denoiser is not None and denoiser.suffix == ".gguf":
        parts = replace(parts, denoisers=(denoiser.stat().st_size, *parts.denoisers[1:]))
    request, without = request_of(shot, entry), lacking(folder)
    placement = place(parts, request, free, shot.memory, without)
    if placement.name not in without:
        return placement
    below = lower(placement, folder) if shot.memory is None else None
    if below is not None:
        return below
    raise _refusal(placement, folder, [plan for plan in plans(request, free) if _name(plan) not in without])


def lacking(folder: Folder) -> frozenset[str]:
    """Return the placements that cannot be had here: their package is missing, or a modular pipeline knows none."""
    return frozenset(
        name for name, package in ROUNDERS.items() if folder.modular or installed(package) is None
    )


def _refusal(placement: Placement, folder: Folder, can: list[str]) -> RequestError | MissingExtraError:
    """Return what says why a placement that rounds weights cannot be had, and which one is nearest to it."""
    hint, package = f"nearest: {nearest(str(placement), can)}", ROUNDERS[placement.name]
    if folder.modular:
        return RequestError("memory", f"{placement} is not possible for modular pipelines", hint)
    needs = f"{placement} needs {package}, which is not installed: pip install {package}"
    return MissingExtraError(f"memory: {needs}; {hint}")


def _name(plan: str) -> str:
    return plan.partition("+")[0]


def lower(placement: Placement, folder: Folder) -> Placement | None:
    """Return the next placement that takes less and can be had here, None when there is none."""
    following, without = placement.next(), lacking(folder)
    while following is not None and following.name in without:
        following = following.next()
    return following


def dtypes(entry: Entry, folder: Folder, placement: Placement) -> dict[str, Any]:
    """Return in which precision each component is loaded; processors have no half precision worth the name."""
    names = {"default": entry.dtype} | {
        name: entry.decoder_dtype for name in folder.components if name in DECODERS
    }
    half = "float16" if placement.gpu else "bfloat16"
    return {
        name: getattr(library("torch"), half if dtype == "float16" else dtype)
        for name, dtype in names.items()
    }


def quantised(folder: Folder, placement: Placement, dtype: Any) -> Any:
    """Return the settings that round the weights of denoisers and text encoders as they are loaded.

    `dtype` is what 4 bits are computed in. None for a placement that rounds nothing.
    """
    rounded = {"int8": _int8, "nf4": partial(_nf4, dtype=dtype)}.get(placement.name)
    if rounded is None:
        return None
    diffusers, transformers = library(), library("transformers")
    kinds = {"transformer": diffusers, "transformer_2": diffusers, "text_encoder": transformers}
    mapping = {name: rounded(home) for name, home in kinds.items() if name in folder.components}
    return library("diffusers.quantizers").PipelineQuantizationConfig(quant_mapping=mapping)


def _int8(home: Any) -> Any:
    return home.TorchAoConfig(library("torchao.quantization").Int8WeightOnlyConfig())


def _nf4(home: Any, dtype: Any) -> Any:
    return home.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def apply(pipeline: Any, placement: Placement) -> None:
    """Put a loaded pipeline's parts where a placement says."""
    decoder: Any = getattr(pipeline, "vae", None)
    if placement.tiled and hasattr(decoder, "enable_tiling"):
        decoder.enable_tiling()
    if not placement.gpu:
        return
    if hasattr(pipeline, "blocks") and placement.name not in ("device", "text-first"):
        pipeline = _Modular(pipeline)
    match placement.name:
        case "device" | "text-first" | "nf4":
            pipeline.to("cuda")
        case "offload" | "int8":
            pipeline.enable_model_cpu_offload()
        case "stream":
            decoders = [name for name in DECODERS if getattr(pipeline, name, None) is not None]
            pipeline.enable_group_offload(**_streaming(), exclude_modules=decoders)
            for name in decoders:
                getattr(pipeline, name).to("cuda")


def _streaming() -> dict[str, Any]:
    torch = library("torch")
    return {
        "onload_device": torch.device("cuda"),
        "offload_device": torch.device("cpu"),
        "offload_type": "leaf_level",
        "use_stream": True,
        "low_cpu_mem_usage": True,
    }


class _Modular:
    """Gives a modular pipeline the switches of a plain one, for the parts that it has."""

    def __init__(self, pipeline: Any):
        self._pipeline = pipeline

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)

    def enable_model_cpu_offload(self) -> None:
        """Let each part be on the GPU only while it works."""
        manager = library().ComponentsManager()
        for name, part in self._pipeline.components.items():
            if part is not None:
                manager.add(name, part)
        manager.enable_auto_cpu_offload(device="cuda")

    def enable_group_offload(self, exclude_modules: list[str], **options: Any) -> None:
        """Let the layers of the parts come to the GPU one after another."""
        hook = library("diffusers.hooks").apply_group_offloading
        for name, part in self._pipeline.components.items():
            if isinstance(part, library("torch").nn.Module) and name not in exclude_modules:
                hook(module=part, **options)


def size(pipeline: Any) -> int:
    """Return the bytes of a pipeline's weights."""
    modules = [part for part in pipeline.components.values() if hasattr(part, "parameters")]
    return sum(numbers.nbytes for part in modules for numbers in part.parameters())

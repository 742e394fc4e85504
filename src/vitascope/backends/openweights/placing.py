"""Where a pipeline's parts lie: the memory plan (`weights/memory.py`) as diffusers' own switches."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from vitascope.backends.openweights.library import installed, library
from vitascope.errors import MissingExtraError
from vitascope.types import Shot
from vitascope.weights.catalogue import Entry
from vitascope.weights.machine import Machine, machine
from vitascope.weights.memory import DECODERS, Placement, parts_of, place, request_of
from vitascope.weights.safe import Folder

QUANTISER = "torchao"


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
    placement = place(parts, request_of(shot, entry), free, shot.memory)
    if placement.name == "int8" and installed(QUANTISER) is None:
        raise MissingExtraError(
            f"memory: int8 needs {QUANTISER}, which is not installed: pip install {QUANTISER}"
        )
    return placement


def lower(placement: Placement) -> Placement | None:
    """Return the next placement that takes less and can be had here, None when there is none."""
    following = placement.next()
    while following is not None and following.name == "int8" and installed(QUANTISER) is None:
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


def quantised(folder: Folder) -> Any:
    """Return the settings that round the weights of denoisers and text encoders to 8 bits as they are loaded."""
    torchao = library("torchao.quantization")
    diffusers, transformers = library(), library("transformers")
    kinds = {"transformer": diffusers, "transformer_2": diffusers, "text_encoder": transformers}
    mapping = {
        name: home.TorchAoConfig(torchao.Int8WeightOnlyConfig())
        for name, home in kinds.items()
        if name in folder.components
    }
    return library("diffusers.quantizers").PipelineQuantizationConfig(quant_mapping=mapping)


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
        case "device" | "text-first":
            pipeline.to("cuda")
        case "offload" | "int8":
            pipeline.enable_model_cpu_offload()
        case "stream":
            kept = [name for name in DECODERS if getattr(pipeline, name, None) is not None]
            pipeline.enable_group_offload(**_streaming(), exclude_modules=kept)
            for name in kept:
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


def is_lack(error: BaseException) -> bool:
    """Say whether what was raised means that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in text for sign in ("out of memory", "can't allocate memory", "not enough memory")
    )

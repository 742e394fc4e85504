"""Pipelines from folders, and the few that stay loaded: a second clip starts at once and takes no more memory."""

import gc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vitascope.backends.diffusers.model_source import Source
from vitascope.backends.diffusers.optional_imports import check_needs, library, pipeline_class, quietly
from vitascope.errors import WeightsError, is_memory_lack
from vitascope.weights.catalogue import Task
from vitascope.weights.validation import Folder

KEPT = 2
"""Pipelines that stay loaded at most; the one that was not used for longest goes first."""


@dataclass
class Loaded:
    """A pipeline as it stays loaded, the bytes that it holds, and what is laid over it at the moment."""

    pipeline: Any
    size: int = 0
    loras: tuple[tuple[str, float], ...] = ()
    lora_notes: tuple[str, ...] = ()


class Shelf:
    """The pipelines that stay loaded, by what they were loaded from and how they were placed."""

    def __init__(self, most: int = KEPT):
        self.most = most
        self._kept: OrderedDict[tuple[Any, ...], Loaded] = OrderedDict()

    def take(
        self, key: tuple[Any, ...], load: Callable[[], Loaded], lacks_room: Callable[[], bool] = bool
    ) -> Loaded:
        """Return the pipeline of a key, loaded now if it is not there.

        Others make room before it is, as long as `lacks_room` says so: the one that was not used for longest first.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        while self._kept and (len(self._kept) >= self.most or lacks_room()):
            self._kept.popitem(last=False)
            swept()
        self._kept[key] = load()
        return self._kept[key]

    @property
    def held(self) -> int:
        """Bytes that the pipelines hold where they compute."""
        return sum(loaded.size for loaded in self._kept.values())

    def release(self) -> None:
        """Let all pipelines go."""
        self._kept.clear()
        swept()

    def __len__(self) -> int:
        return len(self._kept)


SHELF = Shelf()
"""The one of this process."""


def swept() -> None:
    """Give back memory that nothing holds any more."""
    gc.collect()
    torch = library("torch")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass(frozen=True)
class Order:
    """What to load: the pipeline class of a task, from a folder, in what precision, and how its weights are rounded.

    `without` says of which components nothing is loaded.
    """

    source: Source
    task: Task
    folder: Folder
    dtypes: dict[str, Any]
    quantised: Any = None
    without: Callable[[str], bool] = field(default=lambda component: False)

    @property
    def kind(self) -> Any:
        """The pipeline class; raises `RequestError` where diffusers lacks it."""
        return pipeline_class(self.source.entry.pipelines[self.task])

    @property
    def modular(self) -> bool:
        """Whether it is a modular pipeline."""
        return self.folder.modular or self.source.entry.modular


def load(order: Order) -> Any:
    """Return a pipeline, its parts still where they were read to.

    Raises `MissingExtraError`, `RequestError` for a class that diffusers lacks, and `WeightsError` for weights that do
    not make a whole pipeline.
    """
    check_needs(order.source.entry.needs, order.source.entry.id)
    kind = order.kind
    with quietly():
        try:
            pipeline = _modular(order) if order.modular else _plain(order)
        except (OSError, ValueError, RuntimeError, TypeError, AttributeError, KeyError) as error:
            if is_memory_lack(error):
                raise
            line = " ".join(str(error).split())[:300]
            raise WeightsError(
                f"model: {order.folder.path} could not be loaded as {kind.__name__} ({line})"
            ) from None
    if order.source.entry.memory.tiles_only:
        pipeline.vae.enable_tiling()
    return pipeline


def _plain(order: Order) -> Any:
    folder = order.folder
    parts = {name: None for name in folder.components if order.without(name)}
    for part in order.source.entry.parts:
        parts[part.component] = getattr(library(), part.kind).from_pretrained(
            str(folder.path / part.component), dtype=order.dtypes["default"], local_files_only=True
        )
    if order.source.denoiser and not order.without("transformer"):
        parts |= _denoiser(order)
    rounded = {"quantization_config": order.quantised} if order.quantised is not None else {}
    pipeline = order.kind.from_pretrained(
        str(folder.path), dtype=order.dtypes, use_safetensors=True, local_files_only=True, **rounded, **parts
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _modular(order: Order) -> Any:
    folder = order.folder
    pipeline = order.kind(pretrained_model_name_or_path=str(folder.path), local_files_only=True)
    pipeline.load_components(dtype=order.dtypes, local_files_only=True)
    # What fails to load is only logged there.
    missing = [name for name in folder.components if getattr(pipeline, name, None) is None]
    if missing:
        raise WeightsError(f"model: {folder.path} lacks {', '.join(missing)}, or it could not be loaded")
    for block in _leaves(pipeline.blocks):
        if hasattr(block, "set_progress_bar_config"):
            block.set_progress_bar_config(disable=True)
    return pipeline


def _leaves(block: Any) -> list[Any]:
    return [block, *(leaf for inner in block.sub_blocks.values() for leaf in _leaves(inner))]


def _denoiser(order: Order) -> dict[str, Any]:
    """Load the denoiser of a single file with the settings of the folder's own."""
    name = next(name for name in ("transformer", "unet") if name in order.folder.components)
    kind = getattr(library(), order.folder.components[name][1])
    file, dtype, rounded = order.source.denoiser, order.dtypes["default"], {}
    if file is not None and file.suffix == ".gguf":
        rounded["quantization_config"] = library().GGUFQuantizationConfig(compute_dtype=dtype)
    denoiser = kind.from_single_file(
        str(file),
        config=str(order.folder.path),
        subfolder=name,
        torch_dtype=dtype,
        local_files_only=True,
        **rounded,
    )
    return {name: denoiser}

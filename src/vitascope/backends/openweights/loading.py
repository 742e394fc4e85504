"""Pipelines from folders, and the few that stay loaded: a second clip starts at once and takes no more memory."""

import gc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vitascope.backends.openweights.library import check_needs, library, pipeline_class, quietly
from vitascope.backends.openweights.source import Source
from vitascope.errors import WeightsError
from vitascope.weights.catalogue import Task
from vitascope.weights.safe import Folder

KEPT = 2
"""Pipelines that stay loaded at most; the one that was not used for longest goes first."""


@dataclass
class Loaded:
    """A pipeline as it stays loaded, and what is laid over it at the moment."""

    pipeline: Any
    loras: tuple[tuple[str, float], ...] = ()
    lora_notes: tuple[str, ...] = ()


class Shelf:
    """The pipelines that stay loaded, by what they were loaded from and how they were placed."""

    def __init__(self, most: int = KEPT):
        self.most = most
        self._kept: OrderedDict[tuple[Any, ...], Loaded] = OrderedDict()

    def take(self, key: tuple[Any, ...], load: Callable[[], Any]) -> Loaded:
        """Return the pipeline of a key, loaded now if it is not there; others make room before it is."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        while len(self._kept) >= self.most:
            self._kept.popitem(last=False)
            swept()
        self._kept[key] = Loaded(load())
        return self._kept[key]

    def release(self, key: tuple[Any, ...] | None = None) -> None:
        """Let a pipeline go, or all of them."""
        if key is None:
            self._kept.clear()
        else:
            self._kept.pop(key, None)
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


def load(source: Source, task: Task, folder: Folder, dtypes: dict[str, Any]) -> Any:
    """Return the pipeline of a task, on the CPU, with numbers of the given kinds.

    Raises `MissingExtraError`, `RequestError` for a class that diffusers lacks, and `WeightsError` for weights that do
    not make a whole pipeline.
    """
    entry = source.entry
    check_needs(entry.needs, entry.id)
    kind = pipeline_class(entry.pipelines[task])
    with quietly():
        try:
            if folder.modular or entry.modular:
                return _modular(kind, folder, dtypes)
            parts = _denoiser(source, folder, dtypes) if source.denoiser else {}
            pipeline = kind.from_pretrained(
                str(folder.path), dtype=dtypes, use_safetensors=True, local_files_only=True, **parts
            )
        except (OSError, ValueError, RuntimeError, TypeError, AttributeError) as error:
            if _is_lack(error):
                raise
            line = " ".join(str(error).split())[:300]
            raise WeightsError(
                f"model: {folder.path} could not be loaded as {kind.__name__} ({line})"
            ) from None
        pipeline.set_progress_bar_config(disable=True)
    if type(pipeline.components.get("vae")).__name__ == "AutoencoderKLAllegro":
        pipeline.vae.enable_tiling()  # it can decode in no other way
    return pipeline


def _modular(kind: Any, folder: Folder, dtypes: dict[str, Any]) -> Any:
    pipeline = kind(pretrained_model_name_or_path=str(folder.path), local_files_only=True)
    pipeline.load_components(dtype=dtypes, local_files_only=True)
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


def _denoiser(source: Source, folder: Folder, dtypes: dict[str, Any]) -> dict[str, Any]:
    """Load the denoiser of a single file with the settings of the folder's own."""
    name = next(name for name in ("transformer", "unet") if name in folder.components)
    kind = getattr(library(), folder.components[name][1])
    denoiser = kind.from_single_file(
        str(source.denoiser),
        config=str(folder.path),
        subfolder=name,
        torch_dtype=dtypes["default"],
        local_files_only=True,
    )
    return {name: denoiser}


def _is_lack(error: Exception) -> bool:
    """Say whether what was raised means that memory ran out."""
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text

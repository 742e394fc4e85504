"""Presets of speed against fidelity: feature caches of diffusers, and faster attention where it is installed.

"lossless" draws what the model draws. The others skip most of the denoiser in some steps, and "docs/open-weights.md"
says what that costs, measured by `benchmarks/diffusers_presets.py`.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from vitascope.backends.openweights.library import library
from vitascope.types import Quality

DENOISERS = ("transformer", "transformer_2")
BLOCKS = r"^[^.]*block[^.]*\.[^.]+$"
"""Names of the blocks that make up nearly all of a denoiser, in every class that diffusers has."""
HEADS = r"^(audio_)?proj_out$"
"""Names of the layers that turn the last block's features into what a step takes away."""


@dataclass(frozen=True)
class Cache:
    """How a denoiser's work is spared: `first-block` compares, `taylor-seer` extrapolates.

    `first-block` skips all blocks but the first while that one changes by less than `threshold`; `taylor-seer` runs the
    blocks every `interval` steps, and lets what comes out of them go on as it went in between.
    """

    kind: Literal["first-block", "taylor-seer"]
    threshold: float = 0.0
    interval: int = 1

    def __str__(self) -> str:
        if self.kind == "first-block":
            return f"first-block cache, threshold {self.threshold:g}"
        return f"TaylorSeer cache, every {self.interval} steps"


PRESETS: dict[Quality, Cache | None] = {
    "lossless": None,
    "high": Cache("first-block", threshold=0.08),
    "medium": Cache("taylor-seer", interval=3),
    "low": Cache("taylor-seer", interval=6),
}


@contextmanager
def at(quality: Quality, pipeline: Any, steps: int) -> Iterator[tuple[str, ...]]:
    """Let a pipeline work at a preset within; yields what is to be known of it, nothing for "lossless"."""
    cache = PRESETS[quality]
    if cache is None:
        yield ()
        return
    denoisers = [found for name in DENOISERS if (found := getattr(pipeline, name, None)) is not None]
    with ExitStack() as undo:
        notes = [_cached(undo, denoiser, cache, steps, pipeline) for denoiser in denoisers[:1]]
        for denoiser in denoisers[1:]:
            _cached(undo, denoiser, cache, steps, pipeline)
        attention = _attention(quality)
        if attention is not None and denoisers:
            for denoiser in denoisers:
                denoiser.set_attention_backend(attention)
                undo.callback(denoiser.reset_attention_backend)
            notes.append(f"attention: {attention}")
        yield tuple(notes or (f"quality: {type(pipeline).__name__} has no cache; lossless",))


def _cached(undo: ExitStack, denoiser: Any, cache: Cache, steps: int, pipeline: Any) -> str:
    """Switch the cache on, or the nearest that a denoiser can have, until `undo`; return what was done."""
    kind = type(denoiser).__name__
    if "DiffusionForcing" in type(pipeline).__name__:
        # Its frames are at different steps, and its windows follow one another: what is kept would be of others.
        return "quality: frames are not all denoised at once here, so nothing is cached; lossless"
    if cache.kind == "first-block" and not _has_known_blocks(denoiser):
        cache = Cache("taylor-seer", interval=2)
    if not hasattr(denoiser, "enable_cache") or not _can_extrapolate(denoiser):
        return f"quality: diffusers has no cache for {kind}; lossless"
    denoiser.enable_cache(_configured(cache, steps, denoiser.dtype))
    undo.callback(denoiser.disable_cache)
    return f"cache: {cache}"


def _configured(cache: Cache, steps: int, dtype: Any) -> Any:
    diffusers = library()
    if cache.kind == "first-block":
        return diffusers.FirstBlockCacheConfig(threshold=cache.threshold)
    return diffusers.TaylorSeerCacheConfig(
        cache_interval=cache.interval,
        disable_cache_before_step=max(2, round(steps / 10)),
        disable_cache_after_step=steps - 1,
        max_order=1,
        taylor_factors_dtype=dtype,
        skip_predict_identifiers=[BLOCKS],
        cache_identifiers=[HEADS],
    )


def _blocks(denoiser: Any) -> list[Any]:
    return [module for name, module in denoiser.named_modules() if re.fullmatch(BLOCKS, name)]


def _has_known_blocks(denoiser: Any) -> bool:
    """Say whether diffusers knows what goes in and out of every block, which the first-block cache needs."""
    registry = library("diffusers.hooks._helpers").TransformerBlockRegistry
    try:
        return bool([registry.get(type(block)) for block in _blocks(denoiser)])
    except ValueError:
        return False


def _can_extrapolate(denoiser: Any) -> bool:
    heads = [name for name, _ in denoiser.named_modules() if re.fullmatch(HEADS, name)]
    return "proj_out" in heads and bool(_blocks(denoiser))


def _attention(quality: Quality) -> str | None:
    """Return the fastest attention that is installed and whose error the preset allows, None for torch's own."""
    if not library("torch").cuda.is_available():
        return None
    if quality in ("medium", "low") and find_spec("sageattention"):
        return "sage"
    return "flash" if find_spec("flash_attn") else None

"""Presets of speed against fidelity: feature caches of diffusers, and faster attention where it is installed.

"lossless" draws what the model draws. The others skip most of the denoiser in some steps, and docs/open-weights.md
says what that costs, measured by `benchmarks/diffusers_presets.py`.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from vitascope.backends.openweights.library import library
from vitascope.types import Quality

DENOISERS = ("transformer", "transformer_2")
BLOCKS = r"^[^.]*block[^.]*\.[^.]+$"
"""Names of the blocks that make up nearly all of a denoiser, in every class that diffusers has."""
HEADS = r"^(audio_)?proj_out$"
"""Names of the layers that turn the last block's features into what a step takes away."""


@dataclass(frozen=True)
class Spared:
    """How much of a denoiser's work is spared, in the terms of the two caches that are used.

    The first-block cache skips all other blocks while what the first one does has changed by less than `threshold`.
    Where diffusers does not know a model's blocks well enough for that, TaylorSeer runs them every `interval` steps and
    lets what comes out of them go on as it went in between.
    """

    threshold: float
    interval: int


PRESETS: dict[Quality, Spared | None] = {
    "lossless": None,
    "high": Spared(threshold=0.03, interval=2),
    "medium": Spared(threshold=0.06, interval=3),
    "low": Spared(threshold=0.12, interval=5),
}


@contextmanager
def at(quality: Quality, pipeline: Any, steps: int) -> Iterator[tuple[str, ...]]:
    """Let a pipeline work at a preset within; yields what is to be known of it, nothing for "lossless"."""
    spared = PRESETS[quality]
    if spared is None:
        yield ()
        return
    denoisers = [found for name in DENOISERS if (found := getattr(pipeline, name, None)) is not None]
    with ExitStack() as undo:
        notes = [_cached(undo, denoiser, spared, steps, pipeline) for denoiser in denoisers]
        attention = _attention(quality)
        if attention is not None and denoisers:
            for denoiser in denoisers:
                denoiser.set_attention_backend(attention)
                undo.callback(denoiser.reset_attention_backend)
            notes.append(f"attention: {attention}")
        yield tuple(dict.fromkeys(notes)) or (f"quality: {type(pipeline).__name__} has no cache; lossless",)


def _cached(undo: ExitStack, denoiser: Any, spared: Spared, steps: int, pipeline: Any) -> str:
    """Switch on the cache that a denoiser can have until `undo`; return what was done."""
    diffusers = library()
    if "DiffusionForcing" in type(pipeline).__name__:
        # Its frames are at different steps, and its windows follow one another: what is kept would be of others.
        return "quality: frames are not all denoised at once here, so nothing is cached; lossless"
    if not hasattr(denoiser, "enable_cache"):
        return f"quality: diffusers has no cache for {type(denoiser).__name__}; lossless"
    if _has_known_blocks(denoiser):
        config = diffusers.FirstBlockCacheConfig(threshold=spared.threshold)
        said = f"first-block cache, threshold {spared.threshold:g}"
    elif _can_extrapolate(denoiser):
        config = _extrapolating(spared.interval, steps, denoiser.dtype)
        said = f"TaylorSeer cache, every {spared.interval} steps"
    else:
        return f"quality: diffusers has no cache for {type(denoiser).__name__}; lossless"
    denoiser.enable_cache(config)
    undo.callback(denoiser.disable_cache)
    return f"cache: {said}"


def _extrapolating(interval: int, steps: int, dtype: Any) -> Any:
    return library().TaylorSeerCacheConfig(
        cache_interval=interval,
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

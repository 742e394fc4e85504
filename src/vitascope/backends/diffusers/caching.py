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

from vitascope.backends.diffusers.callbacks import patch_methods
from vitascope.backends.diffusers.optional_imports import library
from vitascope.types import Quality

DENOISERS = ("transformer", "transformer_2")
BLOCKS = r"^[^.]*block[^.]*\.[^.]+$"
"""Names of the blocks that make up nearly all of a denoiser, in every class that diffusers has."""
HEADS = r"^(audio_)?(proj_out|out_layer)$"
"""Names of the layers that turn the last block's features into what a step takes away."""
FEW = 16
"""Steps below which neighbours lie too far apart to go from some to the next: distilled models, quick tries."""
TOLD = ("WanPipeline",)
"""Pipelines of diffusers that tell a cache where in the schedule they are, which SeaCache has to know."""


@dataclass(frozen=True)
class Spared:
    """How much of a denoiser's work is spared, in the terms of the three caches that are used.

    SeaCache skips the blocks, and lets what came out of them go on as it went, while the latents have changed by less
    than `change` since they last ran, at most `most` times in a row. Where a pipeline does not tell it what it has to
    know, TaylorSeer does the same every `interval` steps, whatever happens. With few steps the first-block cache asks
    first: it skips the other blocks while what the first one does has changed by less than `threshold`.
    """

    change: float
    most: int
    interval: int
    threshold: float


PRESETS: dict[Quality, Spared | None] = {
    "lossless": None,
    "high": Spared(change=0.3, most=1, interval=2, threshold=0.02),
    "medium": Spared(change=0.4, most=2, interval=3, threshold=0.04),
    "low": Spared(change=0.6, most=3, interval=4, threshold=0.08),
}


@contextmanager
def at(quality: Quality, pipeline: Any, steps: int) -> Iterator[tuple[str, ...]]:
    """Let a pipeline work at a preset within; yields what is to be known of it, nothing for "lossless"."""
    spared = PRESETS[quality]
    if spared is None:
        yield ()
        return
    denoisers = [network for name in DENOISERS if (network := getattr(pipeline, name, None)) is not None]
    with ExitStack() as undo:
        notes = [_spare(undo, denoiser, spared, steps, pipeline) for denoiser in denoisers]
        attention = _attention(quality)
        if attention is not None and denoisers:
            for denoiser in denoisers:
                denoiser.set_attention_backend(attention)
                undo.callback(denoiser.reset_attention_backend)
            notes.append(f"attention: {attention}")
        yield tuple(dict.fromkeys(notes)) or (f"quality: {type(pipeline).__name__} has no cache; lossless",)


def _spare(undo: ExitStack, denoiser: Any, spared: Spared, steps: int, pipeline: Any) -> str:
    """Switch on the cache that a denoiser can have until `undo`; return what was done."""
    if "DiffusionForcing" in type(pipeline).__name__:
        # Its frames are at different steps, and its windows follow one another: what is kept would be of others.
        return "quality: frames are not all denoised at once here, so nothing is cached; lossless"
    if not hasattr(denoiser, "enable_cache") or not _can_extrapolate(denoiser):
        return f"quality: diffusers has no cache for {type(denoiser).__name__}; lossless"
    if type(pipeline).__name__ in TOLD:
        config = library().SeaCacheConfig(threshold=spared.change, max_consecutive_cached=spared.most)
        note = f"SeaCache, threshold {spared.change:g}, at most {spared.most} in a row"
    elif steps >= FEW:
        config = extrapolating(spared.interval, steps, denoiser.dtype)
        note = f"TaylorSeer, every {spared.interval} steps"
    elif _has_known_blocks(denoiser):
        config = library().FirstBlockCacheConfig(threshold=spared.threshold)
        note = f"first-block cache, threshold {spared.threshold:g}"
    else:
        return f"quality: {steps} steps are too few to spare any of {type(denoiser).__name__}; lossless"
    denoiser.enable_cache(config)
    undo.callback(denoiser.disable_cache)
    undo.enter_context(_told_apart(denoiser, pipeline.scheduler))
    return f"cache: {note}"


@contextmanager
def _told_apart(denoiser: Any, scheduler: Any) -> Iterator[None]:
    """Let a cache know which calls belong together, where a pipeline does not say so itself.

    What is kept of a call with the words must not answer one without them: calls are named by their place in a step,
    unless the pipeline names them. When a schedule starts anew, for the next piece of a long clip, all is forgotten.
    """
    kind, context = type(scheduler), denoiser.cache_context
    place, named, mine = 0, 0, ExitStack()

    @contextmanager
    def naming(*note: Any, **keywords: Any) -> Iterator[None]:
        nonlocal named
        named += 1
        try:
            with context(*note, **keywords):
                yield
        finally:
            named -= 1

    def before(*_: Any) -> None:
        nonlocal place
        if not named:
            mine.enter_context(context(f"call {place}"))
            place += 1

    def step(self: Any, *arguments: Any, **note: Any) -> Any:
        nonlocal place
        place = 0
        return kind.step(self, *arguments, **note)

    def set_timesteps(self: Any, *arguments: Any, **note: Any) -> Any:
        denoiser._reset_stateful_cache()
        return kind.set_timesteps(self, *arguments, **note)

    hooks = (
        denoiser.register_forward_pre_hook(before),
        denoiser.register_forward_hook(lambda *_: mine.close(), always_call=True),
    )
    denoiser.cache_context = naming
    try:
        with patch_methods(scheduler, step=step, set_timesteps=set_timesteps):
            yield
    finally:
        del denoiser.cache_context
        for hook in hooks:
            hook.remove()


def extrapolating(interval: int, steps: int, dtype: Any) -> Any:
    """Return the settings of TaylorSeer that run the blocks every `interval` steps, and in the first and last steps."""
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
        return len([registry.get(type(block)) for block in _blocks(denoiser)]) > 1
    except ValueError:
        return False


def _can_extrapolate(denoiser: Any) -> bool:
    return bool(_blocks(denoiser)) and any(re.fullmatch(HEADS, name) for name, _ in denoiser.named_modules())


def _attention(quality: Quality) -> str | None:
    """Return the fastest attention that is installed and whose error the preset allows, None for torch's own."""
    if not library("torch").cuda.is_available():
        return None
    if quality in ("medium", "low") and find_spec("sageattention"):
        return "sage"
    return "flash" if find_spec("flash_attn") else None

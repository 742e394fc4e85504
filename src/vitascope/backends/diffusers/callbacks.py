"""Progress, cancelling and guards inside a pipeline's one long call.

A pipeline encodes, denoises and decodes in one call. When its denoiser or its decoder is first entered, the phase of
`Progress` turns; after each step the latents are looked at and cancelling is asked about.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

import numpy as np

from vitascope.backends.diffusers.optional_imports import accepted
from vitascope.errors import BrokenPictureError
from vitascope.progress import Progress

DENOISERS = ("transformer", "transformer_2", "unet")
BLACK = 1 / 255


class Watch:
    """Follows one call of a pipeline; `phase` says where it is, and `hints` what may be the cause of bad numbers."""

    def __init__(self, progress: Progress, steps: int, hints: Callable[[], str]):
        self.phase = ""
        self._progress, self._hints = progress, hints
        self._stack, self._steps, self._done = ExitStack(), steps, 0

    @contextmanager
    def over(self, pipeline: Any) -> Iterator[dict[str, Any]]:
        """Follow a call within; yields the arguments that the call is to be given for it."""
        with ExitStack() as undo, self._stack:
            for name in DENOISERS:
                self._at(undo, getattr(pipeline, name, None), lambda: self._denoising(pipeline))
            decoder = getattr(getattr(pipeline, "vae", None), "decoder", None)
            self._at(undo, decoder, lambda: self._turn("decode"))
            self._turn("encode")
            if "callback_on_step_end" in accepted(pipeline):
                yield {"callback_on_step_end": self._called}
            else:
                undo.enter_context(_stepping(pipeline.scheduler, self._stepped))
                yield {}

    def _at(self, undo: ExitStack, module: Any, act: Callable[[], None]) -> None:
        if module is not None:
            undo.callback(module.register_forward_pre_hook(lambda *_: act()).remove)

    def _denoising(self, pipeline: Any) -> None:
        if self.phase != "denoise":
            self._done = 0
            self._steps = int(getattr(pipeline, "num_timesteps", None) or self._steps)
            self._turn("denoise", self._steps)

    def _turn(self, phase: str, total: int = 1) -> None:
        """Leave the phase and enter another; the decoder of a model may be entered many times."""
        if phase != self.phase:
            self._stack.close()
            self.phase = phase
            self._stack.enter_context(self._progress.phase(phase, total))

    def _called(self, pipeline: Any, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        self._stepped(tensors.get("latents"))
        return tensors

    def _stepped(self, latents: Any) -> None:
        self._done += 1
        if latents is not None and not bool(latents.isfinite().all()):
            problem = f"the latents are not numbers after step {self._done} of {self._steps}"
            raise BrokenPictureError(f"denoise: {problem}; {self._hints()}")
        if self._done <= self._steps:
            self._progress.step()
        else:
            self._progress.check()


@contextmanager
def _stepping(scheduler: Any, stepped: Callable[[Any], None]) -> Iterator[None]:
    """Hear of every step of a scheduler, but not of those of its copies (models with sound make some)."""
    plain = type(scheduler).step

    def step(self: Any, *arguments: Any, **named: Any) -> Any:
        result = plain(self, *arguments, **named)
        if self is scheduler:
            stepped(result[0])
        return result

    with patch_methods(scheduler, step=step):
        yield


@contextmanager
def patch_methods(target: Any, **methods: Callable[..., Any]) -> Iterator[None]:
    """Let some methods of an object be others within; copies that a pipeline makes of it keep them."""
    kind = type(target)
    named = {name: wraps(getattr(kind, name))(method) for name, method in methods.items()}
    namespace = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    target.__class__ = type(kind.__name__, (kind,), namespace | named)
    try:
        yield
    finally:
        target.__class__ = kind


def looked_at(frames: np.ndarray, hints: Callable[[], str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the frames of 0..1 as uint8, and a note when some are black.

    Raises `BrokenPictureError` when they are not numbers, black throughout, or of one colour throughout.
    """
    broken = ~np.isfinite(frames).all(axis=(1, 2, 3))
    if broken.any():
        problem = f"{broken.sum()} of {len(frames)} frames are not numbers, though the latents were"
        raise BrokenPictureError(f"decode: {problem}; {hints()}")
    black = (frames <= BLACK).all(axis=(1, 2, 3))
    if black.all():
        raise BrokenPictureError(f"decode: every frame is black; {hints()}")
    if np.ptp(frames) <= BLACK:
        small = "a size or length below one tile of the decoder"
        raise BrokenPictureError(f"decode: every frame is the same flat colour; {hints()}; {small}")
    notes = (f"decode: {black.sum()} of {len(frames)} frames are black",) if black.any() else ()
    return (frames * 255).round().astype(np.uint8), notes

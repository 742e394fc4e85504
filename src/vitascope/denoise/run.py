"""Stage 3: from noise to a clean clip, by the schedule, sampler and guidance of the model."""

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from vitascope.checksum import checksum
from vitascope.denoise.guidance import differing, guided
from vitascope.denoise.noise import add_noise, noise
from vitascope.denoise.samplers import SAMPLERS, Model, Step
from vitascope.denoise.schedules import linear
from vitascope.errors import DamagedStateError
from vitascope.progress import Progress
from vitascope.types import Conditioning, Latents, PlannedShot, Text

Look = Callable[[Latents], UInt8[np.ndarray, "height width 3"]]
"""Makes one frame of latents."""


@runtime_checkable
class StepStore(Protocol):
    """Keeps the last step of a clip, so that a run that was broken off goes on from it."""

    def write(self, step: Step, told: str) -> None:
        """Replace the step that was kept; `told` is a checksum of all that the sampler was told."""
        ...

    def read(self, told: str) -> Step | None:
        """Return the step that was kept, None where there is none; raises `DamagedStateError`."""
        ...


@dataclass(frozen=True)
class Denoiser:
    """A network as samplers see it, and the sampler, time shift and temperature that suit it."""

    model: Model[Conditioning]
    sampler: str = "euler"
    shift: float = 1.0
    temperature: float = 1.0
    """Standard deviation of the noise that clips start from: below 1 they vary less and are calmer."""


def denoise(
    shot: PlannedShot,
    conditioning: Conditioning,
    denoiser: Denoiser,
    progress: Progress,
    kept: StepStore | None = None,
    look: Look | None = None,
) -> Latents:
    """Return the clean latents of a planned shot; one step of `progress` per step. Raises `Cancelled`.

    With `kept` every step is written there, and a clip whose last step lies there goes on from it. With `look` each
    step can be looked at: as the model believes by then that the clip will be.
    """
    grid, prefix, channels = conditioning.grid, conditioning.prefix, conditioning.given.shape[1]
    drawn = noise(shot.seed, grid, channels, conditioning.first_frame)
    drawn *= np.float32(denoiser.temperature)
    drawn = np.concatenate([np.zeros((prefix, channels), np.float32), drawn])
    start = add_noise(conditioning.given, drawn, conditioning.levels)
    if conditioning.shown is None:
        model = guided(denoiser.model, without_words(conditioning), shot.guidance_scale)
    else:
        shown = with_words(conditioning, conditioning.shown)
        model = differing(denoiser.model, shown, conditioning.given, drawn)
    schedule = linear(shot.steps, denoiser.shift)
    told = _told(conditioning, schedule, f"{denoiser.sampler} {denoiser.temperature:g}")
    done = None if kept is None else _kept(kept, told, progress)

    def watch(step: Step) -> None:
        if kept is not None:
            kept.write(step, told)
        clean = Latents(step.clean[0, prefix:], grid, conditioning.fps)
        progress.step(None if look is None else partial(look, clean))

    with progress.phase("denoise", shot.steps - (0 if done is None else done.index + 1)):
        sampler = SAMPLERS[denoiser.sampler]
        clean = sampler(model, start[None], conditioning.levels[None], schedule, conditioning, watch, done)
    return Latents(clean[0, prefix:], grid, conditioning.fps)


def _told(conditioning: Conditioning, schedule: np.ndarray, sampler: str) -> str:
    """Return a checksum of what the sampler is told: also of pictures that a shot only names."""
    known = replace(conditioning, caption="")
    texts = [part for text in (known.null, known.shown) if text is not None for part in astuple(text)]
    arrays = [part for part in (*astuple(known), *texts) if isinstance(part, np.ndarray)]
    return checksum([sampler.encode(), schedule, *arrays])


def _kept(kept: StepStore, told: str, progress: Progress) -> Step | None:
    """Return the step to go on from, if there is one that is whole and of this clip; say so in either case."""
    try:
        step = kept.read(told)
    except DamagedStateError as error:
        progress.note(f"{error}: the clip starts over")
        return None
    if step is not None:
        progress.note(f"going on after step {step.index + 1} of {step.total}")
    return step


def without_words(conditioning: Conditioning) -> Conditioning:
    """Return the same conditioning with the null text in place of the words."""
    return with_words(conditioning, conditioning.null)


def with_words(conditioning: Conditioning, text: Text) -> Conditioning:
    """Return the same conditioning with another text in place of the words."""
    return replace(conditioning, text=text.states, text_mask=text.mask, pooled=text.pooled)

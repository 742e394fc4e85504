"""Stage 3: from noise to a clean clip, by the schedule, sampler and guidance of the model."""

from dataclasses import dataclass, replace

from vitascope.denoise.guidance import guided
from vitascope.denoise.noise import add_noise, noise
from vitascope.denoise.samplers import SAMPLERS, Model, Step
from vitascope.denoise.schedules import linear
from vitascope.progress import Progress
from vitascope.types import LATENT_CHANNELS, Conditioning, Latents, Shot


@dataclass(frozen=True)
class Denoiser:
    """A network as samplers see it, and the sampler and time shift that suit it."""

    model: Model[Conditioning]
    sampler: str = "euler"
    shift: float = 1.0


def denoise(shot: Shot, conditioning: Conditioning, denoiser: Denoiser, progress: Progress) -> Latents:
    """Return the clean latents of a planned shot; one step of `progress` per step. Raises `Cancelled`."""
    assert shot.seed is not None
    assert shot.steps is not None
    assert shot.guidance_scale is not None
    shape = shot.video_shape()
    grid = shape.latent()
    start = add_noise(conditioning.given, noise(shot.seed, grid, LATENT_CHANNELS), conditioning.levels)
    model = guided(denoiser.model, without_words(conditioning), shot.guidance_scale)
    schedule = linear(shot.steps, denoiser.shift)

    def watch(step: Step) -> None:
        progress.step(preview=step.clean[0])

    with progress.phase("denoise", shot.steps):
        sampler = SAMPLERS[denoiser.sampler]
        clean = sampler(model, start[None], conditioning.levels[None], schedule, conditioning, watch)
    return Latents(clean[0], grid, shape.fps)


def without_words(conditioning: Conditioning) -> Conditioning:
    """Return the same conditioning with the null text in place of the words."""
    null = conditioning.null
    return replace(conditioning, text=null.states, text_mask=null.mask, pooled=null.pooled)

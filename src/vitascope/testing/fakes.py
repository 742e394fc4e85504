"""Fakes that ship: backends without a network, and synthetic clips, for our tests and for yours.

`python -m vitascope.testing ARGUMENTS` is the command line with the model `fake` beside the real ones.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vitascope.backends.base import Card, EnhancedPrompt, Explanation, FrameStream
from vitascope.backends.registry import register
from vitascope.decode.video import Decoder
from vitascope.deliver.record import make_record
from vitascope.denoise.run import Denoiser
from vitascope.givens.load import gather
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.prompt import clean
from vitascope.planning.rules import FrameRule, RateRule, SizeRule
from vitascope.progress import Progress
from vitascope.settings import settings
from vitascope.toybox.conditioning.windows import count_windows
from vitascope.toybox.language.enhance import enhance
from vitascope.toybox.language.explain import explain
from vitascope.toybox.layout import LATENT_CHANNELS, LATENTS, SPACE_STRIDE, TIME_STRIDE
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.plan import Classify, picture_labels, plan_in_world
from vitascope.toybox.render import LatentModel, render, render_stream
from vitascope.toybox.world import FULL
from vitascope.types import Clip, Conditioning, Plan, PlannedShot, Record, Shot, Text, VideoShape
from vitascope.weights.manifest import Defaults

CARD = Card(
    id="fake",
    licence="Apache-2.0",
    frames=FrameRule(default=17, most=17),
    size=SizeRule(default=(64, 48), most_pixels=64 * 48, choices=((64, 48), (48, 64))),
    rate=RateRule.only(8.0),
    strict=True,
    steps=4,
    guidance_scale=2.0,
    camera_limits={"pan": 0.5, "tilt": 0.4, "zoom": 1.0, "roll": 0.5, "shake": 0.05},
    presets=Defaults(steps=4, guidance_scale=2.0, sampler="ab2", shift=2.0).every,
)


def synthetic_frames(shape: VideoShape, seed: int) -> np.ndarray:
    """Return uint8[frames height width 3]: a disc that crosses a gradient, both in colours drawn from the seed."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    sky, disc = rng.uniform(30, 225, (2, 3))
    y, x = np.mgrid[: shape.height, : shape.width] / max(shape.height, shape.width)
    frames = []
    for share in np.linspace(0.1, 0.9, shape.num_frames):
        inside = np.hypot(y - 0.4, x - share) < 0.15
        frames.append(np.where(inside[..., None], disc, sky * (1 - 0.5 * y[..., None])))
    return np.stack(frames).round().astype(np.uint8)


def synthetic_clip(
    num_frames: int = 9, width: int = 64, height: int = 48, fps: float = 8.0, seed: int = 0
) -> Clip:
    """Return a small silent clip with a record."""
    shape = VideoShape(num_frames, height, width, fps)
    shot = Shot(
        prompt="a disc",
        seed=seed,
        size=(width, height),
        num_frames=num_frames,
        fps=fps,
        seconds=shape.seconds,
    )
    return Clip(synthetic_frames(shape, seed), fps, Record(shot, "fake"))


class FakeBackend:
    """Plans like a real backend and draws `synthetic_frames` around what is given, through the same phases."""

    card = replace(
        CARD, frames=FrameRule(default=17, most=65), takes=frozenset({"frame", "source", "reference", "path"})
    )
    world = FULL
    see: Classify | None = None
    """What says which labels pictures show, for tests that need it."""

    def plan(self, shot: Shot, inspector: Inspector = LOCAL) -> Plan:
        """Read the words in the whole world of the theatre and plan by the card."""
        return plan_in_world(shot, self.card, self.world, inspector, see=self.see)

    def explain(self, shot: Shot, inspector: Inspector = LOCAL) -> Explanation:
        """Return what is understood of a shot's words and pictures."""
        return explain(shot, self.world, None, picture_labels(shot, self.card, inspector, self.see))

    def enhance(self, prompt: str, *, pictured: bool = False) -> EnhancedPrompt:
        """Return a prompt that says more."""
        return enhance(clean("prompt", prompt), self.world, settings(), pictured)

    def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
        """Draw the clip of a planned shot."""
        planned = PlannedShot.of(shot)
        for phase, steps in (("load", 1), ("encode", 1), ("denoise", planned.steps), ("decode", 1)):
            with progress.phase(phase, steps):
                for _ in range(steps):
                    progress.step()
        given = gather(shot, TIME_STRIDE).canvas
        frames = given.composite(synthetic_frames(planned.shape, planned.seed))
        return Clip(frames, planned.shape.fps, make_record(shot, {}, progress))


class FakeLatents(FakeBackend):
    """Has arithmetic in place of networks and goes through all the real stages: for tests of what lies between."""

    weights = "arithmetic"

    def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
        """Render a planned shot."""
        return render(shot, self._model, progress, resume_folder)

    def stream(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> FrameStream:
        """Render a planned shot and hand over its frames chunk by chunk."""
        return render_stream(shot, self._model, progress, resume_folder)

    def passes(self, shot: Shot) -> int:
        """Return in about how many windows a planned shot is made."""
        return count_windows(shot, self._model().longest)

    def _model(self) -> LatentModel:
        return LatentModel(
            encoders=Encoders(fake_texts, fake_video),
            denoiser=Denoiser(fake_clean, sampler="ab2", shift=2.0),
            decoder=Decoder(fake_decoder, 1, 1),
            longest=17,
            weights={"fake.safetensors": self.weights},
        )


class PacedLatents(FakeLatents):
    """`FakeLatents` that takes its time: VITASCOPE_FAKE_SECONDS for each call of its network, so that it can be met."""

    def _model(self) -> LatentModel:
        model = super()._model()
        seconds = float(os.environ.get("VITASCOPE_FAKE_SECONDS") or 0)

        def paced(latents: np.ndarray, levels: np.ndarray, conditioning: Conditioning) -> np.ndarray:
            time.sleep(seconds)
            return fake_clean(latents, levels, conditioning)

        return replace(model, denoiser=replace(model.denoiser, model=paced))


def register_fakes() -> None:
    """Make the model `fake` known to this process: it goes through all the stages in a few milliseconds."""
    register("fake", "vitascope.testing.fakes:PacedLatents")


def fake_texts(sentences: Sequence[str]) -> tuple[Text, ...]:
    """Return one word per sentence: its length."""
    lengths = [np.full((1, 1), len(sentence), np.float32) for sentence in sentences]
    return tuple(Text(length, np.ones(1, bool), length[0]) for length in lengths)


def fake_video(frames: np.ndarray) -> np.ndarray:
    """Return latents that `fake_decoder` turns back into each cell's mean colour in the last frame of its group."""
    shape = LATENTS.grid(VideoShape(len(frames), *frames.shape[1:3], fps=8.0))
    cells = frames[::TIME_STRIDE].reshape(
        shape.frames, shape.height, SPACE_STRIDE, shape.width, SPACE_STRIDE, 3
    )
    latents = np.zeros((shape.num_tokens, LATENT_CHANNELS), np.float32)
    latents[:, :3] = (cells.mean(axis=(2, 4)).reshape(-1, 3) / 255 - 0.5) / 0.4
    return latents


def fake_clean(latents: np.ndarray, levels: np.ndarray, conditioning: Conditioning) -> np.ndarray:
    """Return a guess of the clean latents that depends on latents, levels and words."""
    words = np.float32(conditioning.pooled[0] / 100)
    return np.tanh(latents * (1.5 - levels[..., None]) + words).astype(np.float32)


def fake_decoder(latents: np.ndarray, deep: np.ndarray, shallow: np.ndarray) -> dict[str, np.ndarray]:
    """Return each latent cell as a block of one colour: its first three numbers."""
    frames = np.repeat(latents[:, :3] * 0.4 + 0.5, TIME_STRIDE, axis=2)
    frames = frames.repeat(SPACE_STRIDE, axis=3).repeat(SPACE_STRIDE, axis=4)
    return {"frames": frames.astype(np.float32), "deep_out": deep, "shallow_out": shallow}

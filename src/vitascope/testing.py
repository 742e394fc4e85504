"""Fakes that ship: a backend without a network, and synthetic clips, for our tests and for yours."""

import numpy as np

from vitascope.backends.base import Card, plan_by_card
from vitascope.deliver.record import make_record
from vitascope.progress import Progress
from vitascope.prompt.world import FULL
from vitascope.types import Clip, Plan, Record, Shot, VideoShape

CARD = Card(
    id="fake",
    licence="Apache-2.0",
    world=FULL,
    sizes=((64, 48), (48, 64)),
    max_frames=17,
    fps=8.0,
    steps=4,
    guidance_scale=2.0,
    camera_limits={"pan": 0.5, "tilt": 0.4, "zoom": 1.0, "roll": 0.5, "shake": 0.05},
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
    """Plans like a real backend and draws `synthetic_frames`, through the same phases."""

    card = CARD
    embed = None

    def plan(self, shot: Shot) -> Plan:
        """Plan by the card."""
        return plan_by_card(shot, self.card)

    def render(self, shot: Shot, progress: Progress) -> Clip:
        """Draw the clip of a planned shot."""
        assert shot.seed is not None
        assert shot.steps is not None
        for phase, steps in (("load", 1), ("encode", 1), ("denoise", shot.steps), ("decode", 1)):
            with progress.phase(phase, steps):
                for _ in range(steps):
                    progress.step()
        shape = shot.video_shape()
        return Clip(synthetic_frames(shape, shot.seed), shape.fps, make_record(shot, {}, progress))

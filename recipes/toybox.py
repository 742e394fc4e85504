"""Toybox: what its training runs are made of. A recipe is a function that returns one frozen `Recipe`."""

from dataclasses import dataclass, field, replace

from vitascope.nn.dit import DiTConfig
from vitascope.nn.text_encoder import TextEncoderConfig
from vitascope.nn.upscaler import UpscalerConfig
from vitascope.nn.video_vae import VideoVAEConfig
from vitascope.toybox.world import FULL, World
from vitascope.training.dit import DiTTraining
from vitascope.training.upscaler import UpscalerTraining
from vitascope.training.vae import VAETraining
from vitascope.types import VideoShape


@dataclass(frozen=True)
class Recipe:
    """A model, the world it learns, and how each of its stages is trained."""

    name: str
    world: World
    shape: VideoShape
    vae: VideoVAEConfig
    text: TextEncoderConfig
    dit: DiTConfig
    vae_training: VAETraining
    dit_training: DiTTraining
    shards: dict[str, int]
    """Kind -> lots of 256 encoded clips that are made ahead; none where the trainer's own device renders meanwhile."""
    upscaler: UpscalerConfig = field(default_factory=UpscalerConfig)
    upscaler_training: UpscalerTraining = field(default_factory=UpscalerTraining)
    variants: int = 6
    """Layouts in which each set is painted."""


SMALL_CAST = (
    "cat", "dog", "horse", "penguin", "elephant", "duck", "fish", "dragon", "taxi", "rocket", "ball", "dancer",
)  # fmt: skip
SMALL_ACTIONS = (
    "stand", "walk", "run", "jump", "spin", "dance", "grow", "fly", "swim", "drive", "fall", "roll",
)  # fmt: skip


def small() -> Recipe:
    """Return what two CPU cores can teach in two hours: twelve of the cast, eight sets, 128x128, 8 fps, 17 frames.

    Few and recognisable beats many and mud: fair weather, two styles, no roll or shake of the camera, one layout a set.
    """
    world = replace(
        FULL,
        subjects=SMALL_CAST,
        actions=SMALL_ACTIONS,
        sets=("garden", "beach", "underwater", "desert", "snow", "city", "space", "room"),
        weathers=("clear",),
        styles=("clay", "noir"),
        cameras=("static", "pan-left", "pan-right", "tilt-up", "tilt-down", "zoom-in", "zoom-out"),
    )
    return Recipe(
        name="small",
        world=world,
        shape=VideoShape(num_frames=17, height=128, width=128, fps=8.0),
        vae=VideoVAEConfig(),
        text=TextEncoderConfig(),
        dit=DiTConfig(),
        vae_training=VAETraining(),
        dit_training=DiTTraining(),
        shards={"take": 40, "pair": 8, "route": 5},
        variants=1,
    )


def cast() -> Recipe:
    """Return what the open cast is taught on two cores in an hour: any page, in the small recipe's sets and styles."""
    return replace(small(), name="cast")


def gpu() -> Recipe:
    """Return the same model for one lent GPU: the whole cast and all sets, rendered while it trains."""
    recipe = small()
    return replace(
        recipe,
        name="gpu",
        world=FULL,
        vae_training=replace(recipe.vae_training, batch=64, whole_batch=16, pool=2048, renew=16),
        dit_training=replace(recipe.dit_training, frame_batch=1024, clip_batch=256, keep=1.0, ema=0.9995),
        shards={},
        variants=12,
    )


def smoke() -> Recipe:
    """Return the smallest thing that takes every step of the road, for CI and rehearsals."""
    recipe = small()
    return replace(
        recipe,
        name="smoke",
        world=replace(recipe.world, subjects=("cat", "dog"), sets=("garden", "beach")),
        shape=VideoShape(num_frames=9, height=64, width=64, fps=8.0),
        vae=VideoVAEConfig(encoder_widths=(16, 24, 32), decoder_widths=(16, 24, 32)),
        text=TextEncoderConfig(dim=64, heads=2, depth=1),
        dit=DiTConfig(
            dim=64,
            heads=2,
            depth=3,
            text_dim=64,
            hidden=128,
            modulation=32,
            axes=(4, 6, 6),
        ),
        vae_training=replace(recipe.vae_training, batch=2, frames=5, crop=32, pool=16),
        dit_training=replace(
            recipe.dit_training, frame_batch=4, clip_batch=2, field_until=0.1, field_share=0.2
        ),
        upscaler=UpscalerConfig(width=16, blocks=1),
        upscaler_training=UpscalerTraining(batch=4, crop=32),
        shards={"take": 1, "pair": 1, "route": 1},
        variants=1,
    )


RECIPES = {"small": small, "cast": cast, "gpu": gpu, "smoke": smoke}

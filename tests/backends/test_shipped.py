"""What the shipped weights give does not depend on what they are asked beside it."""

import numpy as np
import pytest

from tests.toybox.planned import conditioned
from vitascope import pipeline
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Known
from vitascope.toybox.backend import Toybox
from vitascope.toybox.conditioning.windows import Window
from vitascope.toybox.layout import LATENT_CHANNELS
from vitascope.types import Shot


@pytest.mark.parametrize("batch", [2, 3])
def test_a_batch_is_its_clips_to_the_bit(batch):
    toybox = Toybox(threads=1)
    shot = pipeline.plan(Shot(prompt="a cat walks in a garden", seed=3, seconds=0.6), toybox).shot
    nothing = Known(Canvas.empty(shot.video_shape()))
    whole = Window(0, shot.video_shape().num_frames)
    encoders = toybox.model().encoders
    conditioning = conditioned(shot, nothing, whole, encoders)
    tokens = len(conditioning.levels)
    latents = np.random.default_rng(0).standard_normal((batch, tokens, LATENT_CHANNELS), np.float32)
    levels = np.linspace(0.2, 1, batch, dtype=np.float32)[:, None].repeat(tokens, axis=1)
    model = toybox.model().denoiser.model
    together = model(latents, levels, conditioning)
    for i in range(batch):
        alone = model(latents[i : i + 1], levels[i : i + 1], conditioning)
        np.testing.assert_array_equal(together[i], alone[0])

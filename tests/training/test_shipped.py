"""A run that is told nothing else starts from the weights that ship, all of them."""

import pytest

from recipes.toybox import small
from vitascope.nn.upscaler import Upscaler
from vitascope.nn.video_vae import VideoVAE
from vitascope.training.checkpoint import load_matching
from vitascope.training.dit import Generator
from vitascope.training.shipped import shipped
from vitascope.training.words import embedding_table


@pytest.mark.parametrize("stage", ["vae", "dit", "upscaler"])
def test_every_tensor_of_a_stage_is_found_among_those_that_ship(stage: str):
    recipe = small()
    if stage == "dit":
        net = Generator(recipe.dit, recipe.text, embedding_table())
    else:
        net = VideoVAE(recipe.vae) if stage == "vae" else Upscaler(recipe.upscaler)
    assert load_matching(net, shipped(stage)) == []

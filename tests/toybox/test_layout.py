import pytest

from vitascope.errors import WeightsError
from vitascope.toybox import layout
from vitascope.types import LatentSpec
from vitascope.weights.folder import WeightsFolder


def test_the_slices_of_a_token_follow_one_another_and_fill_it():
    parts = (layout.GIVEN, layout.SOURCE, layout.CAMERA, layout.SUBJECT)
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == layout.EXTRA_CHANNELS


def test_the_weights_that_ship_are_laid_out_like_that():
    assert WeightsFolder.shipped().manifest.latents == layout.LATENTS
    layout.check(layout.LATENTS)


def test_weights_of_another_layout_are_refused():
    with pytest.raises(WeightsError, match="time_stride=8"):
        layout.check(LatentSpec(352, 8, 16))

"""Pages dyed in the colours that prompts name: hue and lightness are the colour's, the outline stays."""

import colorsys

import numpy as np
import pytest

from vitascope.errors import RequestError
from vitascope.toybox.cast.lookup import find_entry, read_page

LIGHT = {"white": (0.8, 1.0), "black": (0.0, 0.35), "yellow": (0.5, 0.7), "navy": (0.0, 0.45)}


def usual(page):
    """Return the median colour of what a page shows, in 0..1."""
    shown = page[:, 3] > 250
    return np.median(page[:, :3].transpose(0, 2, 3, 1)[shown], axis=0) / 255


@pytest.mark.parametrize("name", ["car", "dog", "balloon", "elephant"])
@pytest.mark.parametrize(("colour", "hue"), [("red", 355), ("blue", 218), ("green", 125), ("yellow", 50)])
def test_a_dyed_page_has_the_hue_that_is_asked_for(name, colour, hue):
    found, _, saturation = colorsys.rgb_to_hls(*usual(read_page(name, 64, colour)))
    assert abs((found * 360 - hue + 180) % 360 - 180) < 12
    assert saturation > 0.35


@pytest.mark.parametrize("colour", sorted(LIGHT))
def test_a_dyed_page_is_as_light_as_its_colour(colour):
    low, high = LIGHT[colour]
    for name in ("car", "dog", "black cat", "elephant"):
        _, lightness, _ = colorsys.rgb_to_hls(*usual(read_page(name, 64, colour)))
        assert low <= lightness <= high, name


def test_dye_leaves_the_outline_and_keeps_colours_premultiplied():
    plain, red = read_page("cat", 64), read_page("cat", 64, "red")
    assert np.array_equal(plain[:, 3], red[:, 3])
    assert (red[:, :3] <= red[:, 3:]).all()


def test_a_page_that_is_not_there_is_refused_in_one_line():
    with pytest.raises(RequestError, match=r'cast: there is no picture of "quokka" here'):
        find_entry("quokka")
    with pytest.raises(RequestError, match=r'cast: "mauve" is no colour'):
        read_page("cat", 32, "mauve")

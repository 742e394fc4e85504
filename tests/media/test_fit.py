import numpy as np
import pytest

from vitascope.errors import RequestError
from vitascope.media.fit import Box, fit, fit_mask, fit_picture, place, put_back


@pytest.mark.parametrize(
    ("source", "size", "how", "box", "inner", "about"),
    [
        ((1920, 1080), (128, 128), "crop", (420, 0, 1500, 1080), (0, 0, 128, 128), "cropped 420 px from each side"),
        ((33, 17), (64, 48), "crop", (5, 0, 28, 17), (0, 0, 64, 48), "cropped 5 px from each side"),
        ((17, 33), (64, 48), "crop", (0, 10, 17, 23), (0, 0, 64, 48), "cropped 10 px from the top and bottom"),
        ((34, 17), (64, 48), "crop", (5, 0, 28, 17), (0, 0, 64, 48),
         "cropped 5 px from the left and 6 px from the right"),
        ((1920, 1080), (128, 128), "pad", (0, 0, 1920, 1080), (0, 28, 128, 100), "padded 28 px at the top and bottom"),
        ((10, 40), (64, 48), "pad", (0, 0, 10, 40), (26, 0, 38, 48), "padded 26 px at each side"),
        ((100, 100), (128, 64), "stretch", (0, 0, 100, 100), (0, 0, 128, 64), "made 2.00 times wider"),
        ((128, 64), (64, 64), "stretch", (0, 0, 128, 64), (0, 0, 64, 64), "made 2.00 times taller"),
        ((256, 256), (128, 128), "crop", (0, 0, 256, 256), (0, 0, 128, 128), ""),
        ((1, 1), (128, 96), "pad", (0, 0, 1, 1), (16, 0, 112, 96), "padded 16 px at each side"),
        ((1000, 1), (16, 16), "pad", (0, 0, 1000, 1), (0, 7, 16, 8),
         "padded 7 px at the top and 8 px at the bottom"),
    ],
)  # fmt: skip
def test_where_a_picture_lies_is_exact(source, size, how, box, inner, about):
    placement = place(source, size, how)
    assert (placement.box, placement.inner) == (Box(*box), Box(*inner))
    assert placement.about() == about
    frames, again = fit(np.zeros((2, source[1], source[0], 3), np.uint8), size, how)
    assert frames.shape == (2, size[1], size[0], 3)
    assert again == placement


def test_points_of_the_source_are_found_in_the_fitted_picture():
    assert place((1920, 1080), (128, 128), "crop").from_source(960, 540) == (64, 64)
    assert place((1920, 1080), (128, 128), "crop").from_source(420, 0) == (0, 0)
    assert place((1920, 1080), (128, 128), "pad").from_source(0, 0) == (0, 28)
    assert place((1920, 1080), (128, 128), "stretch").from_source(480, 1080) == (32, 128)


def test_another_way_to_fit_is_refused():
    with pytest.raises(
        RequestError, match="fit: 'squash' is not a way to fit; it may be: crop, pad, stretch"
    ):
        place((10, 10), (16, 16), "squash")


def test_a_picture_that_fits_is_not_touched():
    picture = np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    for how in ("crop", "pad", "stretch"):
        np.testing.assert_array_equal(fit_picture(picture, place((64, 48), (64, 48), how)), picture)


def test_bars_are_of_their_colour():
    fitted = fit_picture(np.full((10, 40, 3), 9, np.uint8), place((40, 10), (64, 64), "pad"), (1, 2, 3))
    assert (fitted[:24] == (1, 2, 3)).all()
    assert (fitted[24:40] == 9).all()
    assert (fitted[40:] == (1, 2, 3)).all()


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_an_edit_changes_only_what_its_mask_holds(how):
    rng = np.random.default_rng(2)
    source = rng.integers(0, 256, (90, 200, 3)).astype(np.uint8)
    placement = place((200, 90), (128, 96), how)
    mask = np.zeros((90, 200), np.float32)
    mask[30:60, 90:120] = 1
    mask[60:65, 90:120] = 0.5
    whole = put_back(np.full((96, 128, 3), 200, np.uint8), source, placement, mask)
    np.testing.assert_array_equal(whole[mask == 0], source[mask == 0])
    assert (whole[mask == 1] == 200).all()
    half = (source[60:65, 90:120].astype(float) + 200) / 2
    assert np.abs(whole[60:65, 90:120] - half).max() <= 0.5


def test_what_was_cut_off_comes_back_with_the_source():
    source = np.full((50, 100, 3), 7, np.uint8)
    placement = place((100, 50), (48, 48), "crop")
    whole = put_back(np.full((48, 48, 3), 90, np.uint8), source, placement, np.ones((50, 100), np.float32))
    assert (whole[:, :25] == 7).all()
    assert (whole[:, 25:75] == 90).all()
    assert (whole[:, 75:] == 7).all()


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_a_mask_lies_where_its_picture_lies(how):
    placement = place((192, 96), (96, 96), how)
    mask = np.zeros((96, 192), np.float32)
    mask[32:64, 80:112] = 1
    fitted = fit_mask(mask, placement)
    drawn = fit_picture((mask[..., None].repeat(3, -1) * 255).astype(np.uint8), placement)
    assert fitted.shape == (96, 96)
    assert np.abs(fitted - drawn[..., 0] / 255).mean() < 0.02


def test_pictures_of_another_size_are_not_fitted_by_mistake():
    with pytest.raises(ValueError, match="10x10 is not 40x10"):
        fit_picture(np.zeros((10, 10, 3), np.uint8), place((40, 10), (64, 64)))

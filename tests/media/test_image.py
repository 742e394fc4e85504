import warnings

import numpy as np
import pytest
from PIL import Image

from tests.media.nasty import animation, card, cut, movie, photo
from vitascope.errors import RequestError
from vitascope.media.image import read_mask, read_picture
from vitascope.media.limits import Limits
from vitascope.media.video import probe


@pytest.mark.parametrize(
    ("name", "mode", "off"),
    [
        ("a.png", "RGB", 0), ("a.png", "L", 1), ("a.png", "I;16", 1), ("a.png", "P", 1), ("a.jpg", "RGB", 12),
        ("a.jpg", "CMYK", 12), ("a.jpg", "L", 4), ("a.webp", "RGB", 12), ("a.bmp", "RGB", 0), ("a.tif", "RGB", 0),
        ("a.ppm", "RGB", 0), ("a.gif", "P", 1), ("a.tif", "I;16", 1), ("a.tif", "CMYK", 1),
    ],
)  # fmt: skip
def test_pictures_of_any_kind_become_8_bit_rgb(tmp_path, name, mode, off):
    picture = read_picture(photo(tmp_path / name, mode))
    assert picture.pixels.shape == (48, 64, 3)
    expected = (
        np.asarray(Image.fromarray(card(9)).convert("L").convert("RGB")) if mode in ("L", "I;16") else card(9)
    )
    spots = (slice(6, None, 12), slice(4, None, 16))  # away from edges, where colours are coded coarsely
    assert np.abs(picture.pixels[spots].astype(int) - expected[spots]).max() <= off
    assert picture.alpha is None
    assert picture.notes == ()


@pytest.mark.parametrize("orientation", [2, 3, 5, 6, 8])
def test_a_picture_is_turned_upright(tmp_path, orientation):
    picture = read_picture(photo(tmp_path / "a.png", orientation=orientation))
    np.testing.assert_array_equal(picture.pixels, card(9))
    assert picture.facts.size == (64, 48)
    assert picture.facts.turned


def test_what_is_transparent_takes_the_background_and_is_known(tmp_path):
    picture = read_picture(photo(tmp_path / "a.png", "PA"), background=(0, 255, 0))
    assert picture.alpha is not None
    assert picture.alpha[:24].min() == 255
    assert picture.alpha[24:].max() == 0
    assert (picture.pixels[24:] == (0, 255, 0)).all()
    assert picture.notes == ("a.png: what is transparent becomes #00ff00",)


def test_a_mask_is_white_where_it_holds_and_not_where_it_is_transparent(tmp_path):
    pixels = np.full((4, 6, 4), 255, np.uint8)
    pixels[:, :2, 3] = 0
    pixels[:, 4:, :3] = 0
    Image.fromarray(pixels).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png")
    assert mask.dtype == np.float32
    np.testing.assert_allclose(mask, np.repeat([[0, 0, 1, 1, 0, 0]], 4, axis=0))


def test_of_an_animation_the_first_frame_is_taken_with_a_note(tmp_path):
    picture = read_picture(animation(tmp_path / "a.gif", [100, 100, 100]))
    assert "the first of its 3 frames" in picture.notes[0]


def test_the_kind_is_told_by_the_content_not_the_name(tmp_path):
    path = photo(tmp_path / "a.png").rename(tmp_path / "a.mp4")
    assert read_picture(path).facts.format == "png"


def test_a_video_is_no_picture(tmp_path):
    with pytest.raises(RequestError, match=r"reference: .* is not a picture; a picture is a JPEG"):
        read_picture(movie(tmp_path / "a.mp4"), "reference")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.tif", "a.bmp"])
@pytest.mark.parametrize("share", [0.05, 0.6])
def test_a_picture_that_is_cut_short_is_refused(tmp_path, name, share):
    path = cut(photo(tmp_path / name, size=(640, 480)), share)
    with pytest.raises(RequestError, match=r"image: .*could not be read"):
        read_picture(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.png"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.new("1", (20000, 20000)).save(path)
    assert path.stat().st_size < 100_000
    for read in (read_picture, probe):
        with pytest.raises(RequestError, match=r"too many pixels; at most 50 megapixels"):
            read(path)
    with pytest.raises(RequestError, match=r"at most 0.001 megapixels"):
        read_picture(photo(tmp_path / "a.png"), limits=Limits(pixels=1000))


def test_colours_of_a_profile_become_srgb(tmp_path):
    from PIL import ImageCms

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.fromarray(card(9)).save(tmp_path / "a.png", icc_profile=lab.tobytes())
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels, card(9))
    Image.fromarray(card(9)).save(tmp_path / "b.png", icc_profile=b"no profile")
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png").pixels, card(9))

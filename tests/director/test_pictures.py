import numpy as np
import pytest
from PIL import Image

from tests.director.conftest import film
from vitascope.deliver.mux import read
from vitascope.director.make import make_film
from vitascope.director.pictures import SIDE, save_storyboard
from vitascope.errors import InputFileError, OutputExistsError
from vitascope.testing.fakes import synthetic_clip


def test_the_storyboard_shows_one_frame_of_each_shot(tmp_path):
    file = tmp_path / "film.mp4"
    make_film(film({"prompt": "a cat " * 30, "num_frames": 9}, {"prompt": "a dog", "num_frames": 9}), file)
    picture = save_storyboard(file, tmp_path / "board.png")
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    frames = read(file).frames
    shown = [Image.fromarray(frames[at]).resize((SIDE, SIDE * 48 // 64)) for at in (4, 13)]
    height, width = shown[0].height, shown[0].width
    found = [
        any(
            np.abs(pixels[y : y + height, x : x + width] - np.asarray(one)).mean() < 3
            for y in range(0, pixels.shape[0] - height + 1, 4)
            for x in range(0, pixels.shape[1] - width + 1, 4)
        )
        for one in shown
    ]
    assert found == [True, True]
    with pytest.raises(OutputExistsError, match="storyboard: "):
        save_storyboard(file, picture)


def test_a_clip_has_no_storyboard(tmp_path):
    with pytest.raises(InputFileError):
        save_storyboard(synthetic_clip().save(tmp_path / "clip.mp4"), tmp_path / "board.png")

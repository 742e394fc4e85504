"""Every example runs as it stands, on the weights that ship, and what it makes is a clip."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.deliver.mux import read

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> None:
    runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](*arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with a clip of the shipped weights, its first frame and its last as pictures."""
    folder = tmp_path_factory.mktemp("examples")
    run("01_first_clip", "a cat walks in a garden", str(folder / "clip.mp4"))
    frames = read(folder / "clip.mp4").frames
    for name, frame in (("first", frames[0]), ("last", frames[-1])):
        Image.fromarray(frame).save(folder / f"{name}.png")
    return folder


@pytest.mark.parametrize(
    ("name", "inputs", "frames"),
    [
        ("02_image_to_video", ("first.png", "a cat walks in a garden"), 17),
        ("03_keyframes", ("first.png", "last.png", "a cat in a garden"), 17),
        ("04_extend", ("clip.mp4", "a cat walks in a garden"), 33),
        ("05_long", ("a cat walks in a garden // it jumps", "4"), 33),
        ("06_inpaint", ("clip.mp4", "a dog stands in a garden"), 17),
        ("07_edit", ("clip.mp4", "make it night"), 17),
        ("08_retake", ("clip.mp4", "a cat jumps in a garden", "1s-2s"), 17),
        ("09_reference", ("first.png", "a toy walks on a beach"), 17),
        ("10_camera_and_path", (), 17),
        ("11_loop", ("a penguin dances in the snow",), 13),
        ("13_queue", ("a cat walks in a garden",), 17),
        ("14_service", ("a cat walks in a garden",), 17),
    ],
)
def test_an_example_makes_a_clip(made: Path, tmp_path: Path, name: str, inputs: tuple[str, ...], frames: int):
    given = [str(made / one) if (made / one).is_file() else one for one in inputs]
    run(name, *given, str(tmp_path / "out.mp4"))
    clip = read(tmp_path / "out.mp4").frames
    assert clip.shape == (frames, 128, 128, 3)
    assert clip.std() > 10, "an empty picture"


def test_what_was_given_comes_back(made: Path, tmp_path: Path):
    source = read(made / "clip.mp4").frames.astype(int)
    run("04_extend", str(made / "clip.mp4"), "a cat walks in a garden", str(tmp_path / "long.mp4"))
    run("06_inpaint", str(made / "clip.mp4"), "a dog stands in a garden", str(tmp_path / "part.mp4"))
    long, part = (read(tmp_path / name).frames.astype(int) for name in ("long.mp4", "part.mp4"))
    assert np.abs(long[:17] - source).mean() < 3
    assert np.abs(part[:, :40] - source[:, :40]).mean() < 3
    assert np.abs(part[:, 56:104, 40:88] - source[:, 56:104, 40:88]).mean() > 3


def test_every_example_is_tested():
    tested = {"01_first_clip", *(mark[0] for mark in test_an_example_makes_a_clip.pytestmark[0].args[1])}
    mine = {path.stem for path in EXAMPLES.glob("*.py")} - {"12_explain"}
    assert mine <= tested, mine - tested

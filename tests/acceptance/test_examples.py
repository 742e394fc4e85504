"""Every example runs as it stands, on the weights that ship, and what it makes is a clip."""

import asyncio
import contextlib
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.backends.server import VideoServer, running
from vitascope.deliver.mux import read
from vitascope.settings import settings

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> None:
    runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](*arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with a clip of the shipped weights, its first frame and its last as pictures."""
    folder = tmp_path_factory.mktemp("examples")
    with contextlib.chdir(folder):
        run("01_first_clip")
    movie = read((folder / "first_clip.mp4").rename(folder / "clip.mp4"))
    assert movie.record.shot.prompt == "a cat walking through a garden in spring"
    frames = movie.frames
    for name, frame in (("first", frames[0]), ("last", frames[-1])):
        Image.fromarray(frame).save(folder / f"{name}.png")
    return folder


def frames_of(made: Path, name: str, *inputs: str) -> np.ndarray:
    """Return the frames of the clip that an example makes of files that are there or words; it is run once."""
    file = made / f"{name}.mp4"
    if not file.exists():
        run(name, *(str(made / one) if (made / one).is_file() else one for one in inputs), str(file))
    return read(file).frames


@pytest.mark.parametrize(
    ("name", "inputs", "frames"),
    [
        ("02_image_to_video", ("first.png", "a cat walks in a garden"), 17),
        ("03_keyframes", ("first.png", "last.png", "a cat in a garden"), 17),
        ("04_extend", ("clip.mp4", "a cat walks in a garden"), 33),
        ("05_long", ("a cat walks in a garden // it jumps", "3"), 25),
        ("06_inpaint", ("clip.mp4", "a dog stands in a garden"), 17),
        ("07_edit", ("clip.mp4", "make it night"), 17),
        ("08_retake", ("clip.mp4", "a cat jumps in a garden", "1s-2s"), 17),
        ("09_reference", ("first.png", "a toy walks on a beach"), 17),
        ("10_camera_and_path", (), 17),
        ("11_loop", ("a penguin dances in the snow",), 13),
        ("17_stream", ("a cat walks in a garden", "3"), 25),
        ("15_queue", ("a cat walks in a garden",), 17),
        ("16_service", ("a cat walks in a garden",), 17),
        ("20_film", (str(EXAMPLES / "film.toml"),), 46),
    ],
)
def test_an_example_makes_a_clip(made: Path, name: str, inputs: tuple[str, ...], frames: int):
    clip = frames_of(made, name, *inputs)
    assert clip.shape == (frames, 256, 256, 3)
    assert clip.std() > 10, "an empty picture"


def test_what_was_given_comes_back(made: Path):
    source = read(made / "clip.mp4").frames.astype(int)
    long = frames_of(made, "04_extend", "clip.mp4", "a cat walks in a garden").astype(int)
    part = frames_of(made, "06_inpaint", "clip.mp4", "a dog stands in a garden").astype(int)
    assert np.abs(long[:17] - source).mean() < 3
    assert np.abs(part[:, :80] - source[:, :80]).mean() < 3
    assert np.abs(part[:, 112:208, 80:176] - source[:, 112:208, 80:176]).mean() > 3


def test_a_server_makes_a_clip_or_toybox_does(made: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path))
    with running(VideoServer((made / "clip.mp4").read_bytes())) as server:
        (tmp_path / "settings.toml").write_text(
            f'[remotes.there]\nurl = "{server.url}"\n[remotes.gone]\nurl = "http://127.0.0.1:9/v1"\ntries = 1\n'
        )
        settings.cache_clear()
        for name, model in (("there", "remote:there"), ("gone", "toybox")):
            run("13_remote", name, "a cat walks in a garden", str(tmp_path / f"{name}.mp4"))
            clip = read(tmp_path / f"{name}.mp4")
            assert (clip.record.shot.model, clip.frames.std() > 10) == (model, True)
    settings.cache_clear()
    assert "model: remote:gone cannot (" in capsys.readouterr().out


def test_models_are_compared_before_anything_is_loaded(capsys):
    run("14_which_model", "a red fox", "24", "64")
    lines = capsys.readouterr().out.splitlines()
    assert "wan2.2-ti2v-5b: image, 121 frames of 1280x704, text-first+tiled" in lines
    assert "mochi-1 cannot be given a first frame (it takes words alone)" in lines
    assert any('gets it in words: "the camera pans left"' in line for line in lines)


def test_takes_stand_side_by_side_on_a_sheet(tmp_path: Path):
    run("18_variants", "a cat", "2", str(tmp_path / "takes.png"))
    with Image.open(tmp_path / "takes.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape[1] > 4 * 128
    assert pixels.std() > 10


def test_every_example_is_tested():
    tested = {"01_first_clip", *(mark[0] for mark in test_an_example_makes_a_clip.pytestmark[0].args[1])}
    mine = {path.stem for path in EXAMPLES.glob("*.py")} - {
        "12_explain",
        "13_remote",
        "14_which_model",
        "18_variants",
        "19_webhook",
        "21_async",
    }
    assert mine <= tested, mine - tested


def test_two_clips_are_made_at_once(tmp_path: Path):
    asyncio.run(runpy.run_path(str(EXAMPLES / "21_async.py"))["main"](str(tmp_path)))
    for name in ("cat", "dog"):
        assert read(tmp_path / f"{name}.mp4").frames.std() > 10


def test_a_letter_comes_when_a_clip_is_over():
    letter = json.loads(runpy.run_path(str(EXAMPLES / "19_webhook.py"))["main"]("a cat walks in a garden"))
    assert (letter["object"], letter["type"]) == ("event", "video.completed")
    assert letter["data"]["id"].startswith("video_")

"""Every command of docs/tasks.md, as it stands there, on the weights that ship, in as few steps as can be."""

import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope import cli
from vitascope.deliver.mux import read
from vitascope.types import Clip, Record, Shot

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| (.+?) \| `vitascope (.+?)`.*? \| `(\w+\.py)` \|$", re.MULTILINE)
ROWS = ROW.findall((DOCS / "tasks.md").read_text("utf-8"))
SHORT = 3.0
"""Seconds of what the page makes longer: two windows."""


def scene(width: int, height: int) -> np.ndarray:
    """Return 17 frames of a disc that crosses a plain of no world that the model knows: nobody is looked for there."""
    y, x = np.mgrid[:height, :width] / height
    frames = np.zeros((17, height, width, 3), np.uint8)
    frames[:] = np.where((y < 0.55)[..., None], (200, 120, 40), (90, 30, 110))
    for i, frame in enumerate(frames):
        frame[np.hypot(y - 0.6, x - 0.2 - 0.03 * i) < 0.13] = (230, 140, 40)
    return frames


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with the files that the page names."""
    folder = tmp_path_factory.mktemp("files")
    record = Record(Shot(prompt="a disc"), "drawn")
    Clip(scene(128, 128), 8.0, record).save(folder / "in.mp4")
    Clip(scene(192, 128), 8.0, record).save(folder / "wide.mp4")
    for name in ("cat", "a", "b", "hero"):
        Image.fromarray(scene(128, 128)[16 if name == "b" else 0]).save(folder / f"{name}.png")
    leaves = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(leaves).resize((640, 480)).save(folder / "photo.png")
    Image.fromarray(np.pad(np.full((64, 64), 255, np.uint8), 32)).save(folder / "m.png")
    return folder


def test_the_page_has_every_task():
    names = " ".join(name for name, _, _ in ROWS)
    tasks = "image keyframes extend before long change inpaint outpaint add remove replace background restyle retake"
    for word in (*tasks.split(), "same toy", "camera", "subject goes", "loop", "variants"):
        assert word in names, word
    for _, _, example in ROWS:
        assert len((DOCS.parent / "examples" / example).read_text("utf-8").splitlines()) < 40


@pytest.mark.parametrize("command", [row[1] for row in ROWS if "--stream" not in row[1]])
def test_a_task_runs_as_the_page_says(files: Path, monkeypatch, capsys, command: str):
    monkeypatch.chdir(files)
    monkeypatch.setattr(cli.signal, "signal", lambda number, handler: None)
    before = set(os.listdir())
    arguments = shlex.split(command)
    if any(word in arguments for word in ("60", "4")):
        arguments += ["--seconds", str(SHORT if arguments[0] == "generate" else 1)]
    if "-n" in arguments:
        arguments += ["-n", "2"]
    status = cli.run_command([*arguments, "--steps", "1", "--seed", "5"])
    assert status == 0, capsys.readouterr().err
    made = sorted(set(os.listdir()) - before)
    clips = [read(Path(file)) for file in made if file.endswith(".mp4")]
    side = 256 if arguments[0] == "generate" else 128  # as the video that is given has it
    assert len(clips) == (2 if "-n" in arguments else 1)
    for clip in clips:
        assert clip.frames.shape[1:] == (side, side, 3)
        assert clip.frames.std() > 5
    for file in made:
        Path(file).unlink()


def halved(frame: np.ndarray) -> np.ndarray:
    """Return a frame at 128x128."""
    step = frame.shape[0] // 128
    return frame.reshape(128, step, 128, step, 3).mean((1, 3))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


@pytest.mark.parametrize(
    ("command", "first", "kept"),
    [
        (("generate", "a cat in a garden", "--image", "a.png"), 0, [0]),
        (("generate", "a cat in a garden", "--image", "a.png", "--last-image", "b.png"), 0, [0, 16]),
        (("extend", "in.mp4", "a cat in a garden", "--seconds", "1"), 0, [*range(16)]),
        (("extend", "in.mp4", "a cat in a garden", "--seconds", "1", "--before"), 8, [*range(17)]),
        (("edit", "in.mp4", "a cat in a garden", "--span", "1s-2s"), 0, [*range(5)]),
    ],
)
def test_given_frames_survive(
    files: Path, monkeypatch, command: tuple[str, ...], first: int, kept: list[int]
):
    monkeypatch.chdir(files)
    monkeypatch.setattr(cli.signal, "signal", lambda number, handler: None)
    assert cli.run_command([*command, "--steps", "1", "--seed", "5", "-o", "out.mp4", "--force"]) == 0
    made = read(Path("out.mp4")).frames
    Path("out.mp4").unlink()
    assert min(psnr(halved(made[first + i]), scene(128, 128)[i]) for i in kept) >= 30

"""The shipped weights, as a person meets them: a cold process, no network, files on a disk."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vitascope.deliver.mux import read
from vitascope.toybox.classifier import Judge
from vitascope.weights.folder import WeightsFolder

PROMPT = "a cat walking through a garden in spring"
SEEDS = range(1, 6)
OFFLINE = """
import socket, sys
def refuse(*_):
    raise OSError("no network in this test")
socket.socket.connect = socket.getaddrinfo = refuse
from vitascope.cli import main
main(sys.argv[1:])
"""


def vitascope(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own that cannot reach a network."""
    return subprocess.run(
        [sys.executable, "-c", OFFLINE, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """A folder with one clip of the prompt for each seed."""
    folder = tmp_path_factory.mktemp("clips")
    done = vitascope(
        folder, "generate", PROMPT, "-n", str(len(SEEDS)), "--seed", str(SEEDS[0]), "-o", "cat.mp4"
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    return folder


def test_the_first_command_from_a_cold_shell(tmp_path):
    start = time.perf_counter()
    done = vitascope(tmp_path, "generate", PROMPT)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.iterdir()
    assert done.stdout == f"{file.name}\n"
    assert file.name.startswith("a-cat-walking-through-a-garden-in-spring-")
    movie = read(file)
    manifest = WeightsFolder.shipped().manifest
    assert len(movie.frames) == manifest.native.num_frames
    assert movie.fps == manifest.native.fps
    assert seconds <= 30
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= 2 * 2**20, "KiB on Linux"


def test_the_clips_show_a_cat_that_walks_in_a_garden_in_spring_by_day(clips):
    judge = Judge.load_shipped()
    seen = [judge.judge(read(clips / f"cat-{seed}.mp4").frames).labels for seed in SEEDS]
    said = {"subject": "cat", "action": "walk", "set": "garden", "season": "spring"}
    for field, label in (said | {"time": "day", "camera": "static"}).items():
        assert [labels[field] for labels in seen].count(label) > len(SEEDS) // 2, (field, seen)


def test_same_prompt_and_seed_give_the_same_bytes(clips, tmp_path):
    seed = str(SEEDS[0])
    assert vitascope(tmp_path, "generate", PROMPT, "--seed", seed, "-o", "again.mp4").returncode == 0
    assert (tmp_path / "again.mp4").read_bytes() == (clips / f"cat-{seed}.mp4").read_bytes()


def test_remake_says_identical(clips):
    done = vitascope(clips, "remake", "cat-2.mp4")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("identical: ")


def test_inspect_names_the_weights(clips):
    told = json.loads(vitascope(clips, "inspect", "cat-1.mp4", "--json").stdout)
    assert told["shot"]["prompt"] == PROMPT
    assert told["weights"] == WeightsFolder.shipped().checksums()


def test_an_unknown_word_gets_the_nearest_thing_and_a_line(tmp_path):
    done = vitascope(tmp_path, "generate", "a kraken in a garden", "--preset", "draft", "-o", "kraken.mp4")
    assert done.returncode == 0
    assert any(line.startswith("note: ") and "kraken" in line for line in done.stderr.splitlines())
    assert read(tmp_path / "kraken.mp4").record.notes


@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_harmed_weights_are_one_line(tmp_path, harm):
    weights = tmp_path / "weights"
    shutil.copytree(WeightsFolder.shipped().path, weights)
    file = weights / "dit.safetensors"
    if harm == "missing":
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    done = vitascope(tmp_path, "generate", PROMPT, "-o", "cat.mp4", VITASCOPE_WEIGHTS=str(weights))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "dit.safetensors" in done.stderr
    assert not (tmp_path / "cat.mp4").exists()

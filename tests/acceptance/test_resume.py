"""A real process is killed with SIGKILL at random moments and run again: the same bytes as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vitascope.deliver.mux import read

PROGRAM = """
import sys
from vitascope import cli
from vitascope.backends import registry
from vitascope.cli import run as takes
from vitascope.cli.progress_bar import Screen

class Told(Screen):
    def __call__(self, event):
        super().__call__(event)
        print("event", event.phase, event.step, flush=True)

takes.Screen = Told
if sys.argv[1] != "toybox":
    registry.register("toybox", sys.argv[1])
cli.main(sys.argv[2:])
"""
SEED = random.SystemRandom().randrange(2**32)


def start(folder: Path, backend: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, backend, "generate", "a cat walks in a garden", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_at(process: subprocess.Popen[str], event: str, later: float, nth: int = 1) -> bool:
    """Kill a process a moment after it tells of an event for the nth time; False if it ended well before that."""
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            nth -= line.strip() == f"event {event}"
            if nth == 0:
                time.sleep(later)
                process.send_signal(signal.SIGKILL)
                break
        _, err = process.communicate(timeout=300)
    assert process.returncode in (0, -signal.SIGKILL), err
    return process.returncode != 0


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "event" in out
    return err


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is Unix's")
def test_toybox_killed_at_random_steps_ends_in_the_same_bytes(tmp_path):
    rng = random.Random(SEED)
    shape = ("--seconds", "0.6", "--steps", "6", "--seed", "7")
    finish(start(tmp_path, "toybox", *shape, "-o", "whole.mp4"))
    resumed = (*shape, "-o", "cat.mp4", "--resume", "run")
    events = [f"denoise {rng.randint(1, 2)}", f"denoise {rng.randint(1, 2)}", "denoise 1", "write 0"]
    killed = 0
    # A quick process may be through before it is killed: then there is nothing left to go on with.
    for event in events:
        if not kill_at(start(tmp_path, "toybox", *resumed), event, rng.uniform(0, 0.02)):
            break
        killed += 1
    else:
        assert "note: going on after step" in finish(start(tmp_path, "toybox", *resumed))
    assert killed >= 2, f"hardly ever killed in time (seed {SEED})"
    assert (tmp_path / "cat.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes(), f"seed {SEED}"
    assert sorted(os.listdir(tmp_path)) == ["cat.mp4", "whole.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is Unix's")
def test_several_clips_killed_at_random_moments_are_each_the_same(tmp_path):
    rng, fake = random.Random(SEED + 1), "vitascope.testing.fakes:FakeLatents"
    several = ("-n", "3", "--seed", "7", "--seconds", "0.5")
    finish(start(tmp_path, fake, *several, "-o", "whole.mp4"))
    for event, nth in (("denoise 2", 1), ("write 0", 2), ("decode 1", 1)):
        process = start(tmp_path, fake, *several, "-o", "cat.mp4", "--resume", "run")
        assert kill_at(process, event, rng.uniform(0, 0.005), nth)
    assert "made before" in finish(start(tmp_path, fake, *several, "-o", "cat.mp4", "--resume", "run"))
    made = sorted(file.name for file in tmp_path.iterdir())
    names = [f"-{seed}.mp4" for seed in (7, 8, 9)] + ["-7-to-9.png"]
    assert made == sorted(f"{stem}{name}" for stem in ("cat", "whole") for name in names)
    for name in names:
        assert (tmp_path / f"cat{name}").read_bytes() == (tmp_path / f"whole{name}").read_bytes(), SEED


def test_a_stream_is_the_file_and_a_reader_may_leave(tmp_path):
    shape = ("--seconds", "0.6", "--steps", "2", "--seed", "7")
    command = [sys.executable, "-m", "vitascope", "generate", "a cat", *shape]
    streamed = subprocess.run([*command, "--stream"], cwd=tmp_path, capture_output=True, timeout=300)
    assert streamed.returncode == 0, streamed.stderr
    (tmp_path / "streamed.mp4").write_bytes(streamed.stdout)
    subprocess.run([*command, "-o", "saved.mp4"], cwd=tmp_path, capture_output=True, timeout=300, check=True)
    assert (read(tmp_path / "streamed.mp4").frames == read(tmp_path / "saved.mp4").frames).all()
    with subprocess.Popen(
        [*command, "--stream"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(8)[4:] == b"ftyp"
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=300)
    assert (process.returncode, b"Traceback" in err, b"Exception" in err) == (1, False, False)
    assert sorted(os.listdir(tmp_path)) == ["saved.mp4", "streamed.mp4"]

"""A real process is interrupted in each phase: one line, status 130, nothing left behind."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
from vitascope import cli
from vitascope.backends import registry
from vitascope.cli import run as takes
from vitascope.cli.progress_bar import Screen

phase = sys.argv.pop()

class Slow(Screen):
    def __call__(self, event):
        print(event.phase, flush=True)
        time.sleep(5 if event.phase == phase else 0)

takes.Screen = Slow
registry.register("toybox", "vitascope.testing.fakes:FakeBackend")
cli.main(sys.argv[1:])
"""


def start(folder, phase: str, *arguments: str) -> subprocess.Popen:
    """Start to make a clip, which waits to be met in a phase."""
    command = [sys.executable, "-c", PROGRAM, "generate", "a cat", "-o", "cat.mp4", *arguments, phase]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("phase", ["load", "encode", "denoise", "decode", "write"])
def test_ctrl_c_in_any_phase(tmp_path, phase):
    with start(tmp_path, phase) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == phase:
                process.send_signal(signal.SIGINT)
                break
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "vitascope: interrupted\n")
    assert os.listdir(tmp_path) == []


def test_being_ended_leaves_nothing_either(tmp_path):
    with start(tmp_path, "write") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "write":
                process.terminate()
                break
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "")
    assert os.listdir(tmp_path) == []


def test_ctrl_c_does_not_harm_a_file_that_was_there(tmp_path):
    (tmp_path / "cat.mp4").write_text("precious")
    with start(tmp_path, "write", "--force") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "write":
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert (tmp_path / "cat.mp4").read_text() == "precious"


def test_a_closed_pipe_is_no_traceback(tmp_path):
    with start(tmp_path, "none", "--json") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err

import os
import subprocess
import sys

import pytest

from vitascope import __version__
from vitascope.testing.fakes import FakeBackend


def test_version(run):
    assert run("--version").out == f"vitascope {__version__}\n"


def test_without_a_command_help_is_shown(run):
    done = run()
    assert done.status == 2
    assert "generate" in done.err
    assert done.err.count("\n") > 5


def test_help_names_every_command(run):
    out = run("--help").out
    for command in ("generate", "inspect", "remake", "evaluate"):
        assert command in out


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "vitascope: interrupted\n"),
        (MemoryError(), 1, "vitascope: the memory of this machine is not enough for that\n"),
        (ZeroDivisionError("by\nzero"), 1, "vitascope: unforeseen error: ZeroDivisionError: by zero\n"),
    ],
)
def test_whatever_happens_is_one_line(run, monkeypatch, error, status, line):
    def render(self, shot, progress, resume_folder=None):
        raise error

    monkeypatch.setattr(FakeBackend, "render", render)
    monkeypatch.delenv("VITASCOPE_DEBUG", raising=False)
    done = run("generate", "a cat")
    assert (done.status, done.err.splitlines(keepends=True)[-1]) == (status, line)
    assert os.listdir() == []


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "vitascope", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"vitascope {__version__}\n"

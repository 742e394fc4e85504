from collections.abc import Callable
from dataclasses import dataclass

import pytest

from vitascope import cli
from vitascope.backends import registry


@dataclass(frozen=True)
class Outcome:
    """What one run of the command line left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch, tmp_path, capsys) -> Run:
    """Run the command line in an empty folder, with the fake backend in Toybox's place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(registry, "_HOMES", {"toybox": "vitascope.testing.fakes:FakeBackend"})
    registry._open.cache_clear()

    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        status = cli.run_command(list(arguments))
        return Outcome(status, *capsys.readouterr())

    return call

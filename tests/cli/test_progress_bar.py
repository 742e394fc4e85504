import io
import sys

from vitascope.cli.progress_bar import Screen
from vitascope.progress import Event


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def draw(stream: io.StringIO, monkeypatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with Screen() as screen:
        screen(Event("denoise", 0, 2))
        screen(Event("denoise", 1, 2, note="a [bold] note"))
        screen(Event("denoise", 2, 2, finished=True))
    return stream.getvalue()


def test_bars_are_for_terminals(monkeypatch):
    drawn = draw(Terminal(), monkeypatch)
    assert "denoise" in drawn
    assert "2/2" in drawn
    assert "note: a [bold] note" in drawn


def test_elsewhere_there_are_only_notes(monkeypatch):
    assert draw(io.StringIO(), monkeypatch) == "note: a [bold] note\n"

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


def test_one_bar_is_for_the_whole_clip(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    shown: list[float] = []
    with Screen(whole=True) as screen:
        for part in range(2):
            for phase, total in (("encode", 1), ("denoise", 4), ("decode", 1)):
                for step in range(total + 1):
                    screen(Event(phase, step, total, finished=step == total, passes=2))
                    (task,) = screen._bar.tasks
                    assert task.description == phase
                    shown.append(task.percentage)
            assert (40 < shown[-1] < 60) == (part == 0)
        screen(Event("write", 1, 1, finished=True, passes=2))
        assert screen._bar.tasks[0].percentage == 100
    assert shown == sorted(shown)
    assert " left" in stream.getvalue()

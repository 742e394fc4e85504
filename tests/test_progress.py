import numpy as np
import pytest

from vitascope.errors import Cancelled
from vitascope.progress import Event, Progress


class Clock:
    """A clock that ticks one second each time it is read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_steps_and_times_are_told():
    heard: list[Event] = []
    progress = Progress(heard.append, clock=Clock())
    with progress.phase("denoise", total=2):
        progress.step(lambda: np.zeros((2, 3, 3), np.uint8))
        progress.note("a note")
        progress.step()
    assert [(e.phase, e.step, e.total) for e in heard] == [("denoise", n, 2) for n in (0, 1, 1, 2, 2)]
    assert [e.seconds_left for e in heard] == [None, 1.0, None, 0.0, 0.0]
    assert heard[1].preview().shape == (2, 3, 3)
    assert heard[3].preview is None
    assert heard[2].note == "a note"
    assert heard[-1].finished
    assert progress.seconds_spent == {"denoise": 3.0}


def test_cancelling_is_asked_between_steps():
    steps = 0

    def cancelled() -> bool:
        return steps >= 2

    progress = Progress(cancelled=cancelled)
    with pytest.raises(Cancelled), progress.phase("denoise", 9):
        for _ in range(9):
            steps += 1
            progress.step()
    assert steps == 2


def test_a_phase_is_not_entered_when_cancelled():
    with pytest.raises(Cancelled), Progress(cancelled=lambda: True).phase("load"):
        pytest.fail("the phase was entered")

import signal

import pytest

from vitascope.jobs.liveness import Liveness, absent, silence
from vitascope.testing.chaos import start


def test_the_living_are_left_alone_and_the_dead_are_named_once(tmp_path):
    alive = Liveness(tmp_path, "alive")
    (tmp_path / "dead.lock").touch()
    assert list(absent(tmp_path)) == ["dead"]
    assert list(absent(tmp_path)) == []
    alive.touch()
    assert silence(tmp_path, "alive") < 60
    alive.leave()
    assert list(tmp_path.iterdir()) == []
    assert silence(tmp_path, "alive") == 0


def test_the_dead_stay_known_until_somebody_has_looked_after_them(tmp_path):
    (tmp_path / "dead.lock").touch()
    for name in absent(tmp_path):
        assert name == "dead"
        break
    assert list(absent(tmp_path)) == ["dead"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_is_absent_as_soon_as_it_has_ended(service, home, number):
    worker = start(home, "worker", "--name", "w")
    folder = service.storage.workers
    while not (folder / "w.lock").exists() or list(absent(folder)):
        assert worker.poll() is None
    if number == signal.SIGKILL:
        worker.kill()
        worker.wait()
        assert list(absent(folder)) == ["w"]
    else:
        worker.terminate()
        assert worker.wait() == 0
    assert list(folder.iterdir()) == []

"""A damaged queue is told in one line, and put back from a backup."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.jobs.stores.test_store import OUTPUT, request
from vitascope.errors import DamagedQueueError, RequestError, StoreError, VitascopeError
from vitascope.jobs.backup import HOURLY, back_up, backups, restore
from vitascope.jobs.retention import FIRST, HOUR, Retention
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.stores.rows import migrations
from vitascope.jobs.stores.sqlite import SqliteTables, sqlite_store
from vitascope.testing.chaos import run, take

QUEUE = "queue.sqlite3"


def damage(queue: Path, kind: str, rng: random.Random) -> None:
    """Hurt a queue's file as disks, copies and people do."""
    for log in ("-wal", "-shm"):
        queue.with_name(queue.name + log).unlink(missing_ok=True)
    data = bytearray(queue.read_bytes())
    if kind == "header":
        data[: rng.randrange(16, 100)] = os.urandom(100)
    elif kind == "truncated":
        del data[rng.randrange(100, len(data) - 4096) :]
    elif kind == "scrambled":
        for page in range(1, len(data) // 4096):
            data[page * 4096 : page * 4096 + 200] = rng.randbytes(200)
    elif kind == "text":
        data = bytearray(b"this is no database\n" * 1000)
    elif kind == "zeros":
        data[4096:] = bytes(len(data) - 4096)
    queue.write_bytes(data)


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def filled(queue: Path, number: int = 20) -> dict[str, str]:
    """Return the states of the jobs of a new queue."""
    store = sqlite_store(queue)
    for count in range(number):
        store.submit(request(f"a cat {count} " * 40), key=str(count))
    for _ in range(number // 2):
        store.complete(store.claim("w").lease, [OUTPUT])
    states = {job.id: job.state for job in store.page(limit=1000).jobs}
    store.close()
    return states


def states_of(queue: Path) -> dict[str, str]:
    store = sqlite_store(queue)
    found = {job.id: job.state for job in store.page(limit=1000).jobs}
    assert store.check() == "ok"
    store.close()
    return found


@pytest.mark.parametrize("kind", ["header", "truncated", "scrambled", "text", "zeros"])
def test_fifty_damaged_queues_are_told_and_put_back(tmp_path, kind):
    for turn in range(10):
        rng = random.Random(f"{kind} {turn}")
        queue = tmp_path / str(turn) / QUEUE
        queue.parent.mkdir()
        before = filled(queue)
        tables = SqliteTables(queue)
        back_up(tables)
        tables.close()
        del tables
        damage(queue, kind, rng)
        hurt = queue.read_bytes()
        with pytest.raises(DamagedQueueError, match=rf"{QUEUE} is damaged \(.*\): .*vitascope jobs restore"):
            store = sqlite_store(queue)
            if store.check() == "ok":
                pytest.fail("the damage is not seen")
            raise DamagedQueueError(store.damage)
        store = None
        result = restore(queue)
        assert result.moved.read_bytes() == hurt, "nothing is thrown away"
        assert states_of(queue) == before


def test_events_after_a_restore_have_ids_that_nobody_has_heard(tmp_path):
    queue = tmp_path / QUEUE
    filled(queue)
    tables = SqliteTables(queue)
    back_up(tables)
    tables.close()
    del tables
    store = sqlite_store(queue)
    later = store.submit(request("later"))
    heard = store.last_event()
    store.close()
    del store
    restore(queue)
    store = sqlite_store(queue)
    new = store.submit(request("after"))
    assert [event.job for event in store.events(after=heard)] == [new.id]
    with pytest.raises(RequestError):
        store.get(later.id)


def test_a_queue_in_use_is_not_replaced(tmp_path):
    queue = tmp_path / QUEUE
    filled(queue)
    store = sqlite_store(queue)
    back_up(store.tables)
    with pytest.raises(StoreError, match="is in use: stop the server and its workers first"):
        restore(queue)
    del store
    restore(queue)


def test_the_newest_sound_backup_is_taken(tmp_path):
    queue = tmp_path / QUEUE
    before = filled(queue)
    tables = SqliteTables(queue)
    good = back_up(tables)
    tables.close()
    del tables
    age(good, 7200)
    for count, data in enumerate((b"", b"no backup", good.read_bytes()[:5000])):
        bad = good.with_name(f"queue-20991231-00000{count}.sqlite3")
        bad.write_bytes(data)
        with pytest.raises(RequestError, match="is no sound backup"):
            restore(queue, bad)
    assert restore(queue).backup == good
    assert states_of(queue) == before


def test_without_a_sound_backup_a_new_queue_is_one_option_away(tmp_path):
    queue = tmp_path / QUEUE
    queue.write_bytes(b"no database " * 1000)
    with pytest.raises(RequestError, match=r"there is no backup in .*restore --empty.*jobs adopt"):
        restore(queue)
    assert queue.read_bytes() == b"no database " * 1000
    result = restore(queue, empty=True)
    assert result.moved.read_bytes() == b"no database " * 1000
    assert states_of(queue) == {}


def test_backups_come_every_hour_and_a_few_are_kept(tmp_path):
    service = open_service(tmp_path)
    service.submit(take(1))
    assert service.back_up()
    assert not service.back_up(), "the newest is young"
    queue = service.storage.queue
    for _ in range(HOURLY + 3):
        for path in backups(queue):
            age(path, time.time() - path.stat().st_mtime + HOUR)
            path.rename(path.with_name(f"queue-{path.stat().st_mtime_ns}.sqlite3"))
        assert service.back_up()
    assert len(backups(queue)) == HOURLY
    assert all(path.stat().st_mode & 0o077 == 0 for path in backups(queue))


def test_a_clock_that_was_set_back_does_not_end_the_backups(tmp_path):
    service = open_service(tmp_path)
    service.back_up()
    age(backups(service.storage.queue)[0], -86_400)
    assert service.back_up()


def test_a_damaged_queue_pushes_no_good_backup_out_and_nothing_is_pruned(tmp_path):
    service = open_service(tmp_path)
    filled(service.storage.queue)
    service.back_up()
    (good,) = backups(service.storage.queue)
    age(good, 7200)
    service.store.close()
    damage(service.storage.queue, "scrambled", random.Random(1))
    with pytest.raises(DamagedQueueError):
        service.prune(max_bytes=0)
    assert backups(service.storage.queue) == [good]
    assert list((tmp_path / "jobs" / "backups").iterdir()) == [good]


def test_the_housekeeper_backs_up_and_says_once_an_hour_what_is_wrong(tmp_path):
    service, lines = open_service(tmp_path), []
    keeper = Retention(service, say=lines.append)
    keeper._due = 0.0
    assert FIRST < HOUR
    assert keeper.tick()
    assert len(backups(service.storage.queue)) == 1
    age(backups(service.storage.queue)[0], 7200)
    service.store.close()
    damage(service.storage.queue, "header", random.Random(1))
    keeper._due = 0.0
    assert keeper.tick()
    assert len(lines) == 1
    assert "vitascope jobs restore" in lines[0]


def test_a_backup_is_made_before_a_migration(tmp_path, monkeypatch):
    queue = tmp_path / QUEUE
    before = filled(queue)
    steps = [*migrations(), (999, "alter table jobs add column mood text;")]
    monkeypatch.setattr("vitascope.jobs.stores.sqlite.migrations", lambda: steps)
    sqlite_store(queue).close()
    monkeypatch.undo()
    with pytest.raises(VitascopeError, match=r"made by a later version.*vitascope jobs restore"):
        sqlite_store(queue)
    (kept,) = backups(queue)
    assert "before-999" in kept.name
    assert restore(queue).backup == kept
    assert states_of(queue) == before


def test_words_of_deleted_jobs_leave_the_backups_with_them(tmp_path):
    service = open_service(tmp_path)
    name = service.submit(take(1, prompt="a zanzibar cat in a garden")).id
    service.back_up()
    (kept,) = backups(service.storage.queue)
    assert b"zanzibar" in kept.read_bytes()
    service.delete(name)
    age(kept, 7200)
    service.back_up()
    assert b"zanzibar" not in backups(service.storage.queue)[0].read_bytes()


def test_from_the_command_line(tmp_path):
    home = tmp_path
    service = open_service(home)
    first = service.submit(take(1)).id
    service.back_up()
    assert run(home, "worker", "--once") == 0
    second = service.submit(take(2)).id
    assert run(home, "worker", "--once") == 0
    assert run(home, "jobs", "restore") == 1, "this process has it open"
    service.store.close()
    queue = service.storage.queue
    del service
    damage(queue, "text", random.Random(1))
    assert run(home, "jobs", "ls") == 1
    assert run(home, "jobs", "restore", "--list") == 0
    assert run(home, "jobs", "restore") == 0
    assert run(home, "jobs", "adopt") == 0
    assert run(home, "worker", "--once") == 0
    said = (home / "log").read_text()
    assert f"{queue} is damaged" in said
    assert second in said.split("are left alone")[1]
    after = open_service(home)
    assert {job.id: job.state for job in after.store.page().jobs} == {first: "completed", second: "completed"}
    assert after.store.get(first).attempt == 1, "its clip was found, and not made again"


def test_a_backup_that_is_broken_off_leaves_nothing_in_its_place(service: JobService, home):
    service.submit(take(1))
    service.store.close()
    assert run(home, "jobs", "prune", fault="backup: written") == -9
    assert backups(service.storage.queue) == []
    assert run(home, "jobs", "prune") == 0
    assert len(backups(service.storage.queue)) == 1

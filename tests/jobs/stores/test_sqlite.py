import sys

import apsw
import pytest

from tests.jobs.stores.test_store import OUTPUT, request
from vitascope.errors import DiskFullError, MissingExtraError, VitascopeError
from vitascope.jobs.service import open_service
from vitascope.jobs.stores.rows import migrations, queries
from vitascope.jobs.stores.sqlite import sqlite_store


def test_what_was_told_is_there_when_the_file_is_opened_again(tmp_path):
    store = sqlite_store(tmp_path / "queue.sqlite3")
    job = store.submit(request("ein Kätzchen, 猫, \U0001f408"), key="k")
    done = store.complete(store.claim("w").lease, [OUTPUT])
    store.close()
    again = sqlite_store(tmp_path / "queue.sqlite3")
    assert again.get(job.id) == done
    assert again.submit(request("ein Kätzchen, 猫, \U0001f408"), key="k") == done


def test_a_file_of_a_later_version_is_left_alone(tmp_path):
    file = tmp_path / "queue.sqlite3"
    sqlite_store(file).close()
    with apsw.Connection(str(file)) as connection:
        connection.execute("pragma user_version = 999")
    with pytest.raises(VitascopeError, match="made by a later version of vitascope"):
        sqlite_store(file)


def test_an_older_file_is_brought_up_to_date_with_a_job_at_work(tmp_path, monkeypatch):
    store = sqlite_store(tmp_path / "queue.sqlite3")
    running = store.submit(request()) and store.claim("w")
    steps = [*migrations(), (999, "alter table jobs add column mood text; update jobs set mood = 'fine';")]
    monkeypatch.setattr("vitascope.jobs.stores.sqlite.migrations", lambda: steps)
    for _ in range(2):
        newer = sqlite_store(tmp_path / "queue.sqlite3")
        assert newer.tables._rows("load", {"id": running.id})[0]["mood"] == "fine"
    assert not store.beat(running.lease), "the old worker goes on"
    assert newer.complete(running.lease, [OUTPUT]).state == "completed"


def test_readers_wait_for_nobody(tmp_path):
    store = sqlite_store(tmp_path / "queue.sqlite3")
    job = store.submit(request())
    writer = apsw.Connection(str(tmp_path / "queue.sqlite3"))
    writer.execute("begin immediate")
    writer.execute("update jobs set priority = 9")
    assert store.get(job.id).priority == 0
    writer.execute("commit")
    assert store.get(job.id).priority == 9


def test_the_store_is_sure_of_what_it_promised_and_quick_about_heartbeats(tmp_path):
    store = sqlite_store(tmp_path / "queue.sqlite3")
    connection = store.tables._connection()

    def level() -> int:
        return connection.execute("pragma synchronous").fetchall()[0]["synchronous"]

    store.submit(request())
    assert level() == 2, "FULL"
    lease = store.claim("w").lease
    assert level() == 2
    store.beat(lease)
    assert level() == 1, "NORMAL"
    assert connection.execute("pragma journal_mode").fetchall()[0]["journal_mode"] == "wal"


def fill(store) -> None:
    """Let the file grow no more: SQLite's own error for a full disk."""
    connection = store.tables._connection()
    pages = connection.execute("pragma page_count").fetchall()[0]["page_count"]
    connection.execute(f"pragma max_page_count = {pages + 4}").fetchall()


def test_a_full_disk_is_one_error_and_harms_nothing(tmp_path):
    store = sqlite_store(tmp_path / "queue.sqlite3")
    running = store.submit(request()) and store.claim("w")
    fill(store)
    with pytest.raises(DiskFullError):
        for i in range(1000):
            store.submit(request("a cat " * 100), key=str(i))
    assert store.check() == "ok"
    kept = store.counts()["queued"]
    assert kept < 1000
    assert {job.key for job in store.page(limit=1000, states=["queued"]).jobs} == {
        str(i) for i in range(kept)
    }
    assert store.get(running.id).state == "running"


def test_the_ballast_makes_room_for_what_has_happened(tmp_path):
    service = open_service(tmp_path)
    running = service.store.submit(request()) and service.store.claim("w")
    ballast = tmp_path / "jobs" / "ballast"
    assert ballast.stat().st_size == 16 * 2**20
    fill(service.store)

    def drop() -> bool:
        made = service.storage.drop_ballast()
        service.store.tables._connection().execute("pragma max_page_count = 100000").fetchall()
        return made

    service.store.make_room = drop
    many = [OUTPUT] * 1000
    assert service.store.complete(running.lease, many).state == "completed"
    assert not ballast.exists()
    assert not service.storage.drop_ballast()
    service.tidy()
    assert ballast.exists()


def test_without_apsw_one_line_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "vitascope.jobs.stores.sqlite")
    monkeypatch.setitem(sys.modules, "apsw", None)
    with pytest.raises(MissingExtraError, match=r"\.\[serve\]"):
        import vitascope.jobs.stores.sqlite  # noqa: F401


KEPT = """
insert into jobs (
    id, state, model, request, fingerprint, owner, priority, place, max_attempts, attempt, lost, cancel_wanted,
    standing, outputs, notes, created_at, finished_at
)
with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :many)
select
    'kept' || n, 'completed', model, request, fingerprint, owner, priority, 1000000 + n, 3, 1, 0, 0, standing, outputs,
    notes, created_at, created_at
from numbers, jobs where jobs.number = 1;
"""


@pytest.mark.parametrize("statement", ["waiting", "waiting_of", "rounds", "claim"])
def test_a_look_at_the_line_costs_the_same_however_many_jobs_are_kept(tmp_path, statement):
    store = sqlite_store(tmp_path / "queue.sqlite3")
    for _ in range(3):
        store.submit(request())
    connection = store.tables._connection()
    told = {"most": 1000, "worker": "w", "models": None, "now": 0.0, "boot": "b", "until": 1.0}
    told |= {"owner": "", "priority": 0, "model": "toybox"}

    def steps() -> int:
        """Return how many instructions of SQLite's machine the statement takes."""
        count = []
        connection.execute("begin")
        connection.set_progress_handler(lambda: bool(count.append(1)), 1)
        rows = store.tables._rows(statement, told)
        connection.set_progress_handler(None)
        connection.execute("rollback")
        assert len(rows) == 1
        return len(count)

    before = steps()
    connection.execute(KEPT, {"many": 3000})
    assert store.counts() == {"queued": 3, "completed": 3000}
    assert steps() - before < 20
    plan = connection.execute(f"explain query plan {queries()[statement]}", told).fetchall()
    assert not any(line["detail"].startswith("SCAN jobs") and "INDEX" not in line["detail"] for line in plan)


def test_a_full_line_is_not_counted_to_its_end(tmp_path):
    store = sqlite_store(tmp_path / "queue.sqlite3")
    store.submit(request())
    connection = store.tables._connection()
    connection.execute(KEPT.replace("'completed'", "'queued'"), {"many": 3000})
    seen = []
    connection.set_progress_handler(lambda: bool(seen.append(1)), 1)
    assert store.waiting(10) == 10
    assert len(seen) < 200

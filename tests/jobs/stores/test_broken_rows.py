"""A row that is damaged hides no other, and keeps none waiting."""

import pytest

from tests.jobs.stores.test_store import request
from vitascope.errors import QueueFullError
from vitascope.jobs.stores.sqlite import sqlite_store

HURTS = {
    "request": "update jobs set request = '{' where id = :id",
    "deep": "update jobs set request = :deep where id = :id",
    "outputs": "update jobs set outputs = '[{}]' where id = :id",
    "standing": "update jobs set standing = '{\"colour\": 1}' where id = :id",
    "notes": "update jobs set notes = '7' where id = :id",
}


@pytest.fixture
def store(tmp_path):
    return sqlite_store(tmp_path / "queue.sqlite3")


@pytest.mark.parametrize("hurt", HURTS)
def test_others_are_listed_and_claimed_and_the_broken_one_has_failed(store, hurt):
    first, broken, last = (store.submit(request(f"a cat {number}")).id for number in range(3))
    store.move(broken, first)
    store.tables._connection().execute(HURTS[hurt], {"id": broken, "deep": "[" * 100_000})
    assert [job.id for job in store.page(order="asc").jobs] == [first, last]
    assert [job.id for job in store.line()] == [first, last]
    assert [store.claim("w").id, store.claim("w").id] == [first, last]
    assert store.claim("w") is None
    rows = store.tables._connection().execute("select state from jobs where id = ?", (broken,)).fetchall()
    assert rows == [{"state": "failed"}]
    assert store.expire() == []


def test_a_full_line_stays_full_whoever_adds_to_it(store):
    jobs = [store.submit(request(), max_queued=3).id for _ in range(3)]
    with pytest.raises(QueueFullError, match="3 jobs wait already"):
        store.submit(request(), max_queued=3)
    with pytest.raises(QueueFullError):
        store.clone(jobs[0], max_queued=3)
    store.cancel(jobs[0])
    fourth = store.submit(request(), max_queued=3).id
    with pytest.raises(QueueFullError):
        store.retry(jobs[0], max_queued=3)
    assert store.get(jobs[0]).state == "cancelled", "nothing was changed"
    store.cancel(fourth)
    assert store.retry(jobs[0], max_queued=3).state == "queued"
    job = store.submit(request(), key="k")
    assert store.submit(request(), key="k", max_queued=1) == job

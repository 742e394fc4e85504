"""What only Postgres can do wrong: lost connections, commits that nobody heard of, several servers, or none."""

import asyncio
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from tests.jobs.stores.test_store import OUTPUT, request, types
from vitascope.errors import MissingExtraError, RequestError, StoreError, UndoneError, VitascopeError
from vitascope.jobs.clock import HandClock
from vitascope.jobs.job import Standing
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.storage import JobStorage
from vitascope.jobs.stores.connections import psycopg
from vitascope.jobs.stores.postgres import PostgresTables, ServerClock, postgres_store
from vitascope.jobs.stores.rows import migrations, queries
from vitascope.jobs.stores.store import Store
from vitascope.server.context import open_context
from vitascope.server.submission import listen
from vitascope.testing.chaos import all_jobs, audit, run, start, take
from vitascope.testing.postgres import scratch


@pytest.fixture
def url(postgres) -> str:
    return postgres.fresh()


@pytest.fixture
def store(url) -> Iterator[Store]:
    store = postgres_store(url)
    yield store
    store.close()


class Wire:
    """What lies between a client and a server, and can be cut: when a word is seen, before or after it has passed."""

    def __init__(self, url: str, folder: Path):
        """Lead to the server of an address; `url` leads through here."""
        self._far = str(Path(parse_qs(urlsplit(url).query)["host"][0]) / ".s.PGSQL.5432")
        self.url = url.replace(str(Path(self._far).parent), str(folder))
        self.cut: tuple[bytes, bool] | None = None
        self.cuts = 0
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / ".s.PGSQL.5432"))
        self._door.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._far)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target, near), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, near: socket.socket) -> None:
        while True:
            try:
                said = source.recv(1 << 16)
            except OSError:
                said = b""
            if source is near and self.cut is not None and self.cut[0] in said:
                passes, self.cut, self.cuts = self.cut[1], None, self.cuts + 1
                if passes:
                    target.sendall(said)
                    time.sleep(0.3)  # the server acts on it, and its answer is lost
                said = b""
                near.shutdown(socket.SHUT_RDWR)
            if not said:
                for end in (source, target):
                    with_no_care(end)
                return
            try:
                target.sendall(said)
            except OSError:
                return


def with_no_care(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def wire(url: str, folder: Path) -> Iterator[Wire]:
    wire = Wire(url, folder)
    try:
        yield wire
    finally:
        wire.close()


@pytest.mark.parametrize("passes", [True, False])
def test_a_commit_that_nobody_heard_of_happens_once(url, tmp_path, passes):
    with wire(url, tmp_path) as between:
        store = postgres_store(between.url)
        between.cut = (b"commit\0", passes)
        job = store.submit(request())
        assert between.cuts == 1
        assert store.get(job.id) == job
        assert store.counts() == {"queued": 1}
        assert types(store, job.id) == ["queued"]
        lease = store.claim("w").lease
        between.cut = (b"commit\0", passes)
        assert store.complete(lease, [OUTPUT]).state == "completed"
        assert between.cuts == 2
        assert types(store, job.id) == ["queued", "running", "completed"]
        assert len(store.take_messages()) == 1
        store.close()


@pytest.mark.parametrize("word", [b"begin;", b"insert into vitascope_jobs", b"pg_current_xact_id"])
def test_a_change_that_is_cut_off_in_the_middle_is_made_again(url, tmp_path, word):
    with wire(url, tmp_path) as between:
        store = postgres_store(between.url)
        for passes in (True, False):
            between.cut = (word, passes)
            store.submit(request())
        assert between.cuts == 2
        assert store.counts() == {"queued": 2}
        between.cut = (b"group by state", True)
        assert store.counts() == {"queued": 2}, "reading too"
        assert between.cuts == 3
        store.close()


def test_a_server_that_is_started_again_is_found_again(tmp_path):
    with scratch() as server:
        store = postgres_store(server.fresh())
        lease = store.submit(request()) and store.claim("w").lease
        server.stop(signal.SIGQUIT)
        back = threading.Timer(1.0, server.start)
        back.start()
        assert not store.beat(lease, Standing("denoise", 1, 4, 20)), "it waits"
        back.join()
        assert store.complete(lease, [OUTPUT]).state == "completed"
        store.close()
        server.stop()
        store.tables._connections._patience = 0.2
        with pytest.raises(StoreError, match=r"store: .*/postgres: "):
            store.counts()


def test_where_nobody_answers_one_line_says_so(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        address = f"postgresql://me:secret@127.0.0.1:{port}/clips"
        with pytest.raises(StoreError, match=r"store: 127\.0\.0\.1/clips: .*refused") as error:
            postgres_store(address)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(RequestError, match="store: is no address") as error:
        postgres_store("postgresql://me:secret@127.0.0.1/clips?no_such=1")
    assert "secret" not in str(error.value)


def test_the_command_line_says_it_in_one_line_too(home):
    assert run(home, "jobs", "ls", store="postgresql://me:secret@127.0.0.1:1/clips") == 1
    assert run(home, "jobs", "ls", store="mysql://127.0.0.1/clips") == 2
    first, second = (home / "log").read_text().splitlines()
    assert "store: 127.0.0.1/clips: " in first
    assert "VITASCOPE_STORE" in second
    assert "is no address of a Postgres database" in second
    assert "secret" not in first


def test_without_psycopg_one_line_says_what_to_install(monkeypatch):
    for module in ("vitascope.jobs.stores.postgres", "vitascope.jobs.stores.connections"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"\.\[postgres\]"):
        import vitascope.jobs.stores.postgres  # noqa: F401


def test_servers_that_start_together_make_the_tables_once(url):
    made, failed = [], []

    def begin() -> None:
        try:
            made.append(postgres_store(url))
        except VitascopeError as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {store.tables._rows("folder")[0]["id"] for store in made}.__len__() == 1
    for store in made:
        store.close()


def test_a_queue_of_a_later_version_is_left_alone(url):
    postgres_store(url).close()
    with psycopg.connect(url) as connection:
        connection.execute("update vitascope_version set version = 999")
    with pytest.raises(VitascopeError, match="made by a later version of vitascope"):
        postgres_store(url)


def test_an_older_queue_is_brought_up_to_date_with_a_job_at_work(url, store, monkeypatch):
    running = store.submit(request()) and store.claim("w")
    step = "alter table vitascope_jobs add column mood text; update vitascope_jobs set mood = 'fine';"
    steps = [*migrations("sql/postgres"), (999, step)]
    monkeypatch.setattr("vitascope.jobs.stores.postgres.migrations", lambda folder: steps)
    for _ in range(2):
        newer = postgres_store(url)
        assert newer.tables._rows("load", {"id": running.id})[0]["mood"] == "fine"
    assert not store.beat(running.lease), "the old worker goes on"
    assert newer.complete(running.lease, [OUTPUT]).state == "completed"
    newer.close()


def test_a_broken_step_changes_nothing(url, store, monkeypatch):
    steps = [*migrations("sql/postgres"), (999, "alter table vitascope_jobs add column mood text; nonsense;")]
    monkeypatch.setattr("vitascope.jobs.stores.postgres.migrations", lambda folder: steps)
    with pytest.raises(VitascopeError, match="syntax error"):
        postgres_store(url)
    store.submit(request())
    assert "mood" not in store.tables._rows("newest", NOBODY)[0]


NOBODY = {"after": None, "limit": 1, "states": None, "owner": None, "kind": None}


def test_a_key_is_one_job_however_many_ask_at_once(store):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(store.submit(request(), key="k").id)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_claim_waits_for_nobody(url, store):
    first, second = store.submit(request()), store.submit(request())
    with psycopg.connect(url) as other:
        other.execute("select * from vitascope_jobs where id = %s for update", [first.id])
        assert store.claim("w").id == second.id
        assert store.claim("w") is None
    assert store.claim("w").id == first.id


def test_two_that_stand_in_each_others_way_both_get_there(url, store, monkeypatch):
    """A deadlock: the server undoes one of them, and that is done again."""
    one, two = (store.submit(request()) for _ in range(2))
    other, tries, line = psycopg.connect(url), [], store.tables.line
    monkeypatch.setattr(store.tables, "line", lambda: tries.append(1) or line())
    other.execute("update vitascope_jobs set priority = 1 where id = %s", [one.id])
    thread = threading.Thread(target=store.move, args=(two.id, one.id))
    thread.start()  # takes the second job, and waits for the first
    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as watcher:
        while not watcher.execute(waiting).fetchall():
            assert thread.is_alive()
    other.execute("update vitascope_jobs set priority = 1 where id = %s", [two.id])
    other.commit()
    other.close()
    thread.join()
    assert len(tries) == 2
    monkeypatch.undo()
    assert [job.id for job in store.line()] == [two.id, one.id]
    assert {job.priority for job in store.line()} == {1}


def test_what_is_changed_at_the_same_time_is_not_lost(store):
    job = store.submit(request())

    def prioritise(priority: int) -> None:
        for _ in range(5):
            store.prioritise(job.id, priority)

    threads = [threading.Thread(target=prioritise, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [event.id for event in store.events(job.id)]
    assert ids == list(range(1, 22))


def test_a_listener_sees_events_in_the_order_of_their_ids_whoever_is_slow(store):
    """An event that is committed late must not have an id that a listener has passed already."""
    jobs = [store.submit(request()).id for _ in range(4)]
    seen, after, done = [], store.last_event(), threading.Event()

    def work(job: str) -> None:
        for i in range(10):
            with store.tables.transaction():
                store.tables.log(job, "progress", 0.0, {"i": i})
                time.sleep(0.002)

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    watcher = threading.Thread(target=lambda: [t.join() for t in threads] and done.set())
    for thread in (*threads, watcher):
        thread.start()
    while True:
        last = done.is_set()
        for event in store.events(after=after):
            seen.append(event.id)
            after = event.id
        if last:
            break
    assert len(seen) == 40
    watcher.join()


def test_an_event_that_is_committed_late_holds_back_those_after_it(url, store):
    """With numbers from a sequence the second would be seen first, and the first be missed by whoever saw it."""
    job, logged, go = store.submit(request()).id, threading.Event(), threading.Event()
    after = store.last_event()

    def log(type: str, hold: Callable[[], object]) -> None:
        with store.tables.transaction():
            store.tables.log(job, type, 0.0, {})
            hold()

    slow = threading.Thread(target=log, args=("slow", lambda: logged.set() or go.wait(60)))
    quick = threading.Thread(target=log, args=("quick", lambda: None))
    slow.start()
    assert logged.wait(60)
    quick.start()
    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as watcher:
        while not watcher.execute(waiting).fetchall():
            assert quick.is_alive(), "it did not wait"
    assert (store.events(after=after), store.last_event()) == ([], after)
    go.set()
    for thread in (slow, quick):
        thread.join()
    assert [(one.id, one.type) for one in store.events(after=after)] == [
        (after + 1, "slow"),
        (after + 2, "quick"),
    ]


def test_who_listens_to_all_jobs_hears_each_event_once_however_late_it_is_committed(store, tmp_path):
    jobs, after = [store.submit(request()).id for _ in range(4)], store.last_event()
    context = open_context(tmp_path, JobService(store, JobStorage(tmp_path / "jobs")), models=("fake",))
    heard: list[int] = []

    def work(job: str) -> None:
        for i in range(10):
            with store.tables.transaction():
                store.tables.log(job, "progress", 0.0, {"i": i})
                time.sleep(random.uniform(0, 0.02))

    async def listening() -> None:
        async for event in listen(context, None, None, after):
            heard.extend([] if event is None else [event.id])
            if len(heard) == 40:
                return

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    asyncio.run(asyncio.wait_for(listening(), 60))
    for thread in threads:
        thread.join()
    assert heard == list(range(after + 1, after + 41))


def test_all_machines_go_by_the_clock_of_the_database(url):
    ahead, behind = HandClock(now=4_000_000_000.0), HandClock(now=0.0, boot="other")
    ahead.passed = 1e9
    one, two = (PostgresTables(url, here=here) for here in (ahead, behind))
    first, second = Store(one, one.clock, 4.0), Store(two, two.clock, 4.0)
    job = first.submit(request())
    assert abs(job.created_at - time.time()) < 60
    first.claim("w")
    assert second.expire() == []
    time.sleep(4.2)
    behind.wait(10)  # it has not heard of the server for a while
    assert [lost.id for lost in second.expire()] == [job.id]
    for store in (first, second):
        store.close()


def test_the_servers_clock_is_carried_on_only_for_a_while():
    here, read = HandClock(), iter([100.0, 200.0, 300.0])
    clock = ServerClock(lambda: next(read), here)
    assert clock.now() == 100.0
    here.wait(4)
    assert clock.now() == 104.0
    here.wait(4)
    assert clock.now() == 200.0
    here.passed = 0.0  # this machine was started anew
    assert clock.now() == 300.0


def test_a_transaction_whose_process_is_stopped_keeps_nobody_waiting(url, store):
    with psycopg.connect(url) as other:
        shown = other.execute("select 1").fetchall()
    with store.tables.transaction():
        held = store.tables._held()
        assert held is not None
        (row,) = held.execute("show idle_in_transaction_session_timeout").fetchall()
    assert row["idle_in_transaction_session_timeout"] == "15s"
    assert shown


def test_heartbeats_do_not_wait_for_the_disk_and_all_else_does(store):
    told = []
    for durable in (True, False):
        with store.tables.transaction(durable=durable):
            (row,) = store.tables._held().execute("show synchronous_commit").fetchall()
            told.append(row["synchronous_commit"])
    assert told == ["on", "off"]


def test_names_that_no_database_can_keep_are_no_job(store):
    assert store.tables.load("video_\0") is None
    with pytest.raises(RequestError, match="the database cannot keep it"):
        store.submit(request(), key="\0")
    assert store.counts() == {}


def test_a_change_that_is_always_undone_is_an_error_in_the_end(store, monkeypatch):
    job = store.submit(request())
    tried = []

    def undone(job):
        tried.append(job)
        raise UndoneError

    monkeypatch.setattr(store.tables, "save", undone)
    with pytest.raises(UndoneError):
        store.cancel(job.id)
    assert len(tried) == 7
    assert store.get(job.id).state == "queued"


KEPT = """
insert into vitascope_jobs (
    id, state, model, request, fingerprint, owner, priority, max_attempts, attempt, lost, cancel_wanted, standing,
    outputs, notes, created_at, finished_at
)
select
    'kept' || n, 'completed', model, request, fingerprint, owner, priority, 3, 1, 0, 0, standing, outputs, notes,
    created_at, created_at
from generate_series(1, 3000) as n, vitascope_jobs where number = 1
"""


def test_to_see_whether_the_line_is_full_no_job_that_is_over_is_touched(url, store):
    for _ in range(3):
        store.submit(request())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(KEPT)
        connection.execute("analyze")
        assert (store.waiting(1000), store.waiting(2), store.counts()["completed"]) == (3, 2, 3000)
        statement = queries("sql/postgres")["waiting"].split("\n", 1)[1]
        (row,) = connection.execute(f"explain (analyze, format json) {statement}", {"most": 1000}).fetchall()
    node, nodes = row[0][0]["Plan"], []
    while node is not None:
        nodes.append(node)
        node = (node.get("Plans") or [None])[0]
    assert "vitascope_jobs" in nodes[-1].get("Index Name", ""), nodes[-1]
    assert all(node["Actual Rows"] <= 3 and not node.get("Rows Removed by Filter") for node in nodes)


def test_the_check_tells_what_is_wrong(url, store):
    store.submit(request())
    assert store.check() == "ok"
    with psycopg.connect(url) as connection:
        connection.execute("update vitascope_queue set last_event = 0")
    assert store.check() == "an event is newer than the last one"


def test_a_folder_belongs_to_one_queue_and_a_queue_to_one_folder(postgres, url, tmp_path):
    store, other = SecretStr(url), SecretStr(postgres.fresh())
    for _ in range(2):
        open_service(tmp_path / "shared", store=store).store.close()
    with pytest.raises(RequestError, match="is not the one that the queue's other servers use"):
        open_service(tmp_path / "mine", store=store)
    with pytest.raises(RequestError, match="is of another queue"):
        open_service(tmp_path / "shared", store=other)


def test_two_servers_share_a_queue_and_its_clips(home, url, unbroken):
    service = open_service(home, store=SecretStr(url))
    jobs = [service.submit(take(seed)).id for seed in range(3)]
    # A worker of another machine, which is not known to be dead: only its lease can tell.
    (service.storage.path / "workers" / "elsewhere").mkdir()
    (service.storage.path / "workers" / "elsewhere" / "far.lock").touch()
    service.store.claim("far")
    assert run(home, "worker", "--once", store=url) == 0
    assert [service.store.get(job).state for job in jobs] == ["running", "completed", "completed"]
    made = [service.store.get(job).outputs[0].sha256 for job in jobs[1:]]
    assert made == [unbroken[1], unbroken[2]]
    assert service.file(jobs[1]).is_file()
    assert len(all_jobs(service)) == 3
    service.store.close()


@pytest.mark.parametrize(
    "point",
    [*(f"migrate: {where}" for where in ("begun", "stepped", "counted", "committed")), "file: folder synced"],
)
def test_killed_while_the_tables_are_made(home, url, point):
    assert run(home, "jobs", "ls", fault=point, store=url) == -signal.SIGKILL
    assert run(home, "jobs", "ls", store=url) == 0, (home / "log").read_text()
    service = open_service(home, store=SecretStr(url))
    assert service.store.check() == "ok"
    assert service.store.tables._rows("folder")[0]["has_folder"]
    service.store.close()


@pytest.mark.parametrize(
    "point",
    [
        "claim: updated",
        "claim: committed",
        "beat: saved",
        "publish: renamed",
        "finish: saved",
        "finish: posted",
        "finish: committed",
    ],
)
def test_killed_while_a_clip_is_made(home, url, unbroken, point):
    service = open_service(home, store=SecretStr(url))
    job = service.submit(take(1)).id
    assert run(home, "worker", "--once", fault=point, store=url) == -signal.SIGKILL
    # The server may not yet have noticed that the first one is dead, and hold the job for it.
    for _ in range(5):
        assert run(home, "worker", "--once", store=url) == 0
        if service.store.get(job).finished:
            break
    assert audit(service, unbroken) == []
    assert service.store.get(job).attempt <= 2
    service.store.close()


def test_a_worker_outlives_a_restart_of_the_database(home, unbroken):
    with scratch() as server:
        url = server.fresh()
        service = open_service(home, store=SecretStr(url))
        job = service.submit(take(2)).id
        worker = start(home, "worker", "--once", pace=0.3, store=url)
        while service.store.get(job).standing.step < 1:
            assert worker.poll() is None
        server.stop(signal.SIGQUIT)
        time.sleep(1)
        server.start()
        assert worker.wait() == 0, (home / "log").read_text()
        assert service.store.get(job).attempt == 1
        assert audit(service, unbroken) == []
        service.store.close()

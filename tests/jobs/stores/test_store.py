"""The contract of every store: the same tests over the one on the disk, the one in memory and the one on Postgres."""

import json
import threading
from dataclasses import replace

import pytest

from vitascope.errors import JobConflictError, JobNotFoundError, LeaseLostError
from vitascope.jobs.job import Failure, Output, Request, Standing
from vitascope.jobs.stores.sqlite import sqlite_store
from vitascope.jobs.stores.store import Store

OUTPUT = Output("1-0.mp4", "abc", 1000, 2.125, 17, 8.0, (64, 48), seed=7)
BROKEN = Failure("internal_error", "it broke")


def request(prompt: str = "a cat", model: str = "toybox", **said) -> Request:
    return Request(json.dumps({"prompt": prompt, "model": model, "seed": 7}), **said)


def types(store: Store, job: str) -> list[str]:
    return [event.type for event in store.events(job)]


def test_a_job_goes_from_queued_to_completed_and_all_of_it_is_kept(store, clock):
    asked = request(kind="remix", parent="video_0", number=2, asked={"seconds": "4", "size": "720x1280"})
    job = store.submit(asked, key="k", owner="me", priority=3, notes=("a note",))
    assert (job.state, job.number, job.created_at, job.request) == ("queued", 1, clock.now(), asked)
    clock.wait(5)
    running = store.claim("w")
    assert (running.id, running.state, running.attempt, running.worker) == (job.id, "running", 1, "w")
    assert running.started_at == clock.now()
    assert not store.beat(running.lease, Standing("denoise", 3, 8, 40, 2.5))
    assert store.get(job.id).standing == Standing("denoise", 3, 8, 40, 2.5)
    clock.wait(5)
    done = store.complete(running.lease, [OUTPUT], ["snapped"])
    assert store.get(job.id) == done
    assert (done.state, done.outputs, done.notes, done.worker) == ("completed", (OUTPUT,), ("snapped",), None)
    assert (done.finished_at, done.standing.percent, done.priority) == (clock.now(), 100, 3)
    assert types(store, job.id) == ["queued", "running", "progress", "completed"]


def test_nobody_is_given_a_job_twice_and_the_first_comes_first(store):
    jobs = [store.submit(request(f"cat {i}")).id for i in range(5)]
    assert [store.claim("w").id for _ in jobs] == jobs
    assert store.claim("w") is None


def test_priority_goes_before_age(store):
    low, high, later = (store.submit(request(), priority=p).id for p in (0, 5, 5))
    assert [store.position(job) for job in (low, high, later)] == [2, 0, 1]
    assert [store.claim("w").id for _ in range(3)] == [high, later, low]
    assert store.position(low) is None


def test_those_that_wait_are_counted_no_further_than_asked(store):
    jobs = [store.submit(request()).id for _ in range(6)]
    assert [store.waiting(most) for most in (1, 5, 6, 1000)] == [1, 5, 6, 6]
    running = store.claim("w")
    store.cancel(jobs[1])
    store.delete(jobs[2])
    assert store.waiting(1000) == 3
    store.give_back(running.lease)
    store.retry(jobs[1])
    assert store.waiting(1000) == 5 == store.counts()["queued"]
    while job := store.claim("w"):
        store.complete(job.lease, [OUTPUT])
    assert store.waiting(1000) == 0


def test_a_worker_gets_only_jobs_for_its_models(store):
    store.submit(request(model="wan"))
    mine = store.submit(request(model="toybox"))
    assert store.claim("w", ["toybox", "ltx"]).id == mine.id
    assert store.claim("w", ["toybox"]) is None
    assert store.claim("w", []) is None
    assert store.claim("w").request.model == "wan"


def test_a_paused_queue_gives_nothing_and_what_runs_goes_on(store):
    running = store.submit(request()) and store.claim("w")
    waiting = store.submit(request())
    store.pause()
    assert store.paused
    assert store.claim("w") is None
    assert store.complete(running.lease, [OUTPUT]).state == "completed"
    store.resume()
    assert store.claim("w").id == waiting.id


@pytest.mark.parametrize(
    "write",
    [
        lambda store, lease: store.beat(lease),
        lambda store, lease: store.complete(lease, [OUTPUT]),
        lambda store, lease: store.fail(lease, BROKEN),
        lambda store, lease: store.fail(lease, BROKEN, again=True),
        lambda store, lease: store.stop(lease),
        lambda store, lease: store.give_back(lease),
    ],
)
def test_a_late_worker_is_refused_whatever_it_writes(store, clock, write):
    store.submit(request())
    late = store.claim("late")
    clock.wait(31)
    now = store.claim("now")
    assert (now.id, now.attempt) == (late.id, 2)
    before, log = store.get(now.id), store.events(now.id)
    with pytest.raises(LeaseLostError):
        write(store, late.lease)
    with pytest.raises(LeaseLostError):
        write(store, replace(late.lease, worker="now"))
    assert store.get(now.id) == before
    assert store.events(now.id) == log
    assert store.take_messages() == []
    store.complete(now.lease, [OUTPUT])
    with pytest.raises(LeaseLostError):
        write(store, now.lease)


def test_a_lease_holds_as_long_as_it_is_renewed(store, clock):
    store.submit(request())
    job = store.claim("w")
    for _ in range(10):
        clock.wait(29)
        store.beat(job.lease)
        assert store.expire() == []
    clock.wait(31)
    (lost,) = store.expire()
    assert (lost.state, lost.lost, lost.worker) == ("queued", 1, None)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_wall_clock_that_is_set_ends_no_lease(store, clock, hours):
    store.submit(request())
    job = store.claim("w")
    clock.wall += hours * 3600
    assert store.expire() == []
    assert not store.beat(job.lease)


def test_no_lease_outlives_the_machine(store, clock):
    store.submit(request())
    store.claim("w")
    clock.boot, clock.passed = "second", 0.0
    assert [job.state for job in store.expire()] == ["queued"]


def test_a_job_fails_after_three_lost_attempts_and_says_why(store, clock):
    job = store.submit(request())
    for attempt in (1, 2, 3):
        assert store.claim("w").attempt == attempt
        clock.wait(31)
    assert store.claim("w") is None
    failed = store.get(job.id)
    assert (failed.state, failed.attempt, failed.lost) == ("failed", 3, 3)
    assert failed.failure.code == "worker_died"
    assert "the last of 3 attempts" in failed.failure.message
    assert types(store, job.id) == ["queued", *["running", "queued"] * 2, "running", "failed"]
    assert [letter.type for letter in store.take_messages()] == ["video.failed"]


def test_a_job_that_is_given_back_loses_no_attempt(store):
    store.submit(request())
    for attempt in range(1, 6):
        job = store.claim("w")
        assert job.attempt == attempt
        assert store.give_back(job.lease).lost == 0


def test_only_the_jobs_of_the_dead_worker_are_taken_from_it(store):
    for _ in range(2):
        store.submit(request())
    mine, other = store.claim("mine"), store.claim("other")
    assert [job.id for job in store.release_worker("mine")] == [mine.id]
    assert store.release_worker("mine") == []
    assert store.get(other.id).state == "running"
    (failed,) = store.release_worker("other", Failure("out_of_memory", "too big"), again=False)
    assert (failed.state, failed.failure.code) == ("failed", "out_of_memory")


def test_a_failure_is_final_unless_it_is_to_be_tried_again(store):
    for _ in range(2):
        store.submit(request())
    assert store.fail(store.claim("w").lease, BROKEN).state == "failed"
    again = store.fail(store.claim("w").lease, BROKEN, again=True)
    assert (again.state, again.lost) == ("queued", 1)


def test_the_same_key_and_request_are_the_same_job(store):
    first = store.submit(request(), key="k", owner="me")
    assert store.submit(request(), key="k", owner="me") == first
    assert store.submit(request(), key="k", owner="you").id != first.id
    assert store.submit(request(), owner="me").id != first.id
    with pytest.raises(JobConflictError, match="'k' was used for another request"):
        store.submit(request("a dog"), key="k", owner="me")
    assert store.counts() == {"queued": 3}


def test_a_seed_that_nobody_said_does_not_make_another_request():
    first = Request('{"prompt": "a cat", "seed": 1}', asked={"prompt": "a cat"})
    again = Request('{"prompt": "a cat", "seed": 2}', asked={"prompt": "a cat"})
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != replace(again, number=2).fingerprint


def test_a_key_is_one_job_however_many_ask_at_once(tmp_path):
    store, found = sqlite_store(tmp_path / "queue.sqlite3"), []

    def ask() -> None:
        found.append(store.submit(request(), key="k").id)
        store.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_what_waits_is_cancelled_at_once_and_what_runs_at_its_next_beat(store):
    running, waiting = store.submit(request()), store.submit(request())
    lease = store.claim("w").lease
    assert store.cancel(waiting.id).state == "cancelled"
    assert store.cancel(running.id).state == "running"
    assert store.beat(lease, Standing("denoise", 1, 4, 20))
    assert store.stop(lease).state == "cancelled"
    assert [letter.type for letter in store.take_messages()] == ["video.cancelled"] * 2
    assert types(store, running.id)[-2:] == ["progress", "cancelled"]
    with pytest.raises(JobConflictError, match="is cancelled already"):
        store.cancel(waiting.id)


def test_a_cancelled_job_does_not_come_back_when_its_worker_dies_or_leaves(store):
    for _ in range(2):
        job = store.submit(request())
        lease = store.claim("w").lease
        store.cancel(job.id)
        after = store.release_worker("w")[0] if _ else store.give_back(lease)
        assert after.state == "cancelled"


def test_a_failed_job_is_retried_with_all_its_attempts(store, clock):
    job = store.submit(request())
    store.fail(store.claim("w").lease, BROKEN)
    again = store.retry(job.id)
    assert (again.state, again.lost, again.failure, again.finished_at) == ("queued", 0, None, None)
    assert store.claim("w").attempt == 2
    with pytest.raises(JobConflictError, match="only failed and cancelled jobs"):
        store.retry(job.id)


def test_a_job_that_is_cancelled_twice_is_told_twice(store):
    job = store.submit(request())
    store.cancel(job.id)
    store.retry(job.id)
    store.cancel(job.id)
    assert len({letter.id for letter in store.take_messages()}) == 2


def test_a_clone_is_a_new_job_with_the_same_request(store):
    job = store.submit(request(), key="k", owner="me", priority=2, notes=("n",))
    twin = store.clone(job.id)
    assert twin.id != job.id
    assert (twin.request, twin.owner, twin.priority, twin.notes, twin.key) == (
        job.request,
        "me",
        2,
        ("n",),
        None,
    )


def test_what_is_deleted_is_found_by_nobody_and_its_words_are_gone(store):
    job = store.submit(request("my secret"), key="k")
    store.delete(job.id)
    for use in (store.get, store.cancel, store.retry, store.clone, store.delete, store.position):
        with pytest.raises(JobNotFoundError, match=f"there is no '{job.id}'"):
            use(job.id)
    assert (store.page().jobs, store.counts(), store.line(), store.claim("w")) == ((), {}, [], None)
    assert "secret" not in repr(store.tables.load(job.id))
    assert store.take_messages() == []
    assert store.submit(request("a dog"), key="k").id != job.id


def test_a_running_job_that_is_deleted_is_told_to_stop(store):
    job = store.submit(request())
    lease = store.claim("w").lease
    store.delete(job.id)
    assert store.beat(lease)
    assert store.stop(lease).deleted_at is not None
    assert store.take_messages() == []


def test_jobs_can_be_put_in_another_order(store):
    a, b, c, d = (store.submit(request()).id for _ in range(4))
    late = store.submit(request(), priority=-1).id
    store.move(c, a)
    assert [job.id for job in store.line()] == [c, a, b, d, late]
    store.move(a)
    assert [job.id for job in store.line()] == [c, b, d, late, a]
    assert store.get(a).priority == -1
    store.move(late, b)
    assert [job.id for job in store.line()] == [c, late, b, d, a]
    newest = store.submit(request(), priority=0).id
    assert [job.id for job in store.line()] == [c, late, b, d, newest, a]
    store.prioritise(newest, 9)
    assert [store.claim("w").id for _ in range(6)] == [newest, c, late, b, d, a]


def test_only_what_waits_can_be_moved(store):
    running, waiting = store.submit(request()).id, store.submit(request()).id
    store.claim("w")
    for moved, before in ((running, waiting), (waiting, running), (waiting, "video_none")):
        with pytest.raises(JobConflictError, match="queued"):
            store.move(moved, before)
    assert store.move(waiting).id == waiting


def test_pages_follow_one_another_without_gap_or_double(store):
    jobs = [store.submit(request(), owner="me" if i % 2 else "you").id for i in range(7)]
    seen, after = [], None
    while True:
        page = store.page(after, 3)
        seen += [job.id for job in page.jobs]
        if not page.more:
            break
        after = seen[-1]
        store.submit(request())  # newer than the first page: not on a later one
    assert seen == jobs[::-1]
    assert [job.id for job in store.page(jobs[0], 2, "asc").jobs] == jobs[1:3]
    assert [job.id for job in store.page(owner="me", order="asc").jobs] == jobs[1::2]
    store.cancel(jobs[2])
    assert [job.id for job in store.page(states=["cancelled", "failed"]).jobs] == [jobs[2]]
    store.delete(jobs[5])
    assert [job.id for job in store.page(jobs[5], 2).jobs] == [jobs[4], jobs[3]]
    for unknown, owner in (("video_none", None), (jobs[1], "you")):
        with pytest.raises(JobNotFoundError):
            store.page(unknown, owner=owner)


def test_an_owner_sees_only_what_is_theirs(store):
    job = store.submit(request(), owner="me")
    assert store.get(job.id, "me") == store.get(job.id)
    with pytest.raises(JobNotFoundError):
        store.get(job.id, "you")


def test_a_list_may_be_of_one_kind(store):
    kinds = ("film", "generate", "film", "edit")
    jobs = [store.submit(request(kind=kind), owner="me").id for kind in kinds]
    assert [job.id for job in store.page(kind="film").jobs] == [jobs[2], jobs[0]]
    assert [job.id for job in store.page(kind="film", order="asc", limit=1).jobs] == [jobs[0]]
    assert store.page(kind="film", owner="you").jobs == ()
    assert store.page(jobs[2], kind="film").jobs[0].id == jobs[0]


def test_what_only_films_have_is_kept(store):
    job = store.submit(request(kind="film", film_json="{}"))
    assert store.get(job.id).request.film_json == "{}"
    standing = Standing("denoise", 3, 8, 40, clip=2, clip_percent=30)
    store.beat(store.claim("w").lease, standing)
    assert store.get(job.id).standing == standing


def test_a_listener_who_was_away_misses_nothing(store):
    one, two = store.submit(request()).id, store.submit(request()).id
    last = store.last_event()
    lease = store.claim("w").lease
    for step in range(1, 4):
        store.beat(lease, Standing("denoise", step, 3, 30 * step))
    store.complete(lease, [OUTPUT])
    events = store.events(after=last)
    assert [event.type for event in events] == ["running", *["progress"] * 3, "completed"]
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert {event.job for event in events} == {one}
    assert [event.data["percent"] for event in events[1:]] == [30, 60, 90, 100]
    assert store.events(one, events[1].id, limit=2) == events[2:4]
    assert types(store, two) == ["queued"]
    assert store.last_event() == events[-1].id


def test_progress_never_shrinks_nor_reaches_100_before_the_end(store, clock):
    job = store.submit(request())
    lease = store.claim("w").lease
    store.beat(lease, Standing("decode", 1, 1, 100))
    clock.wait(31)
    store.beat(store.claim("w").lease, Standing("load", 0, 1, 0))
    percents = [event.data["percent"] for event in store.events(job.id) if event.type == "progress"]
    assert percents == [99, 99]


def test_old_progress_is_dropped_and_milestones_stay(store, clock):
    job, waiting = store.submit(request()), store.submit(request())
    lease = store.claim("w").lease
    store.beat(lease, Standing("denoise", 1, 4, 20))
    store.complete(lease, [OUTPUT])
    running = store.claim("w").lease
    store.beat(running, Standing("denoise", 1, 4, 20))
    last = store.last_event()
    clock.wait(10)
    store.beat(running)
    store.forget_progress(60)
    assert "progress" in types(store, job.id)
    store.forget_progress(5)
    assert types(store, job.id) == ["queued", "running", "completed"]
    assert types(store, waiting.id) == ["queued", "running", "progress"]
    assert store.last_event() == last


def test_news_is_delivered_until_it_has_arrived(store, clock):
    job = store.submit(request(), owner="me")
    store.complete(store.claim("w").lease, [OUTPUT])
    (letter,) = store.take_messages()
    assert (letter.job, letter.type, letter.owner, letter.tries) == (job.id, "video.completed", "me", 1)
    assert letter.id.startswith("evt_")
    assert store.take_messages() == [], "somebody is delivering it"
    clock.wait(61)
    assert [one.tries for one in store.take_messages()] == [2]
    store.message_delayed(letter.id, 300)
    clock.wait(299)
    assert store.take_messages() == []
    clock.wait(2)
    assert [one.tries for one in store.take_messages(limit=1)] == [3]
    store.message_delivered(letter.id)
    clock.wait(1e6)
    assert store.take_messages() == []


def test_a_change_and_its_news_happen_together_or_not_at_all(store, monkeypatch):
    job = store.submit(request())
    lease = store.claim("w").lease

    def broken(letter):
        raise RuntimeError("the power failed")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(store.tables, "post", broken)
        store.complete(lease, [OUTPUT])
    assert store.get(job.id).state == "running"
    assert types(store, job.id) == ["queued", "running"]
    assert store.complete(lease, [OUTPUT]).state == "completed"


def test_the_contract_is_kept_between_threads(store):
    jobs = {store.submit(request()).id for _ in range(40)}
    claimed: list[str] = []

    def work(name: str) -> None:
        while (job := store.claim(name)) is not None:
            claimed.append(job.id)
            store.beat(job.lease, Standing("denoise", 1, 1, 50))
            store.complete(job.lease, [OUTPUT])
        store.close()

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(jobs)
    assert store.counts() == {"completed": 40}
    assert store.check() == "ok"


def test_attempts_that_got_further_than_the_one_before_do_not_count(store):
    job = store.submit(request())
    for percent in range(10, 90, 10):
        claimed = store.claim("w")
        store.beat(claimed.lease, Standing("denoise", percent // 10, 20, percent))
        (lost,) = store.release_worker("w")
        assert (lost.state, lost.lost) == ("queued", 1), percent
    for count in (2, 3):
        claimed = store.claim("w")
        store.beat(claimed.lease, Standing("denoise", 8, 20, 80))
        (lost,) = store.release_worker("w")
        assert lost.lost == count
    assert lost.state == "failed"
    again = store.retry(job.id)
    assert (again.lost, again.reached) == (0, None)


def test_a_step_is_further_even_where_it_is_no_whole_percent(store):
    store.submit(request())
    for step in range(1, 8):
        store.beat(store.claim("w").lease, Standing("denoise", step, 1000, 3))
        (lost,) = store.release_worker("w")
        assert (lost.state, lost.lost) == ("queued", 1)


def test_an_attempt_that_gets_less_far_counts_although_the_percentage_does_not_shrink(store):
    store.submit(request())
    for step, count in ((9, 1), (3, 2), (1, 3)):
        store.beat(store.claim("w").lease, Standing("denoise", step, 20, 10 * step))
        (lost,) = store.release_worker("w")
        assert lost.lost == count
    assert lost.state == "failed"


def test_the_jobs_of_a_worker_that_is_stopped_go_to_others_and_no_attempt_is_lost(store, clock):
    store.submit(request())
    store.is_stopped = {"asleep"}.__contains__
    for attempt in range(1, 6):
        claimed = store.claim("asleep")
        clock.wait(31)
        (returned,) = store.expire()
        assert (returned.state, returned.lost) == ("queued", 0)
        assert claimed.attempt == attempt
        with pytest.raises(LeaseLostError):
            store.beat(claimed.lease)

"""Owners take turns in the line, whatever the store: the contract of all of them."""

import json
from collections import Counter

import pytest

from vitascope.errors import JobConflictError, QueueFullError
from vitascope.jobs.job import Failure, Job, Request
from vitascope.jobs.stores.store import Store


def request(model: str = "toybox") -> Request:
    return Request(json.dumps({"prompt": "a cat", "model": model, "seed": 7}))


def submit(store: Store, owner: str, number: int = 1, **more) -> list[Job]:
    return [store.submit(request(), owner=owner, **more) for _ in range(number)]


def claim(store: Store, number: int, models=None) -> str:
    """The first letters of the owners of the next jobs, each of which is finished at once."""
    owners = []
    for _ in range(number):
        job = store.claim("w", models)
        store.complete(job.lease, [])
        owners.append(job.owner[:1])
    return "".join(owners)


def line(store: Store) -> str:
    return "".join(job.owner[:1] for job in store.line())


def test_who_hands_in_much_goes_in_turn_with_who_hands_in_little(store):
    submit(store, "ann", 6)
    (job,) = submit(store, "bob")
    submit(store, "cy", 3)
    assert line(store) == "abcacacaaa"
    assert store.position(job.id) == 1
    assert claim(store, 10) == "abcacacaaa"


def test_the_line_and_the_positions_say_what_will_be_claimed(store):
    for owner, number in (("ann", 5), ("bob", 2), ("ann", 2), ("cy", 4), ("bob", 1)):
        submit(store, owner, number)
    jobs = store.line()
    assert [store.position(job.id) for job in jobs] == list(range(14))
    assert store.line("bob") == [job for job in jobs if job.owner == "bob"]
    assert [store.claim("w").id for _ in range(14)] == [job.id for job in jobs]


def test_who_comes_late_joins_the_round_that_is_at_work_and_owes_nobody_anything(store):
    submit(store, "ann", 100)
    assert claim(store, 60) == "a" * 60
    submit(store, "bob", 5)
    assert claim(store, 12) == "abababababaa"
    submit(store, "bob", 2)
    assert claim(store, 5) == "ababa"


def test_who_hands_in_one_job_after_another_is_always_next_but_one(store):
    submit(store, "ann", 50)
    for _ in range(10):
        (job,) = submit(store, "bob")
        assert store.position(job.id) <= 1
        assert Counter(claim(store, 2)) == {"a": 1, "b": 1}


@pytest.mark.parametrize("share", [2, 3])
def test_a_larger_share_is_more_jobs_in_each_round(store, share):
    submit(store, "ann", 12, share=share)
    submit(store, "bob", 12)
    owners = claim(store, 3 * (share + 1))
    assert Counter(owners) == {"a": 3 * share, "b": 3}
    assert "b" * 2 not in owners


def test_a_higher_priority_goes_first_and_turns_are_taken_within_it(store):
    submit(store, "ann", 3)
    submit(store, "bob", 2, priority=5)
    submit(store, "ann", 2, priority=5)
    submit(store, "cy", 1)
    assert line(store) == "babaacaa"


def test_a_job_that_comes_back_keeps_its_turn(store):
    submit(store, "ann", 4)
    submit(store, "bob", 4)
    job = store.claim("w")
    store.give_back(job.lease)
    assert line(store) == "abababab"
    lost = store.claim("w")
    store.fail(lost.lease, Failure("internal_error", "lost"), again=True)
    assert store.line()[0].id == lost.id


def test_what_is_retried_goes_behind_what_its_owner_has_in_the_line(store):
    """Else a hundred cancelled jobs, retried, would all go before everybody."""
    cancelled = submit(store, "ann", 5)
    for job in cancelled:
        store.cancel(job.id)
    submit(store, "bob", 4)
    assert claim(store, 2) == "bb"
    for job in cancelled:
        store.retry(job.id)
    assert line(store) == "baba" + "aaa" or line(store) == "abab" + "aaa"


def test_another_priority_is_another_line(store):
    submit(store, "ann", 5)
    submit(store, "bob", 5)
    moved = store.line()[-1]
    store.prioritise(moved.id, 3)
    assert store.line()[0].id == moved.id
    submit(store, "ann", 1, priority=3)
    assert line(store)[:3] == "baa"


def test_a_line_of_turns_can_be_put_in_another_order(store):
    first = submit(store, "ann", 4)
    (bob,) = submit(store, "bob")
    store.move(bob.id)
    assert line(store) == "aaaab"
    store.move(bob.id, first[0].id)
    assert line(store) == "baaaa"
    store.move(first[3].id, bob.id)
    assert [job.id for job in store.line()] == [job.id for job in (first[3], bob, *first[:3])]
    with pytest.raises(JobConflictError):
        store.move(bob.id, "video_none")


def test_a_model_that_nobody_makes_holds_up_no_turn_of_another(store):
    for model, owner, number in (("still", "ann", 3), ("toybox", "ann", 9)):
        for _ in range(number):
            store.submit(request(model), owner=owner)
    assert claim(store, 4, ["toybox"]) == "aaaa"
    submit(store, "bob", 3)
    assert claim(store, 6, ["toybox"]) == "ababab"


def test_a_full_line_keeps_a_part_for_each_owner(store):
    submit(store, "ann", 40, max_queued=40)
    for owner in ("bob", "cy"):
        submit(store, owner, 2, max_queued=40)
        with pytest.raises(QueueFullError, match="40 jobs wait already"):
            submit(store, owner, max_queued=40)
        assert store.is_full(owner, 40)
    with pytest.raises(QueueFullError):
        submit(store, "ann", max_queued=40)
    assert Counter(line(store)) == {"a": 40, "b": 2, "c": 2}
    assert not store.is_full("dan", 40)
    waiting = store.tables.waiting
    assert (waiting(100), waiting(100, "ann"), waiting(1, "bob")) == (44, 40, 1)


@pytest.mark.parametrize("number", [1, 3])
def test_a_short_line_that_is_full_keeps_one_place(store, number):
    submit(store, "ann", number, max_queued=number)
    submit(store, "bob", 1, max_queued=number)
    for owner in ("ann", "bob"):
        with pytest.raises(QueueFullError):
            submit(store, owner, max_queued=number)

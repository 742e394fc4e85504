"""The contract of deliveries, over every kind of store."""

import json

import pytest

from vitascope.jobs.job import Failure, Request
from vitascope.jobs.outbox import MAX_TRIES, WAITS, Outbox
from vitascope.jobs.stores.store import Store


@pytest.fixture
def box(store) -> Outbox:
    """A outbox without chance: every wait is the usual one."""
    return Outbox(store, lambda: 0.5)


def news(store: Store) -> str:
    """A job that failed: the outside is to hear of it."""
    store.submit(Request(json.dumps({"prompt": "a cat", "model": "toybox", "seed": 7})))
    job = store.claim("w")
    store.fail(job.lease, Failure("internal_error", "it broke"))
    return job.id


def everybody(letter):
    return [("we_a", letter.type), ("we_b", letter.type)]


def test_a_letter_goes_to_each_endpoint_once(box, store):
    job = news(store)
    assert box.address(everybody) == 1
    assert box.address(everybody) == 0
    taken = box.take(["we_a", "we_b"])
    assert [(one.endpoint, one.job, one.type, one.tries) for one in taken] == [
        ("we_a", job, "video.failed", 1),
        ("we_b", job, "video.failed", 1),
    ]
    assert len({one.letter for one in taken}) == 1
    assert box.take(["we_a", "we_b"]) == [], "they are held"
    assert store.take_messages() == []


def test_what_arrived_is_never_taken_again_and_stays_to_be_seen(box, store, clock):
    news(store)
    box.address(everybody)
    assert box.due() == ["we_a", "we_b"]
    (mine,) = box.take(["we_a"])
    assert box.due() == ["we_b"], "what is held is not due"
    assert box.arrived(mine, 204).state == "delivered"
    clock.wait(10**7)
    assert box.due() == ["we_b"]
    assert box.take(["we_a"]) == []
    (seen,) = box.deliveries("we_a")
    assert (seen.state, seen.status, seen.problem, seen.tries, seen.due) == ("delivered", 204, None, 1, None)
    assert box.counts() == {"we_a": {"delivered": 1}, "we_b": {"waiting": 1}}


def test_tries_are_ever_farther_apart_and_then_it_is_given_up_where_all_can_see(box, store, clock):
    news(store)
    box.address(everybody)
    waits = []
    for number in range(1, MAX_TRIES + 1):
        (mine,) = box.take(["we_a"])
        assert mine.tries == number
        after = box.failed(mine, "answers 500", 500)
        if number < MAX_TRIES:
            waits.append(after.due - clock.now())
            clock.wait(waits[-1] - 0.5)
            assert box.take(["we_a"]) == []
            clock.wait(0.5)
    assert waits == list(WAITS)
    assert 70 < sum(waits) / 3600 < 80
    clock.wait(10**7)
    assert box.take(["we_a"]) == []
    (seen,) = box.deliveries("we_a")
    assert (seen.state, seen.tries, seen.status, seen.problem) == ("given_up", MAX_TRIES, 500, "answers 500")
    assert box.resend("we_a") == 1
    (again,) = box.take(["we_a"])
    assert (again.letter, again.tries) == (seen.letter, 1)


def test_waits_are_spread_by_chance_and_no_shorter_than_the_endpoint_asks(store, clock):
    news(store)
    Outbox(store).address(everybody)
    for chance, low in ((0.0, 0.8), (1.0, 1.2)):
        box = Outbox(store, lambda chance=chance: chance)
        endpoint = "we_a" if chance else "we_b"
        (mine,) = box.take([endpoint])
        assert box.failed(mine, "answers 503", 503).due == pytest.approx(clock.now() + low * WAITS[0])
    clock.wait(10)
    (mine,) = box.take(["we_a"])
    assert box.failed(mine, "answers 429", 429, wait=4000).due == clock.now() + 4000
    clock.wait(4000)
    (mine,) = box.take(["we_a"])
    assert box.failed(mine, "answers 410", 410, final=True).state == "given_up"


def test_what_a_killed_process_had_taken_is_tried_again_and_a_late_one_changes_nothing(box, store, clock):
    news(store)
    box.address(everybody)
    (late,) = box.take(["we_a"], hold_seconds=60)
    clock.wait(61)
    (now,) = box.take(["we_a"])
    assert (now.letter, now.tries) == (late.letter, 2)
    box.arrived(now, 200)
    box.failed(late, "took too long")
    assert [one.state for one in box.deliveries("we_a")] == ["delivered"]


def test_what_was_not_tried_does_not_count(box, store, clock):
    news(store)
    box.address(everybody)
    for _ in range(2 * MAX_TRIES):
        (mine,) = box.take(["we_a"])
        assert mine.tries == 1
        box.put_back(mine, 5)
        assert box.take(["we_a"]) == []
        clock.wait(5)


def test_an_endpoint_that_is_gone_and_news_of_long_ago_are_forgotten(box, store, clock):
    news(store)
    box.address(everybody)
    box.forget("we_a")
    assert box.deliveries("we_a") == []
    clock.wait(100)
    news(store)
    with store.tables.transaction():
        store.tables.forget_messages(clock.now() - 50)
    assert box.deliveries() == []
    assert box.address(everybody) == 1, "the young one is still there"

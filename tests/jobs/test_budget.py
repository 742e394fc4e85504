import json

import pytest

from vitascope.errors import BudgetError
from vitascope.jobs.budget import DAY, Budget, Cost
from vitascope.jobs.job import Request
from vitascope.jobs.stores.store import Store
from vitascope.testing.fakes import CARD
from vitascope.types import Shot

TEN = Cost(10, 1)


def submit(store: Store, budget: Budget, cost: Cost = TEN, **said):
    request = Request(json.dumps({"prompt": "a cat", "model": "toybox", "seed": 7}))
    return store.submit(request, cost=cost, budget=budget, **said)


def test_a_budget_is_for_any_hour_and_tells_when_there_is_enough_again(store, clock):
    budget = Budget(seconds_per_hour=25)
    submit(store, budget)
    clock.wait(600)
    submit(store, budget)
    clock.wait(600)
    with pytest.raises(
        BudgetError, match=r"25 seconds of video may be had in an hour, and 20 .* in 40 min"
    ) as told:
        submit(store, budget)
    assert told.value.wait == pytest.approx(2400)
    assert store.counts() == {"queued": 2}
    submit(store, budget, Cost(5, 1))
    clock.wait(2399)
    with pytest.raises(BudgetError):
        submit(store, budget)
    clock.wait(1.001)
    submit(store, budget)


def test_each_owner_has_its_own_and_the_longest_wait_is_told(store, clock):
    budget = Budget(seconds_per_hour=10, megapixels_per_day=2)
    submit(store, budget, owner="ann")
    submit(store, budget, owner="bob")
    clock.wait(3601)
    submit(store, budget, owner="ann")
    clock.wait(60)
    with pytest.raises(BudgetError, match="million pixels may be had in a day") as told:
        submit(store, budget, owner="ann")
    assert told.value.wait == pytest.approx(DAY - 3661)


def test_what_can_never_be_had_is_said_to_be_so(store):
    with pytest.raises(BudgetError, match="and this is 10; ask for less") as told:
        submit(store, Budget(seconds_per_day=9))
    assert told.value.wait is None


def test_deleting_gives_nothing_back_and_cancelling_what_was_not_begun_does(store):
    budget = Budget(seconds_per_hour=20)
    first = submit(store, budget)
    second = submit(store, budget)
    running = store.claim("w")
    assert running.id == first.id
    store.cancel(second.id)
    third = submit(store, budget)
    store.stop(running.lease)
    store.delete(first.id)
    with pytest.raises(BudgetError):
        submit(store, budget)
    store.delete(third.id)
    submit(store, budget)


def test_the_same_key_costs_once(store):
    budget = Budget(seconds_per_hour=10)
    assert submit(store, budget, key="k").id == submit(store, budget, key="k").id


def test_a_clone_costs_as_much(store):
    job = submit(store, Budget())
    with pytest.raises(BudgetError):
        store.clone(job.id, cost=TEN, budget=Budget(seconds_per_hour=15))


def test_costs_are_of_all_frames_of_all_clips():
    shot = Shot(prompt="a cat", num_frames=16, fps=8, size=(1000, 500))
    assert Cost.of(shot, 3, CARD) == Cost(6.0, 24.0)
    unsaid = Cost.of(Shot(prompt="a cat"), 1, CARD)
    assert unsaid.seconds == pytest.approx(CARD.num_frames / CARD.fps)


def test_a_token_s_own_limits_go_before_the_house_s():
    both = Budget(seconds_per_day=5).over(Budget(seconds_per_day=9, seconds_per_hour=1))
    assert both == Budget(seconds_per_day=5, seconds_per_hour=1)
    assert not Budget()


def test_a_retry_costs_again_what_was_begun_and_once_what_was_not(store, clock):
    budget = Budget(seconds_per_hour=20)
    waiting = submit(store, budget)
    store.cancel(waiting.id)
    clock.wait(10)
    store.retry(waiting.id, cost=TEN, budget=budget)
    assert [one.at for one in store.tables.charges("", 0.0)] == [clock.now()]
    running = store.claim("w")
    store.stop(running.lease)
    store.retry(running.id, cost=TEN, budget=budget)
    assert len(store.tables.charges("", 0.0)) == 2
    store.stop(store.claim("w").lease)
    with pytest.raises(BudgetError):
        store.retry(running.id, cost=TEN, budget=budget)
    assert store.get(running.id).state == "cancelled"


def test_cancelling_and_retrying_is_no_way_around(store, clock):
    budget = Budget(seconds_per_hour=10)
    first, second = (submit_and_cancel(store, budget) for _ in range(2))
    store.retry(first.id, cost=TEN, budget=budget)
    with pytest.raises(BudgetError):
        store.retry(second.id, cost=TEN, budget=budget)
    assert store.counts() == {"queued": 1, "cancelled": 1}


def submit_and_cancel(store: Store, budget: Budget):
    return store.cancel(submit(store, budget).id)

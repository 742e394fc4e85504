"""What all callers have in common: one who asks for everything leaves the others their share."""

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2 as httpx
import pytest
from fastapi import APIRouter

from tests.server.conftest import png
from vitascope.server import sandbox
from vitascope.server.context import ServerContext
from vitascope.server.errors import Refusal
from vitascope.server.shares import FairRoute, Turns, in_turn, work_of, working


async def take_turn(turns: Turns, caller: str, order: list[str], seconds: float = 0.0) -> None:
    async with turns.taking(caller):
        order.append(caller)
        await asyncio.sleep(seconds)


def test_callers_take_turns_however_many_requests_one_has():
    async def served() -> list[str]:
        turns, order = Turns(2, 1), []
        greedy = [asyncio.create_task(take_turn(turns, "ann", order)) for _ in range(50)]
        await asyncio.sleep(0)
        modest = [asyncio.create_task(take_turn(turns, name, order)) for name in ("bob", "cy", "bob")]
        await asyncio.gather(*greedy, *modest)
        assert not turns._held
        assert not turns._queues
        return order

    order = asyncio.run(served())
    assert order.count("ann") == 50
    assert [order.index("bob"), order.index("cy")] == [1, 3]
    assert order.index("bob", 2) < 8


def test_who_asks_for_one_thing_at_a_time_waits_for_no_round_of_those_who_ask_for_much():
    async def served() -> list[str]:
        turns, order = Turns(2, 1), []
        greedy = [
            asyncio.create_task(take_turn(turns, f"greedy{caller}", order))
            for _ in range(20)
            for caller in range(20)
        ]
        await asyncio.sleep(0)
        modest = []
        for _ in range(5):
            begin = len(order)
            await take_turn(turns, "modest", order)
            modest.append(order[begin:].index("modest"))
        other = [asyncio.create_task(take_turn(turns, name, order)) for name in ("cy", "dan", "eve")]
        await asyncio.gather(*greedy, *other)
        assert max(modest[1:]) <= 4, f"at first all are new: {modest}"
        assert order.index("cy") < order.index("dan") < order.index("eve"), (
            "and those in the order in which they came"
        )
        assert all(order.count(f"greedy{caller}") == 20 for caller in range(20))
        assert not turns._new
        return order

    asyncio.run(served())


@pytest.mark.parametrize(("total", "each", "most"), [(4, 2, 2), (3, 8, 3), (1, 1, 1)])
def test_no_more_are_at_work_than_may_be(total, each, most):
    async def peak() -> int:
        turns, at_work, found = Turns(total, each), 0, 0

        async def work() -> None:
            nonlocal at_work, found
            async with turns.taking("ann"):
                at_work += 1
                found = max(found, at_work)
                await asyncio.sleep(0.001)
                at_work -= 1

        await asyncio.gather(*(work() for _ in range(20)))
        return found

    assert asyncio.run(peak()) == most


def test_whoever_has_too_many_waiting_is_refused_and_nobody_else_is():
    async def full() -> None:
        turns, order = Turns(1, 1, waiting=2), []
        tasks = [asyncio.create_task(take_turn(turns, "ann", order, 0.05)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="2 requests of this token wait already") as refused:
            await take_turn(turns, "ann", order)
        assert (refused.value.status, refused.value.code) == (429, "too_many_at_once")
        await asyncio.gather(take_turn(turns, "bob", order), *tasks)
        assert sorted(order) == ["ann", "ann", "ann", "bob"]

    asyncio.run(full())


@pytest.mark.parametrize("reached", [False, True], ids=["while it waits", "as its turn comes"])
def test_a_request_that_is_given_up_leaves_its_turn_to_others(reached):
    async def gone() -> None:
        turns, order = Turns(1, 1), []
        first = asyncio.create_task(take_turn(turns, "ann", order, 0.02))
        await asyncio.sleep(0)
        second = asyncio.create_task(take_turn(turns, "ann", order))
        third = asyncio.create_task(take_turn(turns, "bob", order))
        await asyncio.sleep(0)
        if reached:
            turns._release("ann")  # as the first one does when it ends
            turns._held["ann"] += 1
        second.cancel()
        await asyncio.wait_for(asyncio.gather(first, third), 10)
        assert order == ["ann", "bob"]

    asyncio.run(gone())


@pytest.mark.parametrize(
    ("values", "work"),
    [
        ({"body": {"prompt": "a cat"}}, "quick"),
        ({"body": {"prompt": "a cat", "input_reference": {"file_id": "file_1"}}}, "files"),
        ({"body": {"prompt": "a cat", "input_reference": "data:image/png;base64,AAAA"}}, "files"),
        (
            {"body": {"prompt": "a cat", "keyframes": {"0": [{"image_url": "data:image/png;base64,AA"}]}}},
            "files",
        ),
        ({"video_id": "video_1"}, "quick"),
        ({"job_id": "video_1", "limit": 3}, "quick"),
    ],
)
def test_what_names_a_file_is_known_before_a_thread_is_taken(values, work):
    assert work_of(values) == work


def test_a_route_says_what_it_needs_and_works_once():
    router = APIRouter(route_class=FairRoute)

    @router.get("/a")
    @working("calls")
    def a(context: str, caller: str) -> str:
        """Have a name."""
        return context + caller

    (route,) = router.routes
    assert route.endpoint.__name__ == "a"
    assert in_turn(route.endpoint) is route.endpoint
    assert a("x", "y") == "xy"


@pytest.fixture
def two(context: ServerContext, live) -> tuple[httpx.Client, httpx.Client]:
    """Two callers of one server, who know nothing of one another."""
    secrets = [context.tokens.add(name, "write") for name in ("ann", "bob")]
    with (
        httpx.Client(base_url=live, headers={"authorization": f"Bearer {secrets[0]}"}, timeout=120) as ann,
        httpx.Client(base_url=live, headers={"authorization": f"Bearer {secrets[1]}"}, timeout=120) as bob,
    ):
        yield ann, bob


@contextmanager
def flood(send, number: int = 42):
    """Send so many requests at once for as long as a block lasts, and see that all were answered."""
    with ThreadPoolExecutor(number) as threads:
        sent = [threads.submit(send) for _ in range(number)]
        time.sleep(0.3)
        try:
            yield
        finally:
            answers = [one.result() for one in sent]
    assert {answer.status_code for answer in answers} <= {200, 400, 429}


def quickly(client: httpx.Client) -> None:
    """What needs no file and no call is answered soon, to whoever asks."""
    for path in ("/v1/videos", "/readyz", "/api/v1/queue", "/v1/webhook_endpoints"):
        assert client.get(path, timeout=20).status_code == 200
    assert client.post("/v1/videos", json={"prompt": "a cat", "num_frames": 5}, timeout=20).status_code == 200


@pytest.mark.parametrize("what", ["creates with a picture", "uploads", "verifications"])
def test_looks_at_one_callers_files_hold_up_nobody_else(two, monkeypatch, what):
    """S7: 45 pictures at once, of which each look takes a while."""
    ann, bob = two
    go_on = threading.Event()
    refused = sandbox.Inspection("refused", {"problem": "is none"})
    monkeypatch.setattr(sandbox.SandboxWorker, "look", lambda *args: (go_on.wait(60), refused)[1])
    picture = {"input_reference": ("a.png", png(), "image/png")}
    send = {
        "creates with a picture": lambda: ann.post("/v1/videos", data={"prompt": "a cat"}, files=picture),
        "uploads": lambda: ann.post("/api/v1/uploads", files={"file": ("a.png", png(), "image/png")}),
        "verifications": lambda: ann.post("/api/v1/verify", files={"file": ("a.png", b"none", "image/png")}),
    }[what]
    with flood(send):
        try:
            quickly(bob)
            quickly(ann)
        finally:
            go_on.set()


def test_tests_of_silent_endpoints_hold_up_nobody_else(two, context):
    """S7: 45 tests of an endpoint that takes the connection and says nothing."""
    ann, bob = two
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        object.__setattr__(context.endpoints.egress, "seconds", 0.1)
        endpoint = context.endpoints.add(url, owner="ann", private=True)
        with flood(lambda: ann.post(f"/v1/webhook_endpoints/{endpoint.id}/test")):
            quickly(bob)
            quickly(ann)

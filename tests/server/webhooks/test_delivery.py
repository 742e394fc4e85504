import json
import signal
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import apsw
import pytest

from tests.server.receiver import is_signed, receiving
from vitascope.jobs.clock import HandClock
from vitascope.jobs.job import Failure, OutboxMessage
from vitascope.jobs.outbox import Outbox
from vitascope.jobs.service import open_service
from vitascope.jobs.stores.memory import memory_store
from vitascope.server.egress import EgressClient
from vitascope.server.webhooks import delivery
from vitascope.server.webhooks.delivery import WebhookSender
from vitascope.server.webhooks.endpoints import Endpoint, Endpoints
from vitascope.testing.chaos import run, take


@pytest.fixture
def clock() -> HandClock:
    return HandClock(time.time())


@pytest.fixture
def box(clock) -> Outbox:
    return Outbox(memory_store(clock), lambda: 0.5)


@pytest.fixture
def endpoints(tmp_path, clock) -> Endpoints:
    return Endpoints(tmp_path / "webhooks.json", clock=clock.now)


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def sender(box, endpoints, lines):
    sender = WebhookSender(box, endpoints, EgressClient(5), lines.append)
    yield sender
    sender.close()


def news(box: Outbox, seed: int = 7, owner: str = "") -> str:
    """A job that is over."""
    from vitascope.jobs.job import Request

    box.store.submit(Request.of(take(seed)), owner=owner)
    job = box.store.claim("w")
    box.store.complete(job.lease, [])
    return job.id


def deliver(sender: WebhookSender) -> None:
    while sender.tick():
        pass


def test_news_arrives_once_signed_and_in_the_shape_of_openai(sender, box, endpoints, receiver, clock):
    endpoint = endpoints.add(receiver.url, private=True)
    job = news(box)
    deliver(sender)
    deliver(sender)
    ((path, headers, body),) = receiver.came
    told = json.loads(body)
    assert path == "/hook?a=b"
    assert told == {
        "id": headers["webhook-id"],
        "object": "event",
        "created_at": int(clock.now()),
        "type": "video.completed",
        "data": {"id": job},
    }
    assert told["id"].startswith("evt_")
    assert headers["content-type"] == "application/json"
    assert is_signed(headers, body, endpoint.secret)
    assert not is_signed(headers, body + b" ", endpoint.secret)
    assert not is_signed({**headers, "webhook-id": "evt_other"}, body, endpoint.secret)
    assert not is_signed({**headers, "webhook-timestamp": str(int(clock.now()) - 1)}, body, endpoint.secret)
    assert not is_signed(headers, body, endpoints.add(receiver.url, private=True).secret)
    assert box.counts()[endpoint.id] == {"delivered": 1}


def test_an_endpoint_that_fails_twice_gets_the_same_letter_a_third_time(
    sender, box, endpoints, receiver, clock, lines
):
    receiver.answers = [500, 503, 200]
    endpoint = endpoints.add(receiver.url, private=True)
    news(box)
    for wait in (0, 5, 300):
        clock.wait(wait)
        deliver(sender)
    assert len(receiver.came) == 3
    assert len({headers["webhook-id"] for _, headers, _ in receiver.came}) == 1
    assert len({body for _, _, body in receiver.came}) == 1
    for _, headers, body in receiver.came:
        moment = int(headers["webhook-timestamp"])
        assert is_signed(headers, body, endpoint.secret, now=moment)
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.came}) == 3
    (seen,) = box.deliveries(endpoint.id)
    assert (seen.state, seen.tries, seen.status) == ("delivered", 3, 200)
    assert lines == []


def test_after_the_last_try_it_is_given_up_and_everybody_can_see_that(
    sender, box, endpoints, receiver, clock, lines
):
    receiver.answers = [500]
    endpoint = endpoints.add(receiver.url, "studio", private=True)
    news(box)
    for _ in range(12):
        deliver(sender)
        clock.wait(100_000)
    assert len(receiver.came) == 10
    assert box.counts() == {endpoint.id: {"given_up": 1}}
    (line,) = lines
    assert "is given up after 10 tries: it answers 500" in line
    assert endpoints.get("studio") == endpoint, "it is still told of what comes next"
    box.resend(endpoint.id)
    receiver.answers = [200]
    deliver(sender)
    assert box.counts() == {endpoint.id: {"delivered": 1}}


def test_an_address_inside_is_refused_unless_the_owner_of_the_machine_allows_it(
    sender, box, endpoints, receiver, clock
):
    from vitascope.errors import RequestError

    with pytest.raises(RequestError, match="goes unencrypted"):
        endpoints.add(receiver.url)
    with pytest.raises(RequestError, match=r"127.0.0.1, which lies inside"):
        endpoints.add(receiver.url.replace("http:", "https:"))
    allowed = endpoints.add(receiver.url, private=True)
    # As if a name that was public when it was registered had turned inside.
    inside = replace(allowed, id="we_inside", url=receiver.url.replace("http:", "https:"), private=False)
    endpoints._kept.change(lambda kept: [inside])
    news(box)
    deliver(sender)
    assert receiver.came == []
    (seen,) = box.deliveries("we_inside")
    assert (seen.state, seen.tries, seen.status) == ("waiting", 1, None)
    assert "lies inside: nothing is sent there" in seen.problem


def test_an_endpoint_that_does_not_answer_holds_up_nobody_else(sender, box, endpoints, receiver, clock):
    with receiving() as gone:
        dead = endpoints.add(gone.url, private=True)
    alive = endpoints.add(receiver.url, private=True)
    for seed in range(20):
        news(box, seed)
    deliver(sender)
    assert len(receiver.came) == 20
    waiting = box.deliveries(dead.id)
    assert sorted(one.tries for one in waiting) == [0] * 19 + [1], "one was tried, the others did not count"
    assert box.counts()[alive.id] == {"delivered": 20}


@contextmanager
def running(sender: WebhookSender):
    """Let a courier work as a server does, for as long as a block lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop, 0.02))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


@contextmanager
def silent():
    """The address of somebody who takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


@pytest.mark.parametrize("owner", [None, "bob"], ids=["of the same owner", "of another owner"])
def test_silent_endpoints_hold_up_no_news_for_one_that_answers(box, endpoints, receiver, lines, owner):
    """S12: 19 endpoints that accept and never answer, and a good one: it heard after 75, 57, 85 s."""
    sender = WebhookSender(box, endpoints, EgressClient(1.0), lines.append)
    with silent() as url:
        for _ in range(19):
            endpoints.add(url, private=True, owner="ann" if owner else None)
        endpoints.add(receiver.url, private=True, owner=owner)
        with running(sender):
            news(box, 1, owner or "")
            until(lambda: len(receiver.came) == 1)
            for seed in range(2, 8):
                begin = time.monotonic()
                news(box, seed, owner or "")
                news(box, seed + 100, "ann")
                until(lambda most=seed: len(receiver.came) >= most)
                assert time.monotonic() - begin < 0.9, "nobody waits for those that say nothing"


def test_endpoints_that_answer_errors_slowly_hold_up_nobody_else(box, endpoints, receiver, lines):
    sender = WebhookSender(box, endpoints, EgressClient(5.0), lines.append)
    with receiving() as slow:
        slow.answers, slow.pause = [500], 1.0
        for _ in range(20):
            endpoints.add(slow.url, private=True, owner="ann")
        endpoints.add(receiver.url, private=True, owner="bob")
        with running(sender):
            for seed in range(5):
                news(box, seed, "ann")
            news(box, 9, "bob")
            begin = time.monotonic()
            until(lambda: receiver.came)
            assert time.monotonic() - begin < 0.9
            assert 0 < len(slow.came) <= 8, "an owner's share of those that have not answered yet"


def test_what_turned_silent_is_left_alone_longer_each_time_and_heard_again_when_it_answers(
    box, endpoints, receiver, lines, clock, monkeypatch
):
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.2)
    sender = WebhookSender(box, endpoints, EgressClient(0.1), lines.append)
    with silent() as url:
        endpoint = endpoints.add(url, private=True)
        for seed in range(3):
            news(box, seed)
        deliver(sender)
        pauses = []
        for _ in range(3):
            pauses.append(sender._paused_until[endpoint.id, url] - time.monotonic())
            clock.wait(100)
            assert not sender.tick(), "it is paused"
            until(lambda: sender._paused_until[endpoint.id, url] < time.monotonic())
            deliver(sender)
    assert pauses[0] < pauses[1] / 3 < pauses[2] / 9
    endpoints.change(endpoint, {"url": receiver.url})
    clock.wait(10_000)
    deliver(sender)
    assert box.counts() == {endpoint.id: {"delivered": 3}}


def test_who_hears_of_what(box):
    hears = Endpoint("we_a", "a", "https://a.example/", "whsec_", owner="ann", created_at=100.0)
    letter = OutboxMessage("evt_1", "video_1", "video.completed", 100.0, "ann")
    assert hears.hears(letter) == "video.completed"
    assert hears.hears(replace(letter, owner="bob")) is None
    assert replace(hears, owner=None).hears(replace(letter, owner="bob")) == "video.completed"
    assert hears.hears(replace(letter, at=99.0)) is None, "it was not there yet"
    cancelled = replace(letter, type="video.cancelled")
    assert hears.hears(cancelled) == "video.failed", "as /v1/videos tells it"
    assert replace(hears, event_types=("video.cancelled",)).hears(cancelled) == "video.cancelled"
    assert replace(hears, event_types=("video.completed",)).hears(cancelled) is None


def test_old_news_and_that_of_others_is_not_told(sender, box, endpoints, receiver, clock):
    news(box)
    clock.wait(1)
    endpoints.add(receiver.url, owner="ann", private=True)
    news(box, owner="bob")
    mine = news(box, owner="ann")
    deliver(sender)
    assert [json.loads(body)["data"]["id"] for _, _, body in receiver.came] == [mine]


def test_both_secrets_sign_for_a_day_after_a_rotation(sender, box, endpoints, receiver, clock):
    endpoint = endpoints.add(receiver.url, private=True)
    after = endpoints.rotate(endpoint, overlap=True)
    assert after.secret != endpoint.secret
    news(box)
    deliver(sender)
    clock.wait(86_401)
    news(box)
    deliver(sender)
    (_, first, body), (_, second, later) = receiver.came
    assert is_signed(first, body, endpoint.secret)
    assert is_signed(first, body, after.secret)
    now = int(second["webhook-timestamp"])
    assert is_signed(second, later, after.secret, now)
    assert not is_signed(second, later, endpoint.secret, now)


def test_secrets_lie_where_only_their_owner_can_read_them(endpoints, tmp_path):
    endpoints.add("https://hook.example/", private=True)
    assert (tmp_path / "webhooks.json").stat().st_mode & 0o777 == 0o600


def test_it_runs_until_it_is_stopped(sender, box, endpoints, receiver):
    endpoints.add(receiver.url, private=True)
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop, 0.01))
    thread.start()
    try:
        news(box)
        until(lambda: receiver.came)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize("point", ["webhook: addressed", "webhook: sent"])
def test_killed_while_it_delivers(tmp_path, receiver, point):
    service = open_service(tmp_path)
    endpoint = Endpoints(tmp_path / "webhooks.json").add(receiver.url, private=True)
    job = service.submit(take(0)).id
    service.store.claim("w")
    service.store.fail(service.store.get(job).lease, Failure("internal_error", "it broke"))
    assert run(tmp_path, "webhooks", "deliver", "--once", fault=point) == -signal.SIGKILL
    seen = len(receiver.came)
    assert seen == (1 if point == "webhook: sent" else 0)
    with apsw.Connection(str(service.storage.queue)) as connection:  # as if a minute had passed
        connection.execute("update deliveries set due = 0 where due is not null")
    assert run(tmp_path, "webhooks", "deliver", "--once") == 0, (tmp_path / "log").read_text()
    assert len(receiver.came) == seen + 1, "at least once, and the receiver knows it by its id"
    assert len({headers["webhook-id"] for _, headers, _ in receiver.came}) == 1
    assert Outbox(service.store).counts() == {endpoint.id: {"delivered": 1}}
    assert service.store.check() == "ok"


def test_what_goes_wrong_here_is_said_once_and_gone_on_after(
    sender, box, endpoints, receiver, lines, tmp_path
):
    file = tmp_path / "webhooks.json"
    file.write_text("[{")
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop, 0.01))
    thread.start()
    try:
        until(lambda: lines)
        file.unlink()
        endpoints.add(receiver.url, private=True)
        news(box)
        until(lambda: receiver.came)
    finally:
        stop.set()
        thread.join(30)
    assert len(lines) == 1
    assert lines[0].startswith("webhooks: ")


def until(true) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_endpoints_of_the_same_moment_are_all_kept(endpoints, tmp_path):
    made = [endpoints.add("https://8.8.8.8/", f"studio {number}") for number in range(8)]
    assert list(endpoints.all()) == made
    for one in made[1:]:
        endpoints.remove(one)
    assert Endpoints(tmp_path / "webhooks.json").all() == (made[0],)

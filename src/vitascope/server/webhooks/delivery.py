"""Webhook delivery: takes the deliveries that are due and posts them, to many endpoints at the same time.

An endpoint that fails is paused on its own, longer each time, and news for others never waits behind it: what has
answered before goes first and has threads that no other endpoint may take, and of the rest each owner has a share.
Several couriers may work for one queue, in as many processes.
"""

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import groupby

from vitascope.errors import RequestError
from vitascope.escaping import escaped
from vitascope.failpoints import failpoint
from vitascope.jobs.job import Delivery, OutboxMessage
from vitascope.jobs.outbox import HOLD_SECONDS, Outbox
from vitascope.server.egress import Answer, EgressClient, Unreachable
from vitascope.server.webhooks.endpoints import Endpoint, Endpoints, sample, signed

AT_ONCE, AT_ONCE_EACH = 24, 12
"""Endpoints that are told something at the same time: in all, and of one owner."""
UNPROVEN, UNPROVEN_EACH = 16, 8
"""Of these, those that failed last or have not answered yet: in all, and of one owner."""
BATCH = 32
MAX_PAUSE = 600.0
"""Longest time for which an endpoint that fails is left alone, in seconds."""
FIRST_PAUSE = 5.0
SPARE_SECONDS = 5.0
"""How long before others may take a delivery no try of it is begun any more, beside the time that a try may take."""
GONE = 410
"""What an endpoint answers that will never want this again."""


def say(line: str) -> None:
    """Write a line to the log: stderr."""
    print(f"vitascope: {escaped(line)}", file=sys.stderr, flush=True)


class WebhookSender:
    """Delivers the news of a outbox. Call `tick` about once a second, or `run`."""

    def __init__(
        self,
        outbox: Outbox,
        endpoints: Endpoints,
        egress: EgressClient | None = None,
        say: Callable[[str], None] = say,
    ):
        """Deliver to these endpoints through an egress client."""
        self.outbox, self.endpoints = outbox, endpoints
        self._egress, self._say = egress or endpoints.egress, say
        self._paused_until: dict[tuple[str, str], float] = {}
        self._failures: dict[str, int] = {}
        self._proven: set[str] = set()
        self._busy: dict[str, tuple[Endpoint, Future[None]]] = {}
        self._leaving = False
        self._threads = ThreadPoolExecutor(AT_ONCE, "webhooks")

    def run(self, stop: threading.Event, every: float = 1.0) -> None:
        """Deliver until `stop` is set; what is on its way then is waited for."""
        worry = ""
        while not stop.is_set():
            try:
                busy, worry = self._begin(), ""
            except Exception as error:
                # A full disk, a file that somebody broke. What was not written down is tried again, perhaps twice.
                busy, line = False, f"webhooks: {' '.join(str(error).split()) or type(error).__name__}"
                if line != worry:
                    self._say(line)
                worry = line
            stop.wait(0.05 if busy else every * random.uniform(0.8, 1.2))
        self.close()

    def tick(self) -> bool:
        """Take what is due, try it once and wait for that; return whether there was anything."""
        busy = self._begin()
        wait([future for _, future in self._busy.values()])
        self._clear()
        return busy

    def _begin(self) -> bool:
        """Begin to try what is due, and return whether there was anything; raises what went wrong before."""
        self._clear()
        endpoints = {endpoint.id: endpoint for endpoint in self.endpoints.all()}
        if not endpoints:
            return False
        addressed = self.outbox.address(lambda message: _addressees(endpoints.values(), message))
        if addressed:
            failpoint("webhook: addressed")
        now = time.monotonic()
        due = [endpoints[name] for name in self.outbox.due() if name in endpoints and name not in self._busy]
        chosen = self._choose(
            [endpoint for endpoint in due if self._paused_until.get((endpoint.id, endpoint.url), 0.0) <= now]
        )
        taken = (
            sorted(self.outbox.take(chosen, BATCH), key=lambda delivery: delivery.endpoint) if chosen else []
        )
        until = now + HOLD_SECONDS - float(self._egress.seconds) - SPARE_SECONDS
        for name, group in groupby(taken, lambda delivery: delivery.endpoint):
            round = self._threads.submit(self._round, endpoints[name], list(group), until)
            self._busy[name] = (endpoints[name], round)
        return bool(addressed or taken)

    def _choose(self, due: Iterable[Endpoint]) -> list[str]:
        """Return the endpoints that may be told something now: those that answer first, then a share of the others."""
        working = [endpoint for endpoint, _ in self._busy.values()]
        total = Counter(endpoint.owner for endpoint in working)
        unproven = Counter(endpoint.owner for endpoint in working if endpoint.id not in self._proven)
        chosen = []
        for endpoint in sorted(
            due,
            key=lambda endpoint: (self._failures.get(endpoint.id, self._unknown(endpoint)), random.random()),
        ):
            if total.total() >= AT_ONCE or total[endpoint.owner] >= AT_ONCE_EACH:
                continue
            if endpoint.id not in self._proven:
                if unproven.total() >= UNPROVEN or unproven[endpoint.owner] >= UNPROVEN_EACH:
                    continue
                unproven[endpoint.owner] += 1
            total[endpoint.owner] += 1
            chosen.append(endpoint.id)
        return chosen

    def _unknown(self, endpoint: Endpoint) -> float:
        """Return where an endpoint that has not failed stands: behind those that answer, before those that failed."""
        return 0.0 if endpoint.id in self._proven else 0.5

    def _clear(self) -> None:
        """Forget the rounds that are over; raises what went wrong with one."""
        finished = [name for name, (_, round) in self._busy.items() if round.done()]
        ended = [self._busy.pop(name)[1] for name in finished]
        for round in ended:
            round.result()

    def close(self) -> None:
        """Wait for what is on its way, and begin nothing new."""
        self._leaving = True
        self._threads.shutdown(cancel_futures=True)

    def _round(self, endpoint: Endpoint, deliveries: list[Delivery], until: float) -> None:
        """Try the deliveries to one endpoint, one after the other, while it answers and they are still held."""
        for number, delivery in enumerate(deliveries):
            if self._leaving or time.monotonic() > until:
                self._put_back(deliveries[number:], 0.0)
                return
            if (pause := self._try(endpoint, delivery)) > 0:
                self._paused_until[endpoint.id, endpoint.url] = time.monotonic() + pause
                self._put_back(deliveries[number + 1 :], pause)
                return

    def _try(self, endpoint: Endpoint, delivery: Delivery) -> float:
        """Try a delivery, write down how it went, and return for how many seconds the endpoint is left alone."""
        body, headers = signed(endpoint, delivery, self.outbox.store.clock.now())
        try:
            answer = self._egress.post(endpoint.url, body, headers, private=endpoint.private)
        except Unreachable as error:
            self._failed(endpoint, delivery, str(error), None)
            return min(MAX_PAUSE, FIRST_PAUSE * 4 ** min(9, self._failures[endpoint.id] - 1))
        failpoint("webhook: sent")
        if 200 <= answer.status < 300:
            self._proven.add(endpoint.id)
            self._failures.pop(endpoint.id, None)
            self.outbox.arrived(delivery, answer.status)
            return 0.0
        suffix = ", and no redirect is followed" if 300 <= answer.status < 400 else ""
        self._failed(endpoint, delivery, f"it answers {answer.status}{suffix}", answer)
        return min(MAX_PAUSE, answer.wait)

    def _failed(self, endpoint: Endpoint, delivery: Delivery, problem: str, answer: Answer | None) -> None:
        self._proven.discard(endpoint.id)
        self._failures[endpoint.id] = self._failures.get(endpoint.id, 0) + 1
        status, wait = (None, 0.0) if answer is None else (answer.status, answer.wait)
        after = self.outbox.failed(delivery, problem, status, wait=wait, final=status == GONE)
        if after.state == "given_up":
            label = f"{delivery.letter} ({delivery.type}) for {endpoint.id} ({endpoint.name})"
            self._say(f"webhooks: {label} is given up after {delivery.tries} tries: {problem}")

    def _put_back(self, deliveries: list[Delivery], seconds: float) -> None:
        for delivery in deliveries:
            self.outbox.put_back(delivery, seconds)


def _addressees(endpoints: Iterable[Endpoint], message: OutboxMessage) -> list[tuple[str, str]]:
    """Return which endpoints want a message, and what it is called there."""
    names = [(endpoint.id, endpoint.hears(message)) for endpoint in endpoints]
    return [(name, type) for name, type in names if type is not None]


def attempt(endpoint: Endpoint, type: str, egress: EgressClient) -> int:
    """Tell an endpoint of a video that never was, once, and return its status; raises `RequestError`."""
    now = time.time()
    body, headers = signed(endpoint, sample(endpoint, type, now), now)
    try:
        return egress.post(endpoint.url, body, headers, private=endpoint.private).status
    except Unreachable as error:
        raise RequestError("url", f"{endpoint.url} cannot be told anything: {error}") from None

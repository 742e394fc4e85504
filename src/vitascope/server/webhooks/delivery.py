"""The courier: it takes deliveries that are due and posts them, a few endpoints at the same time.

An endpoint that does not answer rests for a while, so that news for others never waits behind it. Several couriers may
work for one queue, in as many processes.
"""

import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from vitascope.errors import RequestError
from vitascope.escaping import escaped
from vitascope.failpoints import failpoint
from vitascope.jobs.job import Delivery, OutboxMessage
from vitascope.jobs.outbox import HOLD_SECONDS, Outbox
from vitascope.server.egress import Answer, Outward, Unreachable
from vitascope.server.webhooks.endpoints import Endpoint, Endpoints, sample, signed

AT_ONCE = 4
BATCH = 32
MOST_REST = 60.0
SPARE_SECONDS = 5.0
"""How long before others may take a delivery no try of it is begun any more, beside the time that a try may take."""
GONE = 410
"""What an endpoint answers that will never want this again."""


def say(line: str) -> None:
    """Write a line to the log: stderr."""
    print(f"vitascope: {escaped(line)}", file=sys.stderr, flush=True)


class Courier:
    """Delivers the news of a outbox. Call `tick` about once a second, or `run`."""

    def __init__(
        self,
        outbox: Outbox,
        endpoints: Endpoints,
        outward: Outward | None = None,
        say: Callable[[str], None] = say,
    ):
        """Deliver to these endpoints by the door to the outside."""
        self.outbox, self.endpoints = outbox, endpoints
        self._outward, self._say = outward or endpoints.outward, say
        self._resting: dict[str, float] = {}
        self._leaving = False
        self._threads = ThreadPoolExecutor(AT_ONCE, "courier")

    def run(self, stop: threading.Event, every: float = 1.0) -> None:
        """Deliver until `stop` is set; what is on its way then is waited for."""
        worry = ""
        while not stop.is_set():
            try:
                busy, worry = self.tick(), ""
            except Exception as error:
                # A full disk, a file that somebody broke. What was not written down is tried again, perhaps twice.
                busy, line = False, f"webhooks: {' '.join(str(error).split()) or type(error).__name__}"
                if line != worry:
                    self._say(line)
                worry = line
            stop.wait(0.0 if busy else every * random.uniform(0.8, 1.2))
        self.close()

    def tick(self) -> bool:
        """Take what is due and try it once; return whether there was anything."""
        known = {one.id: one for one in self.endpoints.all()}
        if not known:
            return False
        addressed = self.outbox.address(lambda message: _wanted(known.values(), message))
        if addressed:
            failpoint("webhook: addressed")
        now = time.monotonic()
        awake = [name for name in known if self._resting.get(name, 0.0) <= now]
        taken = sorted(self.outbox.take(awake, BATCH), key=lambda one: one.endpoint)
        rounds = [(known[name], list(some)) for name, some in groupby(taken, lambda one: one.endpoint)]
        until = now + HOLD_SECONDS - float(self._outward.seconds) - SPARE_SECONDS
        for done in [self._threads.submit(self._round, *one, until) for one in rounds]:
            done.result()
        return bool(addressed or taken)

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
            if (rest := self._try(endpoint, delivery)) > 0:
                self._resting[endpoint.id] = time.monotonic() + rest
                self._put_back(deliveries[number + 1 :], rest)
                return

    def _try(self, endpoint: Endpoint, delivery: Delivery) -> float:
        """Try a delivery, write down how it went, and return for how many seconds the endpoint is left alone."""
        body, headers = signed(endpoint, delivery, self.outbox.store.clock.now())
        try:
            answer = self._outward.post(endpoint.url, body, headers, private=endpoint.private)
        except Unreachable as error:
            self._failed(endpoint, delivery, str(error), None)
            return min(MOST_REST, 5.0 * 4 ** (delivery.tries - 1))
        failpoint("webhook: sent")
        if 200 <= answer.status < 300:
            self.outbox.arrived(delivery, answer.status)
            return 0.0
        more = ", and no redirect is followed" if 300 <= answer.status < 400 else ""
        self._failed(endpoint, delivery, f"it answers {answer.status}{more}", answer)
        return min(MOST_REST, answer.wait)

    def _failed(self, endpoint: Endpoint, delivery: Delivery, problem: str, answer: Answer | None) -> None:
        status, wait = (None, 0.0) if answer is None else (answer.status, answer.wait)
        after = self.outbox.failed(delivery, problem, status, wait=wait, final=status == GONE)
        if after.state == "given_up":
            told = f"{delivery.letter} ({delivery.type}) for {endpoint.id} ({endpoint.name})"
            self._say(f"webhooks: {told} is given up after {delivery.tries} tries: {problem}")

    def _put_back(self, deliveries: list[Delivery], seconds: float) -> None:
        for delivery in deliveries:
            self.outbox.put_back(delivery, seconds)


def _wanted(endpoints: Iterable[Endpoint], message: OutboxMessage) -> list[tuple[str, str]]:
    """Return which endpoints want a message, and what it is called there."""
    heard = [(one.id, one.hears(message)) for one in endpoints]
    return [(name, type) for name, type in heard if type is not None]


def attempt(endpoint: Endpoint, type: str, outward: Outward) -> int:
    """Tell an endpoint of a video that never was, once, and return its status; raises `RequestError`."""
    now = time.time()
    body, headers = signed(endpoint, sample(endpoint, type, now), now)
    try:
        return outward.post(endpoint.url, body, headers, private=endpoint.private).status
    except Unreachable as error:
        raise RequestError("url", f"{endpoint.url} cannot be told anything: {error}") from None

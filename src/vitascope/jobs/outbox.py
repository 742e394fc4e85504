"""News on its way out: each message becomes one delivery per endpoint, tried until it arrives or is given up.

At least once: a delivery is claimed for a while, and whoever claimed it says how it went; where nobody does, because
the process was killed, it is tried again. Nothing here sends anything (`server/webhooks/delivery.py` does).
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import get_args

from vitascope.jobs.job import Delivery, DeliveryState, OutboxMessage
from vitascope.jobs.stores.store import Store

WAITS = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds after each try that failed: ten tries over some 75 hours, as Standard Webhooks advises."""
MAX_TRIES = len(WAITS) + 1
JITTER = 0.2
HOLD_SECONDS = 60.0
"""How long a delivery that was taken is nobody else's."""


class Outbox:
    """The deliveries of a store. Every method is one transaction."""

    def __init__(self, store: Store, chance: Callable[[], float] = random.random):
        """Keep them where the store keeps its jobs; `chance` gives numbers in 0..1."""
        self.store, self._chance = store, chance

    def address(self, wanted: Callable[[OutboxMessage], Iterable[tuple[str, str]]], limit: int = 100) -> int:
        """Turn messages into deliveries to the endpoints that want them; return how many messages those were.

        `wanted` returns the ids of the endpoints, each with what it calls the news.
        """
        tables, now = self.store.tables, self.store.clock.now()
        with tables.transaction():
            messages = tables.take_messages(now, now + HOLD_SECONDS, limit)
            for message in messages:
                for endpoint, type in wanted(message):
                    tables.add_delivery(
                        Delivery(message.id, endpoint, message.job, type, message.at, due=now)
                    )
                tables.settle_message(message.id, None)
        return len(messages)

    def take(
        self, endpoints: Sequence[str], limit: int = 8, hold_seconds: float | int = HOLD_SECONDS
    ) -> list[Delivery]:
        """Return deliveries to these endpoints that are to be tried now; nobody else gets them while they are held."""
        now = self.store.clock.now()
        with self.store.tables.transaction():
            return self.store.tables.take_deliveries(endpoints, now, now + hold_seconds, limit)

    def due(self) -> list[str]:
        """Return the ids of the endpoints that something is to be tried for now."""
        return self.store.tables.due_endpoints(self.store.clock.now())

    def arrived(self, delivery: Delivery, status: int) -> Delivery:
        """Say that a delivery has arrived, and return it as it is now."""
        return self._settle(
            delivery, replace(delivery, state="delivered", due=None, status=status, problem=None)
        )

    def failed(
        self,
        delivery: Delivery,
        problem: str,
        status: int | None = None,
        *,
        wait: float | int = 0.0,
        final: bool = False,
    ) -> Delivery:
        """Say that a try failed; the next one comes later and later, after `wait` seconds at the earliest.

        After the last one, or when this one is `final`, the delivery is given up: it stays, with its problem.
        """
        after = replace(delivery, status=status, problem=problem[:300])
        if final or delivery.tries >= MAX_TRIES:
            return self._settle(delivery, replace(after, state="given_up", due=None))
        usual = WAITS[delivery.tries - 1] * (1 - JITTER + 2 * JITTER * self._chance())
        return self._settle(delivery, replace(after, due=self.store.clock.now() + max(usual, wait)))

    def put_back(self, delivery: Delivery, seconds: float | int = 0.0) -> Delivery:
        """Return a delivery that was not tried; that does not count as a try."""
        due = self.store.clock.now() + seconds
        with self.store.tables.transaction():
            after = replace(delivery, tries=delivery.tries - 1, due=due)
            self.store.tables.settle_delivery(after, delivery.tries)
        return after

    def resend(self, endpoint: str) -> int:
        """Try all again that was given up for an endpoint; return how many those are."""
        with self.store.tables.transaction():
            return self.store.tables.resend(endpoint, self.store.clock.now())

    def forget(self, endpoint: str) -> None:
        """Forget all deliveries to an endpoint that is gone."""
        with self.store.tables.transaction():
            self.store.tables.forget_deliveries(endpoint)

    def deliveries(self, endpoint: str | None = None, limit: int = 100) -> list[Delivery]:
        """Return the deliveries to an endpoint (None: to all), the newest first."""
        return self.store.tables.deliveries(endpoint, limit)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many deliveries there are in each state, by endpoint."""
        told: dict[str, dict[str, int]] = {}
        for endpoint, state, number in self.store.tables.delivery_counts():
            told.setdefault(endpoint, {})[state] = number
        return told

    def totals(self) -> dict[str, int]:
        """Return how many deliveries there are in each state."""
        told = dict.fromkeys(get_args(DeliveryState), 0)
        for _, state, number in self.store.tables.delivery_counts():
            told[state] += number
        return told

    def _settle(self, claimed: Delivery, after: Delivery) -> Delivery:
        after = replace(after, tried_at=self.store.clock.now())
        with self.store.tables.transaction():
            self.store.tables.settle_delivery(after, claimed.tries)
        return after

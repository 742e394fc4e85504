"""Shares: how much of what all callers have in common one of them may hold at the same time."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from vitascope.server.errors import Refusal

MAX_STREAMS = 64
"""Streams of events that one token may listen to at once."""


class Shares:
    """So many things for each caller at the same time; what is more is refused."""

    def __init__(self, most: int, what: str):
        """Give each caller `most`; `what` names them in the refusal."""
        self.most, self._what = most, what
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taking(self, caller: str) -> Iterator[None]:
        """Hold one for as long as a block lasts; raises `Refusal`."""
        with self._lock:
            if self._held[caller] >= self.most:
                line = f"{self.most} {self._what} are open for this token already; close one first"
                headers = {"retry-after": "5"}
                raise Refusal(429, line, "too_many_at_once", type="rate_limit_error", headers=headers)
            self._held[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[caller] -= 1
                if not self._held[caller]:
                    del self._held[caller]

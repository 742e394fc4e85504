"""Models that stay loaded between jobs, and are let go when others need the room: the least recently used first."""

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Protocol, runtime_checkable

from vitascope.backends.base import Backend


@runtime_checkable
class Releases(Protocol):
    """A backend that knows how to let go of what it has loaded."""

    def release(self) -> None:
        """Let go of it; it is loaded again when it is next needed."""
        ...


class ModelCache:
    """At most `keep` backends with their models loaded."""

    def __init__(self, find: Callable[[str], Backend], keep: int = 1):
        """Look backends up by `find`."""
        self._find, self._keep = find, keep
        self._used: OrderedDict[str, Backend] = OrderedDict()

    def get(self, model: str) -> Backend:
        """Return the backend of a model, having made room for it. Raises what `find` raises."""
        backend = self._used.pop(model, None) or self._find(model)
        while len(self._used) >= self._keep:
            _, coldest = self._used.popitem(last=False)
            release(coldest)
        self._used[model] = backend
        return backend

    def release_all(self) -> None:
        """Let go of everything."""
        while self._used:
            release(self._used.popitem()[1])


def release(backend: Backend) -> None:
    """Let a backend go of what it has loaded: by its own `release`, or by dropping what it cached of itself."""
    if isinstance(backend, Releases):
        backend.release()
        return
    for name in list(vars(backend)):
        if isinstance(getattr(type(backend), name, None), cached_property):
            del vars(backend)[name]

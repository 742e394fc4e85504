"""Names of backends to backends; nothing heavy is imported until one is asked for."""

from functools import cache
from importlib import import_module

from vitascope.backends.base import Backend
from vitascope.errors import RequestError

_HOMES = {"toybox": "vitascope.backends.toybox:Toybox"}


def names() -> tuple[str, ...]:
    """Return the names of all backends."""
    return tuple(_HOMES)


def register(name: str, home: str) -> None:
    """Make a backend known; `home` is "module:callable", called without arguments when first asked for."""
    _HOMES[name] = home
    _open.cache_clear()


def backend(name: str) -> Backend:
    """Return the backend of that name, one per process; raises `RequestError` for an unknown one."""
    if name not in _HOMES:
        raise RequestError("model", f"{name[:40]!r} is not known", f"known: {', '.join(_HOMES)}")
    return _open(_HOMES[name])


@cache
def _open(home: str) -> Backend:
    module, _, attribute = home.partition(":")
    return getattr(import_module(module), attribute)()

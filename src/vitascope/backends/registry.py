"""Names of backends to backends; nothing heavy is imported until one is asked for."""

from functools import cache
from importlib import import_module

from vitascope.backends.base import Backend
from vitascope.backends.cast import CastLibrary
from vitascope.errors import RequestError
from vitascope.weights.catalogue import catalogue

_HOMES = {"toybox": "vitascope.toybox.backend:Toybox"}


CAST_LIBRARY = "vitascope.toybox.cast.library:Library"


def names() -> tuple[str, ...]:
    """Return the names of all backends."""
    return tuple(_HOMES)


def register(name: str, home: str) -> None:
    """Make a backend known; `home` is "module:callable", called without arguments when first asked for."""
    _HOMES[name] = home
    _open.cache_clear()


def backend(name: str) -> Backend:
    """Return the backend of that name, one per process; raises `RequestError` for an unknown one.

    A name is that of a registered backend, `remote:NAME` for a server, the id of an open-weight model of the catalogue,
    or the path of a folder or file of weights.
    """
    check_name(name)
    if name in _HOMES:
        return _open(_HOMES[name])
    if name.startswith("remote:"):
        return _open("vitascope.backends.remote:Remote", name.removeprefix("remote:"))
    return _open("vitascope.backends.diffusers.backend:Diffusers", name)


def cast_library() -> CastLibrary:
    """Return the memory of subjects of the model that ships."""
    module, _, attribute = CAST_LIBRARY.partition(":")
    return getattr(import_module(module), attribute)()


def check_name(name: str, argument: str = "model") -> None:
    """Raise `RequestError` for what is no backend's name, without asking whether the backend can be used."""
    if name in _HOMES or name.startswith("remote:") or name in catalogue():
        return
    if "/" in name or "\\" in name or name.endswith((".safetensors", ".gguf")):
        return
    hint = ", ".join((*_HOMES, "remote:NAME", *catalogue()))
    raise RequestError(
        argument, f"{name[:40]!r} is not known", f"known: {hint}, or the path of a folder of weights"
    )


@cache
def _open(home: str, *arguments: str) -> Backend:
    module, _, attribute = home.partition(":")
    return getattr(import_module(module), attribute)(*arguments)

"""Vitascope: words become a clip, on your own machine.

Names are loaded when they are first used, so that `import vitascope` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from vitascope.privacy import disable_reports

# Before any other import: some libraries report while they are imported.
disable_reports()

if TYPE_CHECKING:
    from vitascope.api import edit as edit
    from vitascope.api import extend as extend
    from vitascope.api import generate as generate
    from vitascope.api import stream as stream
    from vitascope.director.film import Film as Film
    from vitascope.director.film import FilmShot as FilmShot
    from vitascope.director.make import make_film as make_film
    from vitascope.errors import VitascopeError as VitascopeError
    from vitascope.progress import Progress as Progress
    from vitascope.types import CameraMove as CameraMove
    from vitascope.types import Clip as Clip
    from vitascope.types import Given as Given
    from vitascope.types import Record as Record
    from vitascope.types import Shot as Shot
    from vitascope.types import VideoShape as VideoShape

__version__ = "0.1.0"

_HOMES = {
    "generate": "vitascope.api",
    "extend": "vitascope.api",
    "edit": "vitascope.api",
    "stream": "vitascope.api",
    "make_film": "vitascope.director.make",
    "Film": "vitascope.director.film",
    "FilmShot": "vitascope.director.film",
    "VitascopeError": "vitascope.errors",
    "Progress": "vitascope.progress",
    "CameraMove": "vitascope.types",
    "Clip": "vitascope.types",
    "Given": "vitascope.types",
    "Record": "vitascope.types",
    "Shot": "vitascope.types",
    "VideoShape": "vitascope.types",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    """Load a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'vitascope' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

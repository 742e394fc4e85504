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
    from vitascope.async_api import AsyncFrameStream as AsyncFrameStream
    from vitascope.async_api import RenderTask as RenderTask
    from vitascope.async_api import aedit as aedit
    from vitascope.async_api import aextend as aextend
    from vitascope.async_api import agenerate as agenerate
    from vitascope.async_api import amake_film as amake_film
    from vitascope.async_api import astream as astream
    from vitascope.backends.base import FrameStream as FrameStream
    from vitascope.director.film import Film as Film
    from vitascope.director.film import FilmShot as FilmShot
    from vitascope.director.make import make_film as make_film
    from vitascope.errors import BrokenPictureError as BrokenPictureError
    from vitascope.errors import Cancelled as Cancelled
    from vitascope.errors import DamagedStateError as DamagedStateError
    from vitascope.errors import InputFileError as InputFileError
    from vitascope.errors import MarkError as MarkError
    from vitascope.errors import MemoryLackError as MemoryLackError
    from vitascope.errors import MissingExtraError as MissingExtraError
    from vitascope.errors import OutputError as OutputError
    from vitascope.errors import OutputExistsError as OutputExistsError
    from vitascope.errors import RemoteError as RemoteError
    from vitascope.errors import RequestError as RequestError
    from vitascope.errors import VitascopeError as VitascopeError
    from vitascope.errors import WeightsError as WeightsError
    from vitascope.progress import Event as Event
    from vitascope.progress import Progress as Progress
    from vitascope.types import CameraMove as CameraMove
    from vitascope.types import Clip as Clip
    from vitascope.types import Given as Given
    from vitascope.types import Plan as Plan
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
    "agenerate": "vitascope.async_api",
    "aextend": "vitascope.async_api",
    "aedit": "vitascope.async_api",
    "astream": "vitascope.async_api",
    "amake_film": "vitascope.async_api",
    "RenderTask": "vitascope.async_api",
    "AsyncFrameStream": "vitascope.async_api",
    "FrameStream": "vitascope.backends.base",
    "Film": "vitascope.director.film",
    "FilmShot": "vitascope.director.film",
    "Event": "vitascope.progress",
    "Progress": "vitascope.progress",
    "CameraMove": "vitascope.types",
    "Clip": "vitascope.types",
    "Given": "vitascope.types",
    "Plan": "vitascope.types",
    "Record": "vitascope.types",
    "Shot": "vitascope.types",
    "VideoShape": "vitascope.types",
    "VitascopeError": "vitascope.errors",
    "RequestError": "vitascope.errors",
    "OutputError": "vitascope.errors",
    "OutputExistsError": "vitascope.errors",
    "MarkError": "vitascope.errors",
    "InputFileError": "vitascope.errors",
    "WeightsError": "vitascope.errors",
    "RemoteError": "vitascope.errors",
    "MissingExtraError": "vitascope.errors",
    "MemoryLackError": "vitascope.errors",
    "BrokenPictureError": "vitascope.errors",
    "DamagedStateError": "vitascope.errors",
    "Cancelled": "vitascope.errors",
}

__all__ = [
    "AsyncFrameStream",
    "BrokenPictureError",
    "CameraMove",
    "Cancelled",
    "Clip",
    "DamagedStateError",
    "Event",
    "Film",
    "FilmShot",
    "FrameStream",
    "Given",
    "InputFileError",
    "MarkError",
    "MemoryLackError",
    "MissingExtraError",
    "OutputError",
    "OutputExistsError",
    "Plan",
    "Progress",
    "Record",
    "RemoteError",
    "RenderTask",
    "RequestError",
    "Shot",
    "VideoShape",
    "VitascopeError",
    "WeightsError",
    "__version__",
    "aedit",
    "aextend",
    "agenerate",
    "amake_film",
    "astream",
    "edit",
    "extend",
    "generate",
    "make_film",
    "stream",
]


def __getattr__(name: str) -> object:
    """Load a public name from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'vitascope' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

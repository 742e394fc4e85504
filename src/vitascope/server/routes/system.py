"""Models, the machine, health and numbers."""

import os
import platform
import sys
from typing import Any

from fastapi import APIRouter, Response

from vitascope import __version__
from vitascope.backends.registry import backend
from vitascope.errors import DiskFullError, VitascopeError
from vitascope.server.errors import Refusal
from vitascope.server.house import Admin, Asking, House, InHouse

router = APIRouter(tags=["system"])

CREATED = 1_760_000_000
"""Models have no date of birth, and clients want one."""


@router.get("/v1/models")
def list_models(house: InHouse, caller: Asking) -> dict[str, Any]:
    """List the models that may be asked for."""
    return {"object": "list", "data": [_model(name) for name in house.models]}


@router.get("/v1/models/{model}")
def get_model(house: InHouse, caller: Asking, model: str) -> dict[str, Any]:
    """Return a model."""
    if model not in house.models:
        raise Refusal(404, f"there is no model {model[:60]!r}", "model_not_found", "model")
    return _model(model)


@router.get("/api/v1/models")
def list_cards(house: InHouse, caller: Asking) -> dict[str, Any]:
    """List the models with what they can do."""
    return {"object": "list", "data": [_card(name) for name in house.models]}


@router.get("/api/v1/system")
def system(house: InHouse, caller: Asking) -> dict[str, Any]:
    """Return what the server is and how it is."""
    rooms, store = house.desk.rooms, house.desk.store
    workers = sorted(lock.stem for lock in rooms.workers.glob("*.lock"))
    told = {"version": __version__, "python": platform.python_version(), "platform": sys.platform}
    told |= {"devices": [{"kind": "cpu", "cores": os.cpu_count()}], "models": list(house.models)}
    told |= {"workers": workers, "paused": store.paused, "jobs": store.counts()}
    return told | {
        "disk_free_bytes": rooms.free(rooms.path),
        "caller": {"name": caller.name, "scope": caller.scope},
    }


@router.get("/metrics", response_class=Response)
def metrics(house: InHouse, caller: Asking) -> Response:
    """Return the numbers that Prometheus reads."""
    return Response(house.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Say that the server answers."""
    return {"status": "ok"}


@router.get("/readyz")
def ready(house: InHouse) -> dict[str, str]:
    """Say that jobs can be taken in, or (503) why not."""
    _check(house)
    return {"status": "ready"}


@router.get("/api/v1/check")
def check(house: InHouse, caller: Admin) -> dict[str, str]:
    """Check the database of the queue, page by page."""
    return {"queue": house.desk.store.check()}


def _check(house: House) -> None:
    try:
        house.desk.store.counts()
        house.desk.rooms.check_space()
    except DiskFullError:
        raise Refusal(
            503, "the disk is too full to take more work", "disk_full", type="server_error"
        ) from None
    except (VitascopeError, OSError):
        raise Refusal(503, "the queue cannot be read", "not_ready", type="server_error") from None


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "vitascope"}


def _card(name: str) -> dict[str, Any]:
    card = backend(name).card
    told = {
        "id": name,
        "object": "model",
        "licence": card.licence,
        "sizes": [f"{w}x{h}" for w, h in card.sizes],
    }
    told |= {"fps": card.fps, "num_frames": card.num_frames, "max_frames": card.max_frames}
    told |= {
        "max_seconds": card.max_frames / card.fps,
        "steps": card.steps,
        "guidance_scale": card.guidance_scale,
    }
    return told | {"takes": sorted(card.takes), "camera_limits": dict(card.camera_limits)}

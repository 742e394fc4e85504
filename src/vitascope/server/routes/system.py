"""Models, the machine, health and numbers."""

import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from vitascope import __version__
from vitascope.backends.registry import backend
from vitascope.errors import DamagedQueueError, DiskFullError, VitascopeError
from vitascope.jobs.budget import DAY
from vitascope.server.context import Admin, Context, CurrentCaller, ServerContext
from vitascope.server.errors import DAMAGED, Refusal
from vitascope.server.sandbox import confinement
from vitascope.server.shares import FairRoute
from vitascope.server.tokens import Caller
from vitascope.weights.machine import free_memory

router = APIRouter(tags=["system"], route_class=FairRoute)

CREATED = 1_760_000_000
"""Models have no date of birth, and clients want one."""


@router.get("/v1/models")
def list_models(context: Context, caller: CurrentCaller) -> dict[str, Any]:
    """List the models that may be asked for."""
    return {"object": "list", "data": [_model(name) for name in context.models]}


@router.get("/v1/models/{model}")
def get_model(context: Context, caller: CurrentCaller, model: str) -> dict[str, Any]:
    """Return a model."""
    if model not in context.models:
        raise Refusal(404, f"there is no model {model[:60]!r}", "model_not_found", "model")
    return _model(model)


@router.get("/api/v1/models")
def list_cards(context: Context, caller: CurrentCaller) -> dict[str, Any]:
    """List the models with what they can do."""
    return {"object": "list", "data": [_card(name) for name in context.models]}


@router.get("/api/v1/system")
def system(context: Context, caller: CurrentCaller) -> dict[str, Any]:
    """Return what the server is and how it is."""
    storage, store = context.service.storage, context.service.store
    workers = sorted(lock.stem for lock in storage.workers.glob("*.lock"))
    counts = store.counts()
    report = {"version": __version__, "python": platform.python_version(), "platform": sys.platform}
    report |= {"devices": devices(), "models": list(context.models), "workers": workers}
    report |= {"paused": store.paused, "jobs": counts}
    report |= {"queue_depth": counts.get("queued", 0), "queue_limit": context.max_queued}
    report |= {"memory_free_bytes": free_memory(), "disk_free_bytes": storage.free(storage.path)}
    return report | {"caller": _caller(context, caller)}


@router.get("/api/v1/presets")
def list_presets(context: Context, caller: CurrentCaller) -> dict[str, Any]:
    """List the ways to denoise of each model, by name; a shot says `preset`, and what else it says goes before."""
    data = [
        {"id": name, "object": "preset", "model": model, **asdict(preset)}
        for model in context.models
        for name, preset in backend(model).card.presets.items()
    ]
    return {"object": "list", "data": data}


@router.get("/metrics", response_class=Response)
def metrics(context: Context, caller: CurrentCaller) -> Response:
    """Return the numbers that Prometheus reads."""
    return Response(context.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Say that the server answers."""
    return {"status": "ok"}


@router.get("/readyz")
def ready(context: Context) -> dict[str, str]:
    """Say that jobs can be taken in, or (503) why not."""
    _check(context)
    return {"status": "ready"}


@router.get("/api/v1/check")
def check(context: Context, caller: Admin) -> dict[str, str]:
    """Check the queue page by page ("ok", or what is wrong), and say what confines those who look at files."""
    return {"queue": context.service.store.check(), "confinement": confinement()}


def devices(proc: Path = Path("/proc")) -> list[dict[str, Any]]:
    """Return what workers may compute on: the CPU, and the graphics cards that the system shows as files."""
    devices: list[dict[str, Any]] = [{"kind": "cpu", "cores": os.cpu_count()}]
    for card in sorted(proc.glob("driver/nvidia/gpus/*/information")):
        lines = (line.partition(":") for line in card.read_text("utf-8", "replace").splitlines())
        properties = {name.strip(): value.strip() for name, _, value in lines}
        devices.append({"kind": "cuda", "name": properties.get("Model", "unknown")})
    return devices


def _caller(context: ServerContext, caller: Caller) -> dict[str, Any]:
    """Return who asks, and how much of its budget is spent."""
    store, budget = context.service.store, context.budget(caller)
    now = store.clock.now()
    charges = store.tables.charges(caller.name, now - DAY) if budget else []
    return {"name": caller.name, "scope": caller.scope, "budget": budget.spent(charges, now)}


def _check(context: ServerContext) -> None:
    context.tokens.all()
    if context.service.store.damage is not None:
        raise Refusal(503, DAMAGED, "queue_damaged", type="server_error")
    try:
        context.service.store.waiting(1)
        context.service.storage.check_space()
    except DiskFullError:
        raise Refusal(
            503, "the disk is too full to take more work", "disk_full", type="server_error"
        ) from None
    except DamagedQueueError:
        raise Refusal(503, DAMAGED, "queue_damaged", type="server_error") from None
    except (VitascopeError, OSError):
        raise Refusal(503, "the queue cannot be read", "not_ready", type="server_error") from None


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "vitascope"}


def _card(name: str) -> dict[str, Any]:
    card = backend(name).card
    values = {
        "id": name,
        "object": "model",
        "licence": card.licence,
        "sizes": [f"{w}x{h}" for w, h in card.sizes],
    }
    values |= {"fps": card.fps, "num_frames": card.num_frames, "max_frames": card.max_frames}
    values |= {
        "max_seconds": card.max_frames / card.fps,
        "steps": card.steps,
        "guidance_scale": card.guidance_scale,
    }
    values |= {"takes": sorted(card.takes), "camera_limits": dict(card.camera_limits)}
    return values | {"presets": list(card.presets)}

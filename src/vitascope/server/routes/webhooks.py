"""`/v1/webhook_endpoints`: who is told when a video is over, in the shapes of OpenAI's API, and how that went."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from vitascope.server.context import Context, CurrentCaller, ServerContext
from vitascope.server.schemas import EndpointChange, NewEndpoint, Rotation, Trial
from vitascope.server.shares import FairRoute, working
from vitascope.server.webhooks.delivery import attempt
from vitascope.server.webhooks.endpoints import EVENT_TYPES, Endpoint

router = APIRouter(prefix="/v1", tags=["webhooks"], route_class=FairRoute)

Limit = Annotated[int, Query(ge=1, le=500)]


@router.post("/webhook_endpoints")
@working("calls")
def create_endpoint(context: Context, caller: CurrentCaller, endpoint: NewEndpoint) -> dict[str, Any]:
    """Tell an address of the caller's videos from now on, and return the secret that signs, this once."""
    created = context.endpoints.add(endpoint.url, endpoint.name, endpoint.event_types, caller.owner)
    return _to_json(context, created) | {"signing_secret": created.secret}


@router.get("/webhook_endpoints")
def list_endpoints(
    context: Context, caller: CurrentCaller, after: str | None = None, limit: Limit = 20
) -> dict[str, Any]:
    """List the caller's endpoints, the oldest first."""
    endpoints = list(context.endpoints.all(caller.owner))
    if after is not None:
        endpoints = endpoints[endpoints.index(context.endpoints.get(after, caller.owner)) + 1 :]
    data = [_to_json(context, endpoint) for endpoint in endpoints[:limit]]
    ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    page = {"object": "list", "data": data, "first_id": ends[0], "last_id": ends[1]}
    return page | {"has_more": len(endpoints) > limit}


@router.get("/webhook_endpoints/{webhook_endpoint_id}")
def get_endpoint(context: Context, caller: CurrentCaller, webhook_endpoint_id: str) -> dict[str, Any]:
    """Return an endpoint, and how many deliveries to it wait, have arrived and were given up."""
    return _to_json(context, context.endpoints.get(webhook_endpoint_id, caller.owner))


@router.post("/webhook_endpoints/{webhook_endpoint_id}")
@working("calls")
def change_endpoint(
    context: Context, caller: CurrentCaller, webhook_endpoint_id: str, change: EndpointChange
) -> dict[str, Any]:
    """Give an endpoint another name, address or choice of events."""
    endpoint = context.endpoints.get(webhook_endpoint_id, caller.owner)
    return _to_json(context, context.endpoints.change(endpoint, change.model_dump()))


@router.delete("/webhook_endpoints/{webhook_endpoint_id}")
def delete_endpoint(context: Context, caller: CurrentCaller, webhook_endpoint_id: str) -> dict[str, Any]:
    """Tell an endpoint nothing any more, and forget what it was told."""
    endpoint = context.endpoints.get(webhook_endpoint_id, caller.owner)
    context.endpoints.remove(endpoint)
    context.outbox.forget(endpoint.id)
    return {"id": endpoint.id, "object": "webhook_endpoint.deleted", "deleted": True}


@router.post("/webhook_endpoints/{webhook_endpoint_id}/rotate_secret")
def rotate_secret(
    context: Context, caller: CurrentCaller, webhook_endpoint_id: str, rotation: Rotation | None = None
) -> dict[str, Any]:
    """Give an endpoint a new secret and return it, this once; the old one may sign as well for a day."""
    endpoint = context.endpoints.get(webhook_endpoint_id, caller.owner)
    overlap = rotation is not None and rotation.keep_old_secret_active_for_24_hours
    after = context.endpoints.rotate(endpoint, overlap=overlap)
    return _to_json(context, after) | {"signing_secret": after.secret}


@router.post("/webhook_endpoints/{webhook_endpoint_id}/test")
@working("calls")
def try_endpoint(
    context: Context, caller: CurrentCaller, webhook_endpoint_id: str, trial: Trial | None = None
) -> dict[str, Any]:
    """Tell an endpoint of a video that never was, once, and return what it answers."""
    endpoint, trial = context.endpoints.get(webhook_endpoint_id, caller.owner), trial or Trial()
    status = attempt(endpoint, trial.event_type, context.endpoints.egress)
    result = {"object": "webhook_endpoint.test", "webhook_endpoint_id": endpoint.id, "success": True}
    return result | {"event_type": trial.event_type, "status_code": status}


@router.get("/webhook_endpoints/{webhook_endpoint_id}/deliveries")
def list_deliveries(
    context: Context, caller: CurrentCaller, webhook_endpoint_id: str, limit: Limit = 50
) -> dict[str, Any]:
    """List what an endpoint was told or is to be told, the newest first, and how that went."""
    endpoint = context.endpoints.get(webhook_endpoint_id, caller.owner)
    deliveries = [asdict(delivery) for delivery in context.outbox.deliveries(endpoint.id, limit)]
    return {"object": "list", "data": [{"object": "webhook_delivery", **delivery} for delivery in deliveries]}


@router.post("/webhook_endpoints/{webhook_endpoint_id}/resend")
def resend(context: Context, caller: CurrentCaller, webhook_endpoint_id: str) -> dict[str, Any]:
    """Try all again that was given up."""
    endpoint = context.endpoints.get(webhook_endpoint_id, caller.owner)
    return {"object": "webhook_endpoint.resent", "deliveries": context.outbox.resend(endpoint.id)}


@router.get("/webhook_event_types")
def event_types(caller: CurrentCaller) -> dict[str, Any]:
    """List what endpoints may hear of."""
    return {"object": "list", "data": list(EVENT_TYPES)}


def _to_json(context: ServerContext, endpoint: Endpoint) -> dict[str, Any]:
    counts = dict.fromkeys(("waiting", "delivered", "given_up"), 0)
    return endpoint.to_json() | {"deliveries": counts | context.outbox.counts().get(endpoint.id, {})}

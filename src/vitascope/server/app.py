"""The app, put together; it loads no model and starts no worker, so that tests and tools can have it for nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI
from starlette.applications import Starlette

from vitascope import __version__
from vitascope.server import errors
from vitascope.server.context import House
from vitascope.server.middleware import JSON_BYTES, TOOLS, Doors
from vitascope.server.routes import films, jobs, system, uploads, verify, videos, webhooks
from vitascope.server.schemas import Problem
from vitascope.server.uploads import clear_parts

ABOUT = (
    "Clips from words, on a machine of your own. `/v1/videos` is what clients of OpenAI's videos API speak."
)


def make_app(house: House, *, mcp: bool = False) -> FastAPI:
    """Return the app of a house; with `mcp` its tools are served at /mcp as well."""
    tools = _tools(house) if mcp else None

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        clear_parts(house.uploads.folder)
        async with nullcontext() if tools is None else tools.router.lifespan_context(tools):
            yield
        house.service.store.close()

    # No pages that explain the API: theirs come from other hosts.
    app = FastAPI(
        title="Vitascope",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": Problem, "description": "What was wrong"}},
        lifespan=alive,
    )
    app.state.house = house
    errors.install(app)
    house.metrics.watch(house.service)
    for part in (videos, jobs, films, uploads, verify, webhooks, system):
        app.include_router(part.router)
    if tools is not None:
        app.router.routes.extend(tools.routes)
    app.add_middleware(Doors, rules=house.rules, tokens=house.tokens, metrics=house.metrics)
    return app


def _tools(house: House) -> Starlette:
    """Return the tools for programs that speak MCP; each request stands alone, so that nothing of it is kept."""
    from mcp.server.transport_security import TransportSecuritySettings

    from vitascope.server.mcp.service import Tools

    # Hosts and origins are checked at the doors.
    unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return (
        Tools(house)
        .server()
        .streamable_http_app(
            streamable_http_path=TOOLS,
            stateless_http=True,
            max_request_body_size=JSON_BYTES,
            transport_security=unchecked,
        )
    )

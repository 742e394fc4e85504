"""The FastAPI app. Building it loads no model and starts no worker, so tests and tools can import it at no cost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI
from starlette.applications import Starlette

from vitascope import __version__
from vitascope.server import errors
from vitascope.server.context import ServerContext
from vitascope.server.middleware import JSON_BYTES, TOOLS, AccessMiddleware
from vitascope.server.routes import films, jobs, system, uploads, verify, videos, webhooks
from vitascope.server.schemas import Problem
from vitascope.server.uploads import clear_parts

ABOUT = "Text to video on your own machine. `/v1/videos` is compatible with OpenAI's videos API."


def make_app(context: ServerContext, *, mcp: bool = False) -> FastAPI:
    """Return the app for a server state; with `mcp` its tools are served at /mcp as well."""
    tools = _tools(context) if mcp else None

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        clear_parts(context.uploads.folder)
        async with nullcontext() if tools is None else tools.router.lifespan_context(tools):
            yield
        context.service.store.close()

    # FastAPI's documentation pages load scripts from other hosts, so they are off.
    app = FastAPI(
        title="Vitascope",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": Problem, "description": "What was wrong"}},
        lifespan=alive,
    )
    app.state.context = context
    errors.install(app)
    context.metrics.watch(context.service)
    for part in (videos, jobs, films, uploads, verify, webhooks, system):
        app.include_router(part.router)
    if tools is not None:
        app.router.routes.extend(tools.routes)
    app.add_middleware(AccessMiddleware, rules=context.rules, tokens=context.tokens, metrics=context.metrics)
    return app


def _tools(context: ServerContext) -> Starlette:
    """Return the tools for programs that speak MCP; each request stands alone, so that nothing of it is kept."""
    from mcp.server.transport_security import TransportSecuritySettings

    from vitascope.server.mcp.service import Tools

    # Hosts and origins are checked at the doors.
    unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return (
        Tools(context)
        .server()
        .streamable_http_app(
            streamable_http_path=TOOLS,
            stateless_http=True,
            max_request_body_size=JSON_BYTES,
            transport_security=unchecked,
        )
    )

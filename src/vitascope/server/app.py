"""The app, put together; it loads no model and starts no worker, so that tests and tools can have it for nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from vitascope import __version__
from vitascope.server import errors
from vitascope.server.context import House
from vitascope.server.middleware import Doors
from vitascope.server.routes import films, jobs, system, uploads, verify, videos, webhooks
from vitascope.server.schemas import Problem
from vitascope.server.uploads import clear_parts

ABOUT = (
    "Clips from words, on a machine of your own. `/v1/videos` is what clients of OpenAI's videos API speak."
)


def make_app(house: House) -> FastAPI:
    """Return the app of a house."""

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        clear_parts(house.uploads.folder)
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
    app.add_middleware(Doors, rules=house.rules, tokens=house.tokens, metrics=house.metrics)
    return app

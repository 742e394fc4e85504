"""`vitascope mcp` on standard streams: the server state, its workers and the tools, for the program that started it."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp.server.stdio import stdio_server

from vitascope.files import keep_private
from vitascope.jobs.service import open_service
from vitascope.server.context import open_context
from vitascope.server.mcp.arguments import Folder
from vitascope.server.mcp.service import Tools
from vitascope.server.serve import ServeOptions, log_to_stderr, running_courier, running_workers
from vitascope.telemetry import tracing


def serve_stdio(home: Path, options: ServeOptions, folder: Path | None) -> None:
    """Answer the program at the other end of the standard streams until it closes them."""
    keep_private()
    service = open_service(home, store=options.store)
    context = open_context(
        home.absolute(), service, rules=options.rules(), models=options.models, max_queued=options.max_queued
    )
    for model in options.models:
        context.card(model)
    log_to_stderr()
    stop = threading.Event()

    @asynccontextmanager
    async def beside(server: Any) -> AsyncIterator[None]:
        # Started only now: the standard output is the protocol's, and by now it is out of reach for child processes.
        with running_workers(home, context, options, stop), running_courier(context, stop):
            yield

    async def run() -> None:
        server = Tools(context, Folder(folder), is_local=True).server(lifespan=beside)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    try:
        with tracing("server"):
            anyio.run(run)
    except* (BrokenPipeError, ConnectionResetError):
        # The client has gone without a word, which is how most of them end.
        pass
    finally:
        service.store.close()

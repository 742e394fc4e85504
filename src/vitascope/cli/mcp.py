"""`vitascope mcp`: the tools for assistants and other programs that speak the Model Context Protocol."""

import os
from pathlib import Path
from typing import Annotated

import typer

from vitascope.cli.serve import Models, Names, Secret, Sites, Workers
from vitascope.errors import MissingExtraError, RequestError


def mcp(
    http: Annotated[
        bool,
        typer.Option(
            "--http", help="Serve over HTTP at /mcp, beside the videos API, not on standard streams."
        ),
    ] = False,
    files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder whose files the tools may read and write clips into. [default: none]"
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="With --http: address to listen on; any but loopback needs a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="With --http: port to listen on; 0 takes any free port.")
    ] = 8188,
    token: Secret = None,
    workers: Workers = None,
    models: Models = "toybox",
    allow_host: Names = None,
    allow_origin: Sites = None,
    max_upload: Annotated[int, typer.Option(metavar="MIB", min=1, help="Largest file in MiB.")] = 512,
    max_queued: Annotated[int, typer.Option(min=1, help="Largest number of queued jobs.")] = 1000,
    program: Annotated[str, typer.Option(hidden=True)] = "vitascope",
) -> None:
    """Offer the tools of the Model Context Protocol and make the clips, until interrupted."""
    try:
        from vitascope.server.serve import ServeOptions, serve
        from vitascope.server.stdio import serve_stdio
    except ImportError as error:
        raise MissingExtraError(f'MCP needs {error.name}: pip install ".[mcp]" from a checkout') from None
    from vitascope.settings import settings

    if http and files is not None:
        raise RequestError(
            "files", "paths are not for callers over HTTP", "leave it out, or leave out --http"
        )
    if files is not None and not files.is_dir():
        raise RequestError("files", f"{files} is no folder", "make it first")
    options = ServeOptions(
        host=host,
        port=port,
        token=token or os.environ.get("VITASCOPE_TOKEN") or None,
        workers=workers,
        models=tuple(part.strip() for part in models.split(",") if part.strip()),
        hosts=tuple(allow_host or ()),
        origins=tuple(allow_origin or ()),
        max_upload=max_upload * 2**20,
        max_queued=max_queued,
        store=settings().store,
        mcp=http,
        program=program,
    )
    if http:
        serve(settings().home, options)
    else:
        serve_stdio(settings().home, options, files)

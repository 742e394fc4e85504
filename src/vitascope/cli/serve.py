"""`vitascope serve` and `vitascope tokens`: the service, and who may use it."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vitascope.jobs.budget import Budget

tokens = typer.Typer(
    name="tokens",
    help="Who may use the service from elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Models = Annotated[str, typer.Option(metavar="A,B", help="Models that may be asked for.")]
Names = Annotated[list[str] | None, typer.Option("--allow-host", help="A name that the server goes by.")]
Sites = Annotated[
    list[str] | None,
    typer.Option("--allow-origin", help="A site whose pages may use it, as in https://a.example."),
]

SecondsPerHour = Annotated[
    float | None, typer.Option(metavar="S", min=0, help="Seconds of video that a token may have in an hour.")
]
SecondsPerDay = Annotated[
    float | None, typer.Option(metavar="S", min=0, help="Seconds of video that a token may have in a day.")
]
MegapixelsPerHour = Annotated[
    float | None, typer.Option(metavar="M", min=0, help="Million pixels of all frames, in an hour.")
]
MegapixelsPerDay = Annotated[
    float | None, typer.Option(metavar="M", min=0, help="Million pixels of all frames, in a day.")
]


def serve(
    host: Annotated[
        str, typer.Option(help="Address to serve at; others than loopback need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any that is free.")] = 8188,
    token: Annotated[
        str | None, typer.Option(help="A secret that opens everything. [default: VITASCOPE_TOKEN]")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, max=4096, help="Processes that make clips. [default: 1, or one per GPU of a cluster]"
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Have them on a Ray cluster: auto, local or HOST:PORT."),
    ] = None,
    models: Models = "toybox",
    allow_host: Names = None,
    allow_origin: Sites = None,
    max_upload: Annotated[int, typer.Option(metavar="MIB", min=1, help="Largest request.")] = 512,
    max_queued: Annotated[int, typer.Option(min=1, help="Jobs that may wait.")] = 1000,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Requests a minute that a token may make, but for looking.")
    ] = None,
    clip_seconds_per_hour: SecondsPerHour = None,
    clip_seconds_per_day: SecondsPerDay = None,
    megapixels_per_hour: MegapixelsPerHour = None,
    megapixels_per_day: MegapixelsPerDay = None,
    keep: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="Forget jobs that were over so many days ago.")
    ] = None,
    keep_gib: Annotated[
        float | None,
        typer.Option(metavar="GIB", min=0, help="Forget the oldest, until the clips fit into this."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.001, help="How long a job may take.")] = None,
    memory: Annotated[
        float | None, typer.Option(metavar="GIB", min=0.01, help="How much memory a worker may have.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="A Postgres database shared with other servers. [default: VITASCOPE_STORE]"
        ),
    ] = None,
    program: Annotated[str, typer.Option(hidden=True)] = "vitascope",
) -> None:
    """Serve the videos API, and make what is asked for, until interrupted."""
    try:
        from vitascope.jobs.housekeeper import Keep
        from vitascope.server.serve import ServeOptions
        from vitascope.server.serve import serve as run
    except ImportError as error:
        from vitascope.errors import MissingExtraError

        raise MissingExtraError(f'serving needs {error.name}: pip install "vitascope[serve]"') from None
    from vitascope.settings import read_settings

    budget = _budget(clip_seconds_per_hour, clip_seconds_per_day, megapixels_per_hour, megapixels_per_day)
    settings = read_settings({**os.environ, **({"VITASCOPE_STORE": store} if store else {})})
    options = ServeOptions(
        host=host,
        port=port,
        token=token or os.environ.get("VITASCOPE_TOKEN") or None,
        workers=workers,
        cluster=cluster,
        models=tuple(part.strip() for part in models.split(",") if part.strip()),
        hosts=tuple(allow_host or ()),
        origins=tuple(allow_origin or ()),
        max_upload=max_upload * 2**20,
        max_queued=max_queued,
        per_minute=per_minute,
        budget=budget,
        keep=Keep(
            None if keep is None else keep * 86_400,
            None if keep_gib is None else round(keep_gib * 2**30),
        ),
        memory=None if memory is None else round(memory * 2**30),
        seconds=seconds,
        store=settings.store,
        program=program,
    )
    run(settings.home, options)


@tokens.command("add")
def add_token(
    name: Annotated[
        str, typer.Argument(help="Whose it is; their jobs are kept under it.", show_default=False)
    ],
    scope: Annotated[
        str, typer.Option(help="read, write (one's own clips) or admin (everybody's).")
    ] = "write",
    clip_seconds_per_hour: SecondsPerHour = None,
    clip_seconds_per_day: SecondsPerDay = None,
    megapixels_per_hour: MegapixelsPerHour = None,
    megapixels_per_day: MegapixelsPerDay = None,
) -> None:
    """Make a token and print it, this once; its own limits go before those of `serve`."""
    budget = _budget(clip_seconds_per_hour, clip_seconds_per_day, megapixels_per_hour, megapixels_per_day)
    typer.echo(_tokens().add(name, scope, budget))


@tokens.command("ls")
def list_tokens() -> None:
    """List the tokens' names and scopes."""
    for token in _tokens().all():
        typer.echo(f"{token.name:<40}  {token.scope}")


@tokens.command("rm")
def remove_token(
    name: Annotated[str, typer.Argument(help="Whose it was.", show_default=False)],
) -> None:
    """Forget a token; it opens nothing from now on."""
    _tokens().remove(name)


def _budget(*limits: float | None) -> "Budget":
    from vitascope.jobs.budget import Budget

    return Budget(*limits)


def _tokens():
    from vitascope.server.tokens import Tokens
    from vitascope.settings import settings

    return Tokens(settings().home / "tokens.json")

"""`vitascope serve` and `vitascope tokens`: the service, and who may use it."""

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import typer

from vitascope.cli.shot_options import command

if TYPE_CHECKING:
    from vitascope.jobs.budget import Budget
    from vitascope.jobs.retention import RetentionPolicy

tokens = typer.Typer(
    name="tokens",
    help="Manage the tokens that give access to the service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Secret = Annotated[str | None, typer.Option(help="Secret token with full access. [default: VITASCOPE_TOKEN]")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0, max=4096, help="Number of worker processes. [default: 1, or one per GPU of a cluster]"
    ),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Run the workers on a Ray cluster: auto, local or HOST:PORT."),
]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="A Postgres database shared with other servers. [default: VITASCOPE_STORE]"
    ),
]
Models = Annotated[str, typer.Option(metavar="A,B", help="Models that clients may use.")]
Names = Annotated[list[str] | None, typer.Option("--allow-host", help="Host name of the server.")]
Sites = Annotated[
    list[str] | None,
    typer.Option("--allow-origin", help="Site whose pages may use the server, as in https://a.example."),
]


@dataclass(frozen=True)
class Limits:
    """How much a token may have: flags of `serve`, for all, and of `tokens add`, for one. Each field is one."""

    clip_seconds_per_hour: Annotated[
        float | None,
        typer.Option(metavar="S", min=0, help="Seconds of video per token and hour."),
    ] = None
    clip_seconds_per_day: Annotated[
        float | None,
        typer.Option(metavar="S", min=0, help="Seconds of video per token and day."),
    ] = None
    megapixels_per_hour: Annotated[
        float | None,
        typer.Option(metavar="M", min=0, help="Millions of pixels (all frames) per token and hour."),
    ] = None
    megapixels_per_day: Annotated[
        float | None,
        typer.Option(metavar="M", min=0, help="Millions of pixels (all frames) per token and day."),
    ] = None

    @property
    def budget(self) -> "Budget":
        """What a token may have."""
        from vitascope.jobs.budget import Budget

        return Budget(*(getattr(self, entry.name) for entry in fields(self)))


@dataclass(frozen=True)
class Keeping:
    """How long jobs that are over are kept; each field is a flag."""

    keep: Annotated[
        float | None,
        typer.Option(metavar="DAYS", min=0, help="Delete jobs that ended more than this many days ago."),
    ] = None
    keep_gib: Annotated[
        float | None,
        typer.Option(
            metavar="GIB", min=0, help="Delete the oldest jobs until the clips fit into this many GiB."
        ),
    ] = None

    @property
    def limits(self) -> "RetentionPolicy":
        """What the retention leaves."""
        from vitascope.jobs.retention import RetentionPolicy

        seconds = None if self.keep is None else self.keep * 86_400
        return RetentionPolicy(seconds, None if self.keep_gib is None else round(self.keep_gib * 2**30))


@command
def serve(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but loopback needs a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any free port.")
    ] = 8188,
    token: Secret = None,
    workers: Workers = None,
    cluster: Address = None,
    models: Models = "toybox",
    allow_host: Names = None,
    allow_origin: Sites = None,
    max_upload: Annotated[int, typer.Option(metavar="MIB", min=1, help="Largest request in MiB.")] = 512,
    max_queued: Annotated[int, typer.Option(min=1, help="Largest number of queued jobs.")] = 1000,
    max_connections: Annotated[
        int | None,
        typer.Option(
            min=4, help="Largest number of open connections; a quarter of them may come from one address."
        ),
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Requests per token and minute, not counting reads.")
    ] = None,
    limits: Limits,
    keeping: Keeping,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--time-limit", "--seconds", metavar="S", min=0.001, help="Longest time for a job in seconds."
        ),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            "--memory-limit", "--memory", metavar="GIB", min=0.01, help="Memory limit of a worker in GiB."
        ),
    ] = None,
    store: Database = None,
    program: Annotated[str, typer.Option(hidden=True)] = "vitascope",
) -> None:
    """Serve the videos API and make the clips, until interrupted."""
    try:
        from vitascope.server.serve import ServeOptions
        from vitascope.server.serve import serve as run
    except ImportError as error:
        from vitascope.errors import MissingExtraError

        raise MissingExtraError(f'serving needs {error.name}: pip install ".[serve]"') from None
    from vitascope.settings import read_settings

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
        max_connections=max_connections,
        per_minute=per_minute,
        budget=limits.budget,
        keep=keeping.limits,
        memory=None if memory is None else round(memory * 2**30),
        seconds=seconds,
        store=settings.store,
        program=program,
    )
    run(settings.home, options)


@tokens.command("add")
@command
def add_token(
    name: Annotated[
        str, typer.Argument(help="Name of the owner; jobs are stored under it.", show_default=False)
    ],
    scope: Annotated[str, typer.Option(help="read, write (own clips) or admin (all clips).")] = "write",
    share: Annotated[int, typer.Option(help="Jobs that it has in each round of the queue.")] = 1,
    *,
    limits: Limits,
) -> None:
    """Make a token and print it, only now. Its own limits override those of `serve`."""
    typer.echo(_tokens().add(name, scope, limits.budget, share))


@tokens.command("ls")
def list_tokens() -> None:
    """List the names and scopes of the tokens."""
    for token in _tokens().all():
        typer.echo(f"{token.name:<40}  {token.scope}")


@tokens.command("rm")
def remove_token(
    name: Annotated[str, typer.Argument(help="Name of the owner.", show_default=False)],
) -> None:
    """Delete a token. It gives no access from now on."""
    _tokens().remove(name)


def _tokens():
    from vitascope.server.tokens import Tokens
    from vitascope.settings import settings

    return Tokens(settings().home / "tokens.json")

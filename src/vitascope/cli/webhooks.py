"""`vitascope webhooks`: endpoints, and the deliveries to them."""

import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from vitascope.escaping import escaped

if TYPE_CHECKING:
    from vitascope.jobs.outbox import Outbox
    from vitascope.server.webhooks.endpoints import Endpoints

webhooks = typer.Typer(
    name="webhooks",
    help="Manage the addresses that get a webhook when a video ends.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Id or name of the endpoint.", show_default=False)
]


@webhooks.command()
def add(
    url: Annotated[
        str,
        typer.Argument(help="Address of the endpoint, as in https://example.com/hook.", show_default=False),
    ],
    name: Annotated[str, typer.Option(help="Name of the endpoint.")] = "webhook",
    events: Annotated[
        str, typer.Option(metavar="A,B", help="video.completed, video.failed, video.cancelled.")
    ] = "video.completed,video.failed",
    owner: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Only the jobs of this token. [default: all]")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Allow addresses in this network, and plain http.")
    ] = False,
) -> None:
    """Add an endpoint. Print its id and, only now, its signing secret."""
    chosen = [part.strip() for part in events.split(",") if part.strip()]
    endpoint = _endpoints().add(url, name, chosen, owner, private=allow_private)
    typer.echo(f"{endpoint.id}\n{endpoint.secret}")


@webhooks.command("ls")
def list_endpoints() -> None:
    """List the endpoints with their queued, delivered and failed deliveries."""
    counts = _outbox().counts()
    for entry in _endpoints().all():
        counted = counts.get(entry.id, {})
        states = ", ".join(
            f"{counted.get(state, 0)} {state}" for state in ("waiting", "delivered", "given_up")
        )
        line = f"{entry.id}  {entry.name}  {entry.url}  {','.join(entry.event_types)}  {states}"
        typer.echo(escaped(line))


@webhooks.command("log")
def show_log(
    name: Name, limit: Annotated[int, typer.Option("-n", min=1, help="Number of deliveries to list.")] = 20
) -> None:
    """List the deliveries to an endpoint, the newest first, with their results."""
    for entry in _outbox().deliveries(_endpoints().get(name).id, limit):
        sent_at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
        how = entry.problem or ("" if entry.status is None else f"it answers {entry.status}")
        line = f"{sent_at}  {entry.type}  {entry.job}  {entry.state}  {entry.tries} tries  {how}"
        typer.echo(escaped(line.rstrip()))


@webhooks.command("test")
def try_out(
    name: Name,
    event: Annotated[str, typer.Option(help="Type of the event.")] = "video.completed",
) -> None:
    """Send a test event to an endpoint and print the status of its answer."""
    from vitascope.server.webhooks.delivery import attempt

    endpoints = _endpoints()
    typer.echo(attempt(endpoints.get(name), event, endpoints.egress))


@webhooks.command()
def rotate(
    name: Name,
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Sign with the old secret, too, for a day.")
    ] = False,
) -> None:
    """Give an endpoint a new secret and print it, only now."""
    endpoints = _endpoints()
    typer.echo(endpoints.rotate(endpoints.get(name), overlap=overlap).secret)


@webhooks.command()
def resend(name: Name) -> None:
    """Retry all failed deliveries and print their number."""
    typer.echo(_outbox().resend(_endpoints().get(name).id))


@webhooks.command("rm")
def remove(name: Name) -> None:
    """Delete an endpoint."""
    endpoints = _endpoints()
    endpoint = endpoints.get(name)
    endpoints.remove(endpoint)
    _outbox().forget(endpoint.id)


@webhooks.command()
def deliver(
    once: Annotated[bool, typer.Option("--once", help="Send what is due, then exit.")] = False,
) -> None:
    """Deliver webhooks until interrupted. `vitascope serve` does this by itself."""
    from vitascope.server.webhooks.delivery import WebhookSender

    sender = WebhookSender(_outbox(), _endpoints())
    try:
        if not once:
            sender.run(threading.Event())
        while sender.tick():
            pass
    finally:
        sender.close()


def _endpoints() -> "Endpoints":
    from vitascope.server.webhooks.endpoints import FILE, Endpoints
    from vitascope.settings import settings

    return Endpoints(settings().home / FILE)


def _outbox() -> "Outbox":
    from vitascope.jobs.outbox import Outbox
    from vitascope.jobs.service import open_service
    from vitascope.settings import settings

    return Outbox(open_service(settings().home).store)

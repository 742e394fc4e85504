"""Serving: the app on a port, workers beside it, and both ended together.

What was running when everything was killed is running again a moment after the next start: the queue is on the disk,
workers leave when this process is gone, and new ones take up their jobs.
"""

import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from pydantic import SecretStr

from vitascope.errors import RequestError
from vitascope.escaping import escaped_json
from vitascope.files import keep_private
from vitascope.jobs.budget import NO_LIMITS, Budget
from vitascope.jobs.ray.cluster import check_address
from vitascope.jobs.retention import KEEP_ALL, RetentionPolicy, unknown_line
from vitascope.jobs.service import open_service
from vitascope.jobs.supervisor import Supervisor, starter
from vitascope.server.app import make_app
from vitascope.server.connections import limited_protocol, limits_for, raise_file_limit
from vitascope.server.context import ServerContext, open_context
from vitascope.server.middleware import LOOPBACK, AccessRules
from vitascope.server.shutdown import Server
from vitascope.server.webhooks.delivery import WebhookSender
from vitascope.telemetry import tracing

DRAIN_SECONDS = 5
THROTTLE_SECONDS = 60.0
_LOGS = (
    ("vitascope", logging.INFO),
    *((name, logging.WARNING) for name in ("uvicorn", "opentelemetry", "asyncio")),
)


SWITCH_SECONDS = 0.001
"""How long a thread may keep Python's interpreter for itself: the event loop waits so long for each busy thread."""


@dataclass(frozen=True)
class ServeOptions:
    """Where to serve and for whom. `program` is the module that workers are started from.

    There is one worker where nobody says how many; on a `cluster` (None: on this machine) there is one per GPU.
    """

    host: str = "127.0.0.1"
    port: int = 8188
    token: str | None = None
    workers: int | None = None
    cluster: str | None = None
    models: tuple[str, ...] = ("toybox",)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    max_upload: int = 512 * 2**20
    max_queued: int = 1000
    per_minute: int | None = None
    budget: Budget = NO_LIMITS
    keep: RetentionPolicy = KEEP_ALL
    memory: int | None = None
    seconds: float | None = None
    max_connections: int | None = None
    store: SecretStr | None = None
    mcp: bool = False
    program: str = "vitascope"

    @property
    def inside(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    def rules(self) -> AccessRules:
        """Return who may come in: by our own names, or, from outside, by any where none is said (a token is needed)."""
        hosts = LOOPBACK | {self.host.strip("[]")} | set(self.hosts)
        anywhere = not self.inside and not self.hosts
        names = None if anywhere else frozenset(hosts)
        return AccessRules(names, frozenset(self.origins), self.max_upload, self.per_minute, self.budget)


def serve(home: Path, options: ServeOptions) -> None:
    """Serve until interrupted. Raises `RequestError` for an address that cannot or must not be served at."""
    keep_private()
    service = open_service(home, store=options.store)
    context = open_context(
        home.absolute(),
        service,
        token=options.token,
        rules=options.rules(),
        models=options.models,
        max_queued=options.max_queued,
    )
    check_access(options, context)
    if options.cluster is not None:
        check_address(options.cluster)
    if (damage := service.store.check()) != "ok":
        # It goes on, for what can still be read: clips that are finished. Nothing new is taken in.
        print(f"vitascope: {service.store.damage or damage}", file=sys.stderr, flush=True)
    elif unknown := service.unknown_folders():
        print(f"vitascope: {unknown_line(unknown)}", file=sys.stderr, flush=True)
    limits, backlog = limits_for(raise_file_limit(), options.max_connections)
    listening = _listen(options, backlog)
    log_to_stderr()
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        make_app(context, mcp=options.mcp),
        http=limited_protocol(limits),
        backlog=backlog,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    host, port = listening.getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    print(f"vitascope: serving at http://{address}:{port}", file=sys.stderr, flush=True)
    stop = threading.Event()
    with (
        listening,
        tracing("server"),
        running_workers(home, context, options, stop),
        running_courier(context, stop),
    ):
        Server(config).run(sockets=[listening])


def check_access(options: ServeOptions, context: ServerContext) -> None:
    """Raise `RequestError` when others could come in without a token, or for models that are none."""
    if not options.inside and not context.tokens.all():
        hint = "make one first: vitascope tokens add NAME --scope write"
        raise RequestError("host", f"{options.host} can be reached by others, and there is no token", hint)
    for model in options.models:
        context.card(model)


@contextmanager
def running_workers(
    home: Path, context: ServerContext, options: ServeOptions, stop: threading.Event
) -> Iterator[None]:
    """Keep workers alive for as long as a block lasts."""
    arguments = ["--models", ",".join(options.models)]
    arguments += [] if options.memory is None else ["--memory", str(options.memory / 2**30)]
    arguments += [] if options.seconds is None else ["--seconds", str(options.seconds)]
    number, memory = 1 if options.workers is None else options.workers, options.memory
    if options.cluster is not None:
        # One process speaks to the cluster, and it watches over the workers there.
        arguments += ["--cluster", options.cluster, "--program", options.program]
        arguments += [] if options.workers is None else ["--workers", str(options.workers)]
        number, memory = min(1, number), None
    # Not among the arguments, which everybody on the machine can read.
    hidden = {} if options.store is None else {"VITASCOPE_STORE": options.store.get_secret_value()}
    start = starter(home.absolute(), arguments, (sys.executable, "-m", options.program), hidden)
    supervisor = Supervisor(context.service, number, start, memory=memory, keep=options.keep)
    with _running(supervisor.run, "supervisor", stop):
        yield


@contextmanager
def running_courier(context: ServerContext, stop: threading.Event) -> Iterator[None]:
    """Deliver news to webhooks for as long as a block lasts."""
    with _running(WebhookSender(context.outbox, context.endpoints).run, "webhooks", stop):
        yield


@contextmanager
def _running(run: Callable[[threading.Event], None], name: str, stop: threading.Event) -> Iterator[None]:
    """Let something run in a thread of its own until a block ends; all that share `stop` end at the same time."""
    thread = threading.Thread(target=run, args=(stop,), name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _listen(options: ServeOptions, backlog: int = 128) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # Only sockets that are said to be TCP are told by asyncio not to hold back small packets: 40 ms for each answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((options.host.strip("[]"), options.port))
        listening.listen(backlog)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(
            "port", f"{options.host}:{options.port} cannot be had ({reason})", "try another"
        ) from None
    return listening


class Throttle(logging.Filter):
    """Lets a warning pass once a minute: what goes wrong thousands of times a second would fill the disk."""

    def __init__(self, seconds: float = THROTTLE_SECONDS):
        """Let each kind of warning pass once in so many seconds."""
        super().__init__()
        self._seconds = seconds
        self._passed: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is written; one that is says how many like it were not."""
        if record.name.startswith("vitascope") or record.levelno < logging.WARNING:
            return True
        now, key = time.monotonic(), (record.name, str(record.msg)[:200])
        since, left_out = self._passed.get(key, (-self._seconds, 0))
        if now - since < self._seconds:
            self._passed[key] = since, left_out + 1
            return False
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more in the minute before)", ()
        if len(self._passed) > 1000:
            self._passed.clear()
        self._passed[key] = now, 0
        return True


class _Lines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return what is known of an event."""
        fields = {
            "at": round(time.time(), 3),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        fields |= getattr(record, "fields", {})
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return escaped_json(fields)


def log_to_stderr() -> None:
    """Write the log to stderr, one JSON object per line."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    handler.addFilter(Throttle())
    for name, level in _LOGS:
        logger = logging.getLogger(name)
        logger.handlers, logger.level, logger.propagate = [handler], level, False

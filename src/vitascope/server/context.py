"""The state that all routes share: job service, uploads, characters, tokens and access rules."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from vitascope.backends.base import Card
from vitascope.backends.registry import backend
from vitascope.errors import RequestError
from vitascope.jobs.budget import Budget
from vitascope.jobs.job import Job
from vitascope.jobs.outbox import Outbox
from vitascope.jobs.service import JobService
from vitascope.server.characters import Characters
from vitascope.server.errors import BROKEN, DAMAGED, FINAL, Refusal
from vitascope.server.events import EventBroadcast
from vitascope.server.metrics import Metrics
from vitascope.server.middleware import AccessRules
from vitascope.server.shares import MAX_STREAMS, Shares, Threads
from vitascope.server.tokens import Caller, Tokens
from vitascope.server.uploads import Uploads
from vitascope.server.webhooks.endpoints import FILE, Endpoints

ALIASES = "sora-2"
"""Prefix of the model names that clients of OpenAI's API send by default; the default model answers them."""


@dataclass(frozen=True)
class ServerContext:
    """The state of one server. `models` lists the models that it serves; the first is the default."""

    service: JobService
    uploads: Uploads
    characters: Characters
    tokens: Tokens
    endpoints: Endpoints
    rules: AccessRules = field(default_factory=AccessRules)
    models: tuple[str, ...] = ("toybox",)
    max_queued: int = 1000
    metrics: Metrics = field(default_factory=Metrics)
    streams: Shares = field(default_factory=lambda: Shares(MAX_STREAMS, "streams of events"))
    threads: Threads = field(default_factory=Threads)
    broadcast: EventBroadcast = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "broadcast", EventBroadcast(self.service.store))

    @property
    def outbox(self) -> Outbox:
        """The webhook messages that are not delivered yet."""
        return Outbox(self.service.store)

    def model(self, name: str | None) -> str:
        """Return the model for a requested name; raises `RequestError` for one that this server does not serve."""
        if not name or name.startswith(ALIASES):
            return self.models[0]
        if name not in self.models:
            raise RequestError(
                "model", f"{name[:60]!r} is not served here", f"known: {', '.join(self.models)}"
            )
        return name

    def card(self, name: str | None) -> Card:
        """Return the card of the model for a requested name."""
        return backend(self.model(name)).card

    def job(self, name: str, caller: Caller) -> Job:
        """Return a job of the caller's; raises `JobNotFoundError`."""
        return self.service.store.get(name, caller.owner)

    def budget(self, caller: Caller) -> Budget:
        """Return the budget of a caller: that of its token, or the server's default."""
        return caller.budget.over(self.rules.budget)

    def check_queue(self, caller: Caller) -> None:
        """Raise `Refusal` while more jobs wait than a caller may add to, and while the queue is damaged."""
        if self.service.store.damage is not None:
            raise Refusal(503, DAMAGED, "queue_damaged", type=BROKEN, headers=FINAL)
        if self.service.store.is_full(caller.name, self.max_queued):
            line = f"{self.max_queued} jobs wait already; try again later"
            raise Refusal(429, line, "queue_full", type="rate_limit_error", headers={"retry-after": "30"})


def open_context(
    home: Path,
    service: JobService,
    *,
    token: str | None = None,
    rules: AccessRules | None = None,
    models: tuple[str, ...] = ("toybox",),
    max_queued: int = 1000,
) -> ServerContext:
    """Return the server state for a home folder."""
    rules = rules or AccessRules()
    uploads = Uploads(home / "uploads", rules.max_bytes)
    characters = Characters(home / "characters")
    tokens = Tokens(home / "tokens.json", token)
    endpoints = Endpoints(home / FILE)
    return ServerContext(service, uploads, characters, tokens, endpoints, rules, models, max_queued)


async def _context(request: Request) -> ServerContext:
    return cast(ServerContext, request.app.state.context)


async def _caller(request: Request) -> Caller:
    return cast(Caller, request.scope["caller"])


async def _admin(request: Request) -> Caller:
    caller = await _caller(request)
    if not caller.may("admin"):
        raise Refusal(403, "this needs a token with the scope admin", "forbidden", type="permission_error")
    return caller


Context = Annotated[ServerContext, Depends(_context)]
CurrentCaller = Annotated[Caller, Depends(_caller)]
Admin = Annotated[Caller, Depends(_admin)]

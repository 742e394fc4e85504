"""The access middleware: it checks every request first and completes every response last.

A request gets an id, must name an allowed host, must not come from another site's page (a page that you visit must not
use the server on your machine), must carry a token if the server has any, and must respect the size limits. Each
response has headers that tell browsers to guess and run nothing, and leaves one line in the log.
"""

import logging
import math
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vitascope import telemetry
from vitascope.errors import BrokenFileError
from vitascope.jobs.budget import NO_LIMITS, Budget
from vitascope.server.errors import REFUSED, Refusal, log_damage, refusal, unforeseen
from vitascope.server.forms import SHORT_BYTES, from_json
from vitascope.server.metrics import Metrics
from vitascope.server.tokens import Caller, Tokens

log = logging.getLogger("vitascope.server.access")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token; they reveal nothing about anybody."""
UNTRACED = OPEN | {"/metrics"}
"""Paths that monitors poll all the time; in a trace they would drown everything else."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MEDIA = ("/v1/videos", "/api/v1/uploads")
"""Paths whose requests may carry pictures and videos."""
TOOLS = "/mcp"
"""Where programs that speak MCP ask; pictures come in the text of their JSON."""
JSON_BYTES = 32 * 2**20
"""Maximum bytes of a JSON request, which may embed pictures."""
PLAIN_BYTES = 2**20
"""Maximum bytes of any other request."""
BROKEN_OFF = 499
"""Status in the log for a client that disconnected before the response, as in nginx."""
SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type, idempotency-key, last-event-id, x-request-id",
    "access-control-max-age": "600",
}
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class AccessRules:
    """Who may use the server. `hosts` are its own names (None: any), `origins` the sites whose pages may use it.

    `budget` applies to each token that has no budget of its own.
    """

    hosts: frozenset[str] | None = LOOPBACK
    origins: frozenset[str] = frozenset()
    max_bytes: int = 512 * 2**20
    per_minute: int | None = None
    budget: Budget = NO_LIMITS

    def cors_headers(self, headers: Headers) -> dict[str, str]:
        """Return the CORS headers of the response for a page of one of `origins`, else none."""
        origin = headers.get("origin", "")
        if origin not in self.origins:
            return {}
        shared = {"access-control-allow-origin": origin, "vary": "origin"}
        return shared | {"access-control-expose-headers": "*", "cross-origin-resource-policy": "cross-origin"}


@dataclass
class RateLimit:
    """A token bucket of one minute's requests, refilled at that rate."""

    per_minute: int
    left: float = field(init=False)
    last_request: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = self.per_minute

    def wait(self) -> float:
        """Take one request and return 0, or return the seconds until one is available."""
        now, interval = time.monotonic(), 60 / self.per_minute
        self.left = min(self.per_minute, self.left + (now - self.last_request) / interval)
        self.last_request = now
        if self.left < 1:
            return (1 - self.left) * interval
        self.left -= 1
        return 0.0


@dataclass
class AccessMiddleware:
    """The outermost layer of the app."""

    app: ASGIApp
    rules: AccessRules
    tokens: Tokens
    metrics: Metrics = field(default_factory=Metrics)
    rate_limits: dict[str, RateLimit] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why it is refused."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        entry = RequestLog(scope, self.metrics, self.rules.cors_headers(headers))
        scope["request_id"] = entry.id
        if scope["path"] in UNTRACED:
            await self._answer(scope, receive, send, headers, entry)
            return
        with telemetry.span(scope["method"], headers.get("traceparent"), "server") as entry.span:
            await self._answer(scope, receive, send, headers, entry)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, entry: "RequestLog"
    ) -> None:
        if scope["method"] == "OPTIONS" and "access-control-allow-origin" in entry.headers:
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, entry.sending(send))
            entry.close()
            return
        try:
            scope["caller"] = entry.caller = self.admit(scope["method"], scope["path"], headers)
            if scope["method"] not in SAFE and self.rules.per_minute is not None:
                self._check_rate(entry.caller, self.rules.per_minute)
            receive = _limited(receive, scope["path"], headers, self.rules.max_bytes)
            if scope["method"] not in SAFE and not _is_media(scope["path"]):
                receive = await _checked(receive, headers)
        except Refusal as error:
            await error.response()(scope, receive, entry.sending(send))
            entry.close()
            return
        except BrokenFileError as error:
            # Without the token file no caller can be identified: refuse everything until it is repaired.
            log_damage(str(error))
            await refusal(error).response()(scope, receive, entry.sending(send))
            entry.close()
            return
        except ClientDisconnect:
            entry.leave()
            return
        try:
            await self.app(scope, receive, entry.sending(send))
        except ClientDisconnect:
            entry.leave(close=False)
        except Exception as error:
            log.error("unforeseen", exc_info=error, extra={"fields": {"request_id": entry.id}})
            if not entry.begun:
                await unforeseen().response()(scope, receive, entry.sending(send))
        finally:
            entry.close()

    def admit(self, method: str, path: str, headers: Headers) -> Caller:
        """Return the caller of a request; raises `Refusal`."""
        self._check_host(headers)
        if method not in SAFE:
            self._check_origin(headers)
        if path in OPEN or not self.tokens.all():
            return Caller()
        caller = self._authenticate(headers)
        needed = "read" if method in SAFE else "write"
        if not caller.may(needed):
            raise Refusal(403, f"this token may only {caller.scope}", "forbidden", type="permission_error")
        return caller

    def _check_host(self, headers: Headers) -> None:
        """Refuse a request for another host name, the sign of DNS rebinding."""
        name = _hostname(headers.get("host", ""))
        if self.rules.hosts is not None and name not in self.rules.hosts:
            line = f"this server has no name {name[:60]!r}; start it with --allow-host to add it"
            raise Refusal(421, line, "wrong_host")

    def _check_origin(self, headers: Headers) -> None:
        """Refuse a request from the page of another site, the sign of CSRF."""
        origin = headers.get("origin")
        if origin is None:
            foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        else:
            foreign = origin not in self.rules.origins and (
                urlsplit(origin).netloc != headers.get("host")
                or urlsplit(origin).scheme not in ("http", "https")
            )
        if foreign:
            line = "pages of other sites may not use this server; start it with --allow-origin to allow one"
            raise Refusal(403, line, "wrong_origin", type="permission_error")

    def _check_rate(self, caller: Caller, per_minute: int) -> None:
        rate_limit = self.rate_limits.setdefault(caller.name, RateLimit(per_minute))
        if (wait := rate_limit.wait()) > 0:
            line = f"{per_minute} requests a minute are taken from each; wait a moment"
            headers = {"retry-after": str(math.ceil(wait))}
            raise Refusal(429, line, "rate_limit_exceeded", type="rate_limit_error", headers=headers)

    def _authenticate(self, headers: Headers) -> Caller:
        kind, _, secret = headers.get("authorization", "").partition(" ")
        caller = self.tokens.find(secret.strip()) if kind.lower() == "bearer" and secret else None
        if caller is None:
            line = "this token is not known" if secret else "a token is needed: Authorization: Bearer …"
            challenge = {"www-authenticate": "Bearer"}
            raise Refusal(401, line, "invalid_api_key", type=REFUSED, headers=challenge)
        return caller


class RequestLog:
    """The id and the log entry of one request."""

    def __init__(self, scope: Scope, metrics: Metrics, headers: Mapping[str, str]):
        """Start the clock; `headers` are added to the response."""
        self.headers = headers
        client_id = Headers(scope=scope).get("x-request-id", "")
        self.id = client_id if _ID.fullmatch(client_id) else f"req_{secrets.token_hex(12)}"
        self.caller: Caller | None = None
        self.span = telemetry.Span()
        self._scope, self._metrics = scope, metrics
        self._start, self._status, self._bytes = time.perf_counter(), 0, 0

    @property
    def begun(self) -> bool:
        """Whether the response has started."""
        return self._status != 0

    def sending(self, send: Send) -> Send:
        """Return a `send` that adds the headers of every response."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = self.id
                headers["openai-processing-ms"] = str(round(1000 * self._seconds()))
                for name, value in {**SAFE_HEADERS, **self.headers}.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            self._bytes += len(message.get("body", b""))
            await send(message)

        return sent

    def leave(self, *, close: bool = True) -> None:
        """Record that the client disconnected before the response."""
        if not self.begun:
            self._status = BROKEN_OFF
        if close:
            self.close()

    def close(self) -> None:
        """Log the request and count it."""
        route = getattr(self._scope.get("route"), "path", "none")
        self._metrics.answered(self._scope["method"], route, self._status, self._seconds())
        fields = {"request_id": self.id, "method": self._scope["method"], "path": self._scope["path"]}
        fields |= {"status": self._status, "ms": round(1000 * self._seconds(), 1), "bytes": self._bytes}
        fields |= {"caller": self.caller.name if self.caller else None}
        fields |= {} if self.span.trace is None else {"trace_id": self.span.trace}
        self._trace(route)
        log.info("answered", extra={"fields": fields})

    def _trace(self, route: str) -> None:
        """Set the attributes of the request's span, by OpenTelemetry's names."""
        method = self._scope["method"]
        attributes = {"http.request.method": method, "http.response.status_code": self._status}
        attributes |= {"http.route": route, "vitascope.request_id": self.id}
        self.span.tell(attributes, f"{method} {route}" if route != "none" else method)
        if self._status >= 500:
            self.span.fail(str(self._status))

    def _seconds(self) -> float:
        return time.perf_counter() - self._start


def _is_media(path: str) -> bool:
    return path.startswith(MEDIA)


def _kind(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def _checked(receive: Receive, headers: Headers) -> Receive:
    """Read a JSON body, check it, and return a `receive` that yields it again; raises `Refusal`."""
    kind = _kind(headers)
    if kind != "application/json" and not kind.endswith("+json"):
        return receive
    body = bytearray()
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    if len(body) > SHORT_BYTES:
        await run_in_threadpool(from_json, bytes(body))
    else:
        from_json(bytes(body))
    messages: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received


def _limited(receive: Receive, path: str, headers: Headers, most: int) -> Receive:
    """Return a `receive` that refuses a body of more than `most` bytes, or of fewer if it is no form with files.

    Raises `Refusal`.
    """
    if path == TOOLS:
        most = min(most, JSON_BYTES)
    elif not _is_media(path):
        most = min(most, PLAIN_BYTES)
    elif _kind(headers) != "multipart/form-data":
        most = min(most, JSON_BYTES if _kind(headers) == "application/json" else PLAIN_BYTES)
    too_large = Refusal(413, f"more than {most // 2**20} MiB are not taken", "too_large")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length) > most:
        raise too_large
    size = 0

    async def received() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            raise too_large
        return message

    return received


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""

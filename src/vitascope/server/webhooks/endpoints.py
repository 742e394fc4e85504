"""Endpoints that want to hear what became of videos, and the letters that they get, signed by Standard Webhooks.

The shapes are those of OpenAI's API, so that `client.webhooks.unwrap` and every library of Standard Webhooks can check
what comes. Endpoints lie in one file beside the tokens, which only its owner may read: it holds the signing secrets.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vitascope.errors import JobNotFoundError, RequestError
from vitascope.jobs.job import Delivery, OutboxMessage
from vitascope.server.egress import EgressClient
from vitascope.server.json_store import JsonStore

FILE = "webhooks.json"
START, SECRET_START = "we_", "whsec_"
EVENT_TYPES = ("video.completed", "video.failed", "video.cancelled")
USUAL = ("video.completed", "video.failed")
"""What an endpoint hears where it does not say; a cancelled video comes as a failed one then."""
SECRET_BYTES = 32
OVERLAP_SECONDS = 86_400.0
"""How long the old secret of an endpoint signs as well, where that is asked for."""
MOST_EACH = 20


@dataclass(frozen=True)
class Endpoint:
    """Where news goes: of the jobs of `owner` (None: of all), under the names in `event_types`.

    `private` says that it may lie inside our own network, and need not be encrypted.
    """

    id: str
    name: str
    url: str
    secret: str
    event_types: tuple[str, ...] = USUAL
    owner: str | None = None
    private: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0
    old_secret: str | None = None
    old_until: float = 0.0

    def hears(self, letter: OutboxMessage) -> str | None:
        """Return what a letter is called here, None where it is not for this endpoint."""
        if letter.at < self.created_at or self.owner not in (None, letter.owner):
            return None
        if letter.type in self.event_types:
            return letter.type
        cancelled = letter.type == "video.cancelled" and "video.failed" in self.event_types
        return "video.failed" if cancelled else None

    def secrets(self, now: float) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first."""
        old = self.old_secret if now < self.old_until else None
        return (self.secret,) if old is None else (self.secret, old)

    def to_json(self) -> dict[str, Any]:
        """Return what may be told of it: all but the secret."""
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "name": self.name,
            "url": self.url,
            "event_types": list(self.event_types),
            "created_at": int(self.created_at),
            "updated_at": int(self.updated_at),
            "signing_secret_hint": f"{SECRET_START}…{self.secret[-4:]}",
        }


class Endpoints:
    """The endpoints in a file, read again whenever it changes."""

    def __init__(
        self, path: Path, egress: EgressClient | None = None, clock: Callable[[], float] = time.time
    ):
        """Keep them in a file; `egress` says what addresses are fine."""
        self.egress, self._clock = egress or EgressClient(), clock
        self._kept = JsonStore(path, "webhooks", _endpoint)

    def all(self, owner: str | None = None) -> tuple[Endpoint, ...]:
        """Return the endpoints of an owner (None: all), the oldest first."""
        return tuple(endpoint for endpoint in self._kept.all() if owner in (None, endpoint.owner))

    def get(self, name: str, owner: str | None = None) -> Endpoint:
        """Return an endpoint by its id, or by its name if there is but one; raises `JobNotFoundError`."""
        mine = self.all(owner)
        matches = [endpoint for endpoint in mine if endpoint.id == name] or [
            endpoint for endpoint in mine if endpoint.name == name
        ]
        if len(matches) != 1:
            raise JobNotFoundError("webhook_endpoint_id", f"there is no endpoint {name[:60]!r}")
        return matches[0]

    def add(
        self,
        url: str,
        name: str = "",
        event_types: Iterable[str] = USUAL,
        owner: str | None = None,
        *,
        private: bool = False,
    ) -> Endpoint:
        """Keep a new endpoint, with a secret of its own, and return it. Raises `RequestError`."""
        self.egress.check(url, private=private)
        now = self._clock()
        endpoint = Endpoint(
            id=START + secrets.token_hex(12),
            name=_name(name or "webhook"),
            url=url,
            secret=new_secret(),
            event_types=_event_types(event_types),
            owner=owner,
            private=private,
            created_at=now,
            updated_at=now,
        )

        def with_it(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
            if sum(entry.owner == owner for entry in endpoints) >= MOST_EACH:
                raise RequestError("url", f"there are {MOST_EACH} endpoints already", "remove one first")
            return (*endpoints, endpoint)

        self._kept.change(with_it)
        return endpoint

    def change(self, endpoint: Endpoint, changes: Mapping[str, Any]) -> Endpoint:
        """Give an endpoint another name, address or choice of events; raises `RequestError`."""
        changed: dict[str, Any] = {}
        if changes.get("url") is not None:
            self.egress.check(changes["url"], private=endpoint.private)
            changed["url"] = changes["url"]
        if changes.get("name") is not None:
            changed["name"] = _name(changes["name"])
        if changes.get("event_types") is not None:
            changed["event_types"] = _event_types(changes["event_types"])
        return self._replace(endpoint, changed)

    def rotate(self, endpoint: Endpoint, *, overlap: bool = False) -> Endpoint:
        """Give an endpoint a new secret; with `overlap` the old one signs as well for a day."""
        until = self._clock() + OVERLAP_SECONDS if overlap else 0.0
        old = endpoint.secret if overlap else None
        return self._replace(endpoint, {"secret": new_secret(), "old_secret": old, "old_until": until})

    def remove(self, endpoint: Endpoint) -> None:
        """Forget an endpoint."""
        self._kept.change(lambda endpoints: [entry for entry in endpoints if entry.id != endpoint.id])

    def _replace(self, endpoint: Endpoint, changed: Mapping[str, Any]) -> Endpoint:
        """Change an endpoint as it is by now, which another process may have changed; raises `JobNotFoundError`."""
        if replace(endpoint, **changed) == endpoint:
            return endpoint
        changed = {**changed, "updated_at": self._clock()}
        self._kept.change(
            lambda endpoints: [
                replace(entry, **changed) if entry.id == endpoint.id else entry for entry in endpoints
            ]
        )
        return self.get(endpoint.id)


def _endpoint(row: dict[str, Any]) -> Endpoint:
    return Endpoint(**{**row, "event_types": tuple(row["event_types"])})


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return SECRET_START + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a letter: HMAC-SHA256 over "id.timestamp.body", as Standard Webhooks has it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_START), validate=True)
    except binascii.Error:
        raise RequestError("secret", "is not base64 after whsec_") from None
    mac = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def written(delivery: Delivery) -> bytes:
    """Return the body of a delivery, the same bytes at every try."""
    payload = {"id": delivery.letter, "object": "event", "created_at": int(delivery.at)}
    payload |= {"type": delivery.type, "data": {"id": delivery.job}}
    return json.dumps(payload, separators=(",", ":")).encode()


def signed(endpoint: Endpoint, delivery: Delivery, now: float) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers with which a delivery goes out now."""
    body, timestamp = written(delivery), int(now)
    signatures = [signature(secret, delivery.letter, timestamp, body) for secret in endpoint.secrets(now)]
    headers = {"Content-Type": "application/json", "User-Agent": "vitascope-webhooks"}
    headers |= {"webhook-id": delivery.letter, "webhook-timestamp": str(timestamp)}
    return body, headers | {"webhook-signature": " ".join(signatures)}


def sample(endpoint: Endpoint, type: str, now: float) -> Delivery:
    """Return a delivery that tells of a video that never was."""
    (type,) = _event_types([type])
    letter = f"evt_test_{secrets.token_hex(8)}"
    return Delivery(letter, endpoint.id, "video_" + "0" * 24, type, now, tries=1)


def _name(name: str) -> str:
    name = " ".join(str(name).split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise RequestError("name", "is not a name", "1 to 80 letters")
    return name


def _event_types(types: Iterable[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(types))
    unknown = next((type for type in chosen if type not in EVENT_TYPES), None)
    if unknown is not None or not chosen:
        problem = "are none" if unknown is None else f"{str(unknown)[:40]!r} is not known"
        raise RequestError("event_types", problem, f"known: {', '.join(EVENT_TYPES)}")
    return chosen

"""Tokens that let others in: 32 random bytes each, of which only the checksum is kept, with a name and a scope."""

import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from vitascope.errors import OutputError, RequestError
from vitascope.files import published
from vitascope.jobs.budget import NO_LIMITS, Budget

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a token allows: to look, to make and remove one's own clips, to do that with everybody's and run the queue."""
START = "vs_"


@dataclass(frozen=True)
class Token:
    """A token as it is kept."""

    name: str
    sha256: str
    scope: Scope
    created_at: float = 0.0
    budget: Budget = NO_LIMITS


@dataclass(frozen=True)
class Caller:
    """Who asks: the name that jobs are kept under, what it may do, and how much it may have."""

    name: str = ""
    scope: Scope = "admin"
    budget: Budget = NO_LIMITS

    @property
    def owner(self) -> str | None:
        """Whose jobs it sees: its own, or (None) everybody's."""
        return None if self.scope == "admin" else self.name

    def may(self, scope: Scope) -> bool:
        """Say whether it may do what needs a scope; each includes those before it."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


class Tokens:
    """The tokens in a file, and those that the server was started with."""

    def __init__(self, path: Path, given: str | None = None):
        """Read the tokens of a file, again whenever it changes; `given` is the secret of one more, with all rights."""
        self._path, self._stamp, self._kept = path, -1, ()
        self._given = () if given is None else (Token("admin", digest(_checked(given)), "admin"),)

    def all(self) -> tuple[Token, ...]:
        """Return all tokens."""
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            self._kept, stamp = (), -1
        if stamp != self._stamp:
            self._kept = tuple(map(_token, json.loads(self._path.read_text("utf-8"))))
            self._stamp = stamp
        return self._given + self._kept

    def find(self, secret: str) -> Caller | None:
        """Return who has a secret; it takes as long for a wrong one as for a right one."""
        asked, found = digest(secret), None
        for token in self.all():
            if hmac.compare_digest(token.sha256, asked):
                found = Caller(token.name, token.scope, token.budget)
        return found

    def add(self, name: str, scope: str, budget: Budget = NO_LIMITS) -> str:
        """Keep a new token and return its secret, which nobody can be told again. Raises `RequestError`.

        Its own `budget` goes before that of the server.
        """
        if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 40:
            raise RequestError("name", f"{name[:40]!r} is not a name", "letters, digits, - and _")
        if scope not in SCOPES:
            raise RequestError("scope", f"{scope[:40]!r} is not a scope", f"known: {', '.join(SCOPES)}")
        if any(token.name == name for token in self.all()):
            raise RequestError("name", f"there is a token {name} already", "remove it first")
        secret = START + secrets.token_urlsafe(32)
        self._save((*self._kept, Token(name, digest(secret), cast(Scope, scope), time.time(), budget)))
        return secret

    def remove(self, name: str) -> None:
        """Forget a token; what it opened is closed from the next request on. Raises `RequestError`."""
        kept = [token for token in self.all() if token not in self._given]
        if all(token.name != name for token in kept):
            raise RequestError("name", f"there is no token {name[:40]!r}", "see: vitascope tokens ls")
        self._save(tuple(token for token in kept if token.name != name))

    def _save(self, tokens: tuple[Token, ...]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"home: {self._path.parent} could not be made ({error.strerror})") from None
        with published(self._path, force=True, argument="tokens") as part:
            os.chmod(part, 0o600)
            part.write_text(json.dumps([asdict(token) for token in tokens], indent=1), "utf-8")


def _token(told: dict[str, Any]) -> Token:
    return Token(**{**told, "budget": Budget(**told.get("budget", {}))})


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _checked(secret: str) -> str:
    if len(secret) < 16:
        raise RequestError("token", "is too short to keep anybody out", "16 characters at least")
    return secret

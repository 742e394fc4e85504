"""Tokens that let others in: 32 random bytes each, of which only the checksum is kept, with a name and a scope."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from vitascope.errors import RequestError
from vitascope.jobs.budget import NO_LIMITS, Budget
from vitascope.server.json_store import JsonStore

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a token allows: to look, to make and remove one's own clips, to do that with everybody's and run the queue."""
START = "vs_"
MAX_SHARE = 100


@dataclass(frozen=True)
class Token:
    """A token as it is kept."""

    name: str
    sha256: str
    scope: Scope
    created_at: float = 0.0
    budget: Budget = NO_LIMITS
    share: int = 1


@dataclass(frozen=True)
class Caller:
    """Who asks: the name that jobs are kept under, what it may do, how much it may have, and its share of the line."""

    name: str = ""
    scope: Scope = "admin"
    budget: Budget = NO_LIMITS
    share: int = 1

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
        self._kept = JsonStore(path, "tokens", _token)
        self._given = () if given is None else (Token("admin", digest(_checked(given)), "admin"),)

    def all(self) -> tuple[Token, ...]:
        """Return all tokens."""
        return self._given + self._kept.all()

    def find(self, secret: str) -> Caller | None:
        """Return who has a secret; it takes as long for a wrong one as for a right one."""
        checksum, caller = digest(secret), None
        for token in self.all():
            if hmac.compare_digest(token.sha256, checksum):
                caller = Caller(token.name, token.scope, token.budget, token.share)
        return caller

    def add(self, name: str, scope: str, budget: Budget = NO_LIMITS, share: int = 1) -> str:
        """Keep a new token and return its secret, which nobody can be told again. Raises `RequestError`.

        Its own `budget` goes before that of the server. In each round of the line it has as many jobs as its `share`.
        """
        if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 40:
            raise RequestError("name", f"{name[:40]!r} is not a name", "letters, digits, - and _")
        if scope not in SCOPES:
            raise RequestError("scope", f"{scope[:40]!r} is not a scope", f"known: {', '.join(SCOPES)}")
        if not 1 <= share <= MAX_SHARE:
            raise RequestError("share", f"{share} is not a share", f"1 to {MAX_SHARE}")
        secret = START + secrets.token_urlsafe(32)
        token = Token(name, digest(secret), cast(Scope, scope), time.time(), budget, share)

        def with_it(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
            if any(existing.name == name for existing in (*self._given, *tokens)):
                raise RequestError("name", f"there is a token {name} already", "remove it first")
            return (*tokens, token)

        self._kept.change(with_it)
        return secret

    def remove(self, name: str) -> None:
        """Forget a token; what it opened is closed from the next request on. Raises `RequestError`."""

        def without_it(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
            remaining = tuple(token for token in tokens if token.name != name)
            if len(remaining) == len(tokens):
                raise RequestError("name", f"there is no token {name[:40]!r}", "see: vitascope tokens ls")
            return remaining

        self._kept.change(without_it)


def _token(row: dict[str, Any]) -> Token:
    return Token(**{**row, "budget": Budget(**row.get("budget", {}))})


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _checked(secret: str) -> str:
    if len(secret) < 16:
        raise RequestError("token", "is too short to keep anybody out", "16 characters at least")
    return secret

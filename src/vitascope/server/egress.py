"""Outgoing requests: one POST to a URL that a user chose, which must not reach the private network.

The client resolves the host name once, checks that every address is public, and connects to one of these addresses, so
that DNS rebinding gains nothing. It follows no redirect, uses no proxy of the environment, verifies certificates, and
ends within a time limit.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from time import time
from urllib.parse import urlsplit

from vitascope.errors import RequestError

MOST_URL = 2000
LONGEST_WAIT = 86_400.0
_INSIDE = tuple(
    map(
        ip_network,
        (
            *("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "fec0::/10", "100::/64"),
            *("2001:db8::/32", "3fff::/20", "5f00::/16"),
        ),
    )
)
"""Not public, whatever older versions of `ipaddress` say."""
_NAT64 = IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], list[str]]


class Unreachable(Exception):
    """The other side did not answer; the message says why."""


@dataclass(frozen=True)
class Answer:
    """An HTTP status, and the seconds of its Retry-After header."""

    status: int
    wait: float = 0.0


@dataclass(frozen=True)
class EgressClient:
    """Posts to public addresses; to private addresses, and over plain HTTP, only with `private`."""

    seconds: float | int = 15.0
    resolve: Resolve | None = None
    context: ssl.SSLContext | None = None

    def check(self, url: str, *, private: bool = False) -> None:
        """Raise `RequestError` for a URL that no post may go to; a host name that does not resolve yet is allowed."""
        host, port, _ = parse_url(url, private=private)
        with contextlib.suppress(OSError):
            for address in (self.resolve or resolve_host)(host, port):
                if not (private or is_public(address)):
                    hint = "an address that can be reached from anywhere is wanted"
                    raise RequestError("url", f"{host} is {address}, which lies inside", hint)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, private: bool = False) -> Answer:
        """Send a body once and return the answer, whatever its status is. Raises `Unreachable`."""
        try:
            host, port, target = parse_url(url, private=private)
        except RequestError as error:
            raise Unreachable(str(error)) from None
        addresses = self._addresses(host, port, private)
        context = None
        if urlsplit(url).scheme == "https":
            context = self.context or ssl.create_default_context()
        connection = _Pinned(host, port, addresses, context, float(self.seconds))
        with _time_limit(connection, self.seconds), contextlib.closing(connection):
            connection.request("POST", target, body, {"Connection": "close", **headers})
            # The body is not read, so that a URL reveals nothing about what answers there.
            with connection.getresponse() as answer:
                return Answer(answer.status, _retry_after(answer.getheader("Retry-After", "")))

    def _addresses(self, host: str, port: int, private: bool) -> list[str]:
        """Return the addresses of a host name, all of which may be connected to; raises `Unreachable`."""
        try:
            addresses = (self.resolve or resolve_host)(host, port)
        except OSError as error:
            raise Unreachable(f"{host} is not known ({error.strerror or error})") from None
        inside = [address for address in addresses if not is_public(address)]
        if inside and not private:
            raise Unreachable(f"{host} is {inside[0]}, which lies inside: nothing is sent there")
        if not addresses:
            raise Unreachable(f"{host} has no address")
        return addresses


class _Pinned(HTTPConnection):
    """A connection to one of the checked addresses, whatever the host name resolves to by now."""

    def __init__(
        self, host: str, port: int, addresses: list[str], context: ssl.SSLContext | None, seconds: float
    ):
        super().__init__(host, port, timeout=seconds)
        self._addresses, self._context = addresses, context

    def connect(self) -> None:
        """Connect to the first address that answers."""
        self.sock = _open_socket(self._addresses, self.port, float(self.timeout or 0))
        if self._context is not None:
            # The handshake comes after the assignment, so that `cut` can close the socket while it waits.
            self.sock = self._context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def cut(self) -> None:
        """Shut the socket down, which ends every wait on it; any thread may call this."""
        if (sock := self.sock) is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def is_public(address: str) -> bool:
    """Return whether an address is public; an address that embeds another one is judged by both."""
    try:
        parsed_address = ip_address(address)
        if isinstance(parsed_address, IPv6Address) and parsed_address.scope_id is not None:
            return False  # a zone is one of this machine's own networks
    except ValueError:
        return False
    inner = [
        parsed_address,
        *(_embedded_addresses(parsed_address) if isinstance(parsed_address, IPv6Address) else ()),
    ]
    return all(_is_global(candidate) for candidate in inner)


def _embedded_addresses(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address embeds (mapped, 6to4, Teredo, NAT64)."""
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64 or int(address) >> 32 == 0:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    reserved = address.is_reserved and address not in _NAT64
    fine = mapped or (address.is_global and not address.is_multicast and not reserved)
    return fine and not any(address in inside for inside in _INSIDE if inside.version == address.version)


def parse_url(url: str, *, private: bool = False) -> tuple[str, int, str]:
    """Return host, port and request target of a URL; raises `RequestError`."""
    if len(url) > MOST_URL or not url.isascii() or any(char <= " " or char == "\x7f" for char in url):
        raise RequestError("url", "is not an address", "as in https://example.com/hook")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not host or parts.scheme not in ("http", "https") or parts.username is not None or parts.fragment:
        raise RequestError("url", f"{url[:80]!r} is not an address", "as in https://example.com/hook")
    if parts.scheme == "http" and not private:
        raise RequestError("url", "goes unencrypted", "https is wanted")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port or (443 if parts.scheme == "https" else 80), target


def resolve_host(host: str, port: int) -> list[str]:
    """Return the addresses of a host name; raises `OSError`."""
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("it is not a name") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _open_socket(addresses: list[str], port: int, seconds: float) -> socket.socket:
    last: OSError | None = None
    for address in addresses[:4]:
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            last = error
    raise last or OSError("there is no address")


@contextmanager
def _time_limit(connection: _Pinned, seconds: float | int) -> Iterator[None]:
    """Cut the connection of a block at a time limit; raises `Unreachable` for every network error in it."""
    over = threading.Event()

    def end() -> None:
        over.set()
        connection.cut()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    late = Unreachable(f"no answer within {seconds:g} s")
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        if over.is_set() or isinstance(error, TimeoutError):
            raise late from None
        raise Unreachable(_why(error)) from None
    finally:
        timer.cancel()
    if over.is_set():  # headers that were cut off look like headers that are over
        raise late


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted ({error.verify_message})"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"the connection broke ({' '.join(str(words).split())[:120]})"


def _retry_after(text: str) -> float:
    """Return the seconds of a Retry-After header, 0 for an invalid one."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(LONGEST_WAIT, float(text[:9]))
    try:
        return max(0.0, min(LONGEST_WAIT, parsedate_to_datetime(text).timestamp() - time()))
    except (ValueError, TypeError, OverflowError):
        return 0.0

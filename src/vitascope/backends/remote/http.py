"""Talking to one server over HTTP, by the standard library: what is asked goes nowhere else, and everything ends.

One connection per exchange. Certificates are checked; no proxy of the environment stands between; a redirect is
followed only within the server, so that the key is never shown to another.
"""

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urljoin, urlsplit

from vitascope.backends.remote.responses import Answer, quote_safely
from vitascope.errors import RemoteError
from vitascope.settings import RemoteServer

MOST_ANSWER = 1 << 20
"""Bytes of an answer that are read, but for clips."""
MOST_REDIRECTS = 5
LONGEST_PAUSE = 300.0
"""Seconds that a server may ask us to wait before we try again."""
FIRST_PAUSE, USUAL_PAUSE = 0.5, 20.0
SLICE = 0.2
"""Seconds between two looks at whether the clip is still wanted."""

BUSY = (429, 503)
"""What a server answers that has not taken a request and will later."""
PASSING = (408, 425, *BUSY, 500, 502, 504)
"""What may be gone when the same is asked again."""


@dataclass(frozen=True)
class Clock:
    """Time and chance, so that tests need to wait for neither."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    date: Callable[[], float] = time.time


class Broken(Exception):
    """An exchange that came to nothing: why, whether the server may have acted on it, and whether it stays so."""

    def __init__(self, why: str, *, arrived: bool, lasting: bool = False):
        """Say `why` in words that follow the server's name."""
        super().__init__(why)
        self.why, self.arrived, self.lasting = why, arrived, lasting


@dataclass(frozen=True)
class Wire:
    """The way to one server. `check` is asked while waiting and may raise; `note` hears why we wait."""

    name: str
    server: RemoteServer
    key: str | None = field(default=None, repr=False)
    clock: Clock = Clock()
    check: Callable[[], None] = lambda: None
    note: Callable[[str], None] = lambda line: None

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
        passing: tuple[int, ...] = PASSING,
    ) -> Answer:
        """Return the answer to a request, asked again while that may help; `once` is for what must not be done twice.

        A request that must not be done twice is only repeated when it cannot have been taken. Raises `RemoteError`
        when there is no answer.
        """
        for number in range(1, self.server.tries + 1):
            wait, last = None, number == self.server.tries
            try:
                answer = self._answer(method, path, headers, body)
                final = answer.headers.get("x-should-retry") == "false" or (
                    once and answer.status not in BUSY
                )
                if last or final or answer.status not in passing:
                    return answer
                why, wait = f"answers {answer.status}", self.asked_to_wait(answer.headers)
            except Broken as error:
                if last or error.lasting or (once and error.arrived):
                    raise RemoteError(f"{self.name} {error.why}") from None
                why = error.why
            self.pause(number, why, wait)
        raise AssertionError("the last try returns or raises")

    def pause(self, number: int, why: str, wait: float | None = None) -> None:
        """Wait before the next try, the longer the more there were, or as long as the server says.

        Raises `RemoteError` when it asks for too much.
        """
        if wait is not None and wait > LONGEST_PAUSE:
            raise RemoteError(f"{self.name} {why} and asks us to wait {wait:.0f} s")
        usual = min(USUAL_PAUSE, FIRST_PAUSE * 2 ** (number - 1)) * (0.5 + self.clock.random() / 2)
        seconds = usual if wait is None else max(wait, 0.0)
        self.note(f"{self.name} {why}: trying again in {seconds:.1f} s")
        self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, and look now and then whether the clip is still wanted."""
        self.check()
        while seconds > 1e-9:
            self.clock.sleep(min(SLICE, seconds))
            seconds -= SLICE
            self.check()

    def asked_to_wait(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds that a server asks us to wait, said as milliseconds, seconds or a date."""
        for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            text = headers.get(name, "").strip()
            if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
                return float(text) * scale
        try:
            return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - self.clock.date())
        except (KeyError, ValueError, TypeError, OverflowError):
            return None

    @contextmanager
    def opened(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Iterator[HTTPResponse]:
        """Yield the response to one request, its body unread. Raises `Broken`, also for what breaks inside."""
        url = self.server.url.rstrip("/") + path
        for _ in range(MOST_REDIRECTS + 1):
            connection = self._connected()
            try:
                with self._sent(connection, method, url, headers, body) as response:
                    following = self._following(method, url, response)
                    if following is None:
                        yield response
                        return
                    url = following
            except TimeoutError:
                raise Broken(f"said nothing for {self.server.answer_seconds:g} s", arrived=True) from None
            except (OSError, HTTPException, ValueError) as error:
                why = quote_safely(str(error), self.key) or type(error).__name__
                raise Broken(f"broke off ({why})", arrived=True) from None
            finally:
                connection.close()
        raise Broken("sends us round in circles (too many redirects)", arrived=True, lasting=True)

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> Answer:
        until = self.clock.now() + self.server.answer_seconds
        with self.opened(method, path, headers, body) as response:
            expected, read = response.length, b""
            while piece := response.read1(1 << 16):
                read += piece
                if len(read) > MOST_ANSWER:
                    raise Broken(f"answers with more than {MOST_ANSWER:,} bytes", arrived=True, lasting=True)
                if len(read) == expected:
                    break
                if self.clock.now() > until:
                    raise TimeoutError
            if expected is not None and len(read) < expected:
                raise Broken(f"broke off after {len(read)} of {expected} bytes", arrived=True)
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(self.name, response.status, fields, read, self.key)

    def _connected(self) -> HTTPConnection:
        parts, seconds = urlsplit(self.server.url), self.server.connect_seconds
        host, port = parts.hostname or "", parts.port
        connection = (
            HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
            if parts.scheme == "https"
            else HTTPConnection(host, port, timeout=seconds)
        )
        try:
            connection.connect()
            connection.sock.settimeout(self.server.answer_seconds)
        except ssl.SSLCertVerificationError as error:
            why = f"shows a certificate that cannot be trusted ({quote_safely(error.verify_message, None)})"
            raise Broken(why, arrived=False, lasting=True) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            why = f"cannot be reached at {parts.netloc} ({quote_safely(reason, None)})"
            raise Broken(why, arrived=False) from None
        return connection

    def _sent(
        self,
        connection: HTTPConnection,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> HTTPResponse:
        parts = urlsplit(url)
        fields = {"Accept": "application/json", "Connection": "close", **(headers or {})}
        if self.key is not None:
            fields["Authorization"] = f"Bearer {self.key}"
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, fields)
        return connection.getresponse()

    def _following(self, method: str, url: str, response: HTTPResponse) -> str | None:
        """Return where a redirect leads within the server, None where the response is none."""
        if response.status not in (301, 302, 303, 307, 308):
            return None
        target = response.getheader("Location")
        if target is None or (method != "GET" and response.status not in (307, 308)):
            raise Broken(f"answers {response.status}, which is no answer", arrived=True, lasting=True)
        following = urljoin(url, target)
        origin, destination = urlsplit(url), urlsplit(following)
        if (origin.scheme, origin.netloc) != (destination.scheme, destination.netloc):
            address = quote_safely(destination.hostname or destination.scheme, self.key)
            why = f"sends us on to another host ({address}), which is not followed"
            raise Broken(why, arrived=True, lasting=True)
        return following

"""A receiver of webhooks on this machine, and a check of signatures that shares nothing with what signs them."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What came, and what is answered: the statuses in turn, the last one for ever."""

    url: str
    answers: list[int] = field(default_factory=lambda: [204])
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive until a block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = {name.lower(): value for name, value in self.headers.items()}
            receiver.came.append((self.path, told, body))
            status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            # A header now and a header then: nobody may wait for the end of this.
            self.send_response(status)
            for _ in range(int(receiver.pause * 10)):
                self.send_header("x-slow", "yes")
                self.flush_headers()
                time.sleep(0.1)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook?a=b")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def is_signed(headers: dict[str, str], body: bytes, secret: str, now: float | None = None) -> bool:
    """Say whether a letter is signed with a secret, as https://www.standardwebhooks.com says: written for the tests."""
    name, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(int(timestamp) - (time.time() if now is None else now)) > 300:
        return False
    key = base64.b64decode(secret[len("whsec_") :])
    wanted = hmac.digest(key, b".".join([name.encode(), timestamp.encode(), body]), hashlib.sha256)
    given = [one.split(",", 1) for one in headers["webhook-signature"].split(" ")]
    return any(
        version == "v1" and hmac.compare_digest(base64.b64decode(mac), wanted) for version, mac in given
    )

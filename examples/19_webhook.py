"""Be told when a clip is over, and check who wrote that: `python examples/19_webhook.py [PROMPT]`."""

import base64
import hashlib
import hmac
import os
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from vitascope import Shot
from vitascope.client import client_of

HOME = Path(tempfile.gettempdir()) / "vitascope-example-webhook"
SURROUNDINGS = {**os.environ, "VITASCOPE_HOME": str(HOME)}
VITASCOPE = [sys.executable, "-m", "vitascope"]


class Hook(HTTPServer):
    """Keeps the last letter that was signed with the secret."""

    key: bytes = b""
    letter: str | None = None


class Handler(BaseHTTPRequestHandler):
    """Receives letters, and believes those that are signed with the secret."""

    def do_POST(self) -> None:
        assert isinstance(self.server, Hook)
        body = self.rfile.read(int(self.headers["content-length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        mac = base64.b64encode(hmac.digest(self.server.key, signed, hashlib.sha256)).decode()
        fine = f"v1,{mac}" in self.headers["webhook-signature"].split()
        self.send_response(204 if fine else 401)
        self.end_headers()
        self.server.letter = body.decode() if fine else None


def main(prompt: str = "a cat walks in a garden") -> str | None:
    """Return the letter: an event in the shape of OpenAI's, with the id of the video."""
    with Hook(("127.0.0.1", 0), Handler) as hook:
        url = f"http://127.0.0.1:{hook.server_port}/"
        add = [*VITASCOPE, "webhooks", "add", url, "--allow-private"]
        name, secret = subprocess.check_output(add, env=SURROUNDINGS, text=True).split()
        hook.key = base64.b64decode(secret.removeprefix("whsec_"))
        serve = [*VITASCOPE, "serve", "--port", "0"]
        process = subprocess.Popen(serve, env=SURROUNDINGS, text=True, stderr=subprocess.PIPE)
        assert process.stderr is not None
        try:
            client_of(process.stderr.readline().split()[-1]).submit(Shot(prompt=prompt, seed=7))
            hook.handle_request()
        finally:
            process.terminate()
            process.communicate()
            subprocess.run([*VITASCOPE, "webhooks", "rm", name], env=SURROUNDINGS, check=True)
    print(hook.letter)
    return hook.letter


if __name__ == "__main__":
    main(*sys.argv[1:])

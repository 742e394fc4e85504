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
HERE = {"env": {**os.environ, "VITASCOPE_HOME": str(HOME)}, "text": True}
VITASCOPE = [sys.executable, "-m", "vitascope"]


class Hook(BaseHTTPRequestHandler):
    """Receives letters, and believes those that are signed with the secret."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        mac = base64.b64encode(hmac.digest(self.server.key, signed, hashlib.sha256)).decode()
        fine = f"v1,{mac}" in self.headers["webhook-signature"].split()
        self.send_response(204 if fine else 401)
        self.end_headers()
        self.server.letter = body.decode() if fine else None


def main(prompt: str = "a cat walks in a garden") -> str | None:
    """Return the letter: an event in the shape of OpenAI's, with the id of the video."""
    with HTTPServer(("127.0.0.1", 0), Hook) as hook:
        url = f"http://127.0.0.1:{hook.server_port}/"
        add = subprocess.run(
            [*VITASCOPE, "webhooks", "add", url, "--allow-private"], **HERE, stdout=-1, check=True
        )
        name, secret = add.stdout.split()
        hook.key = base64.b64decode(secret.removeprefix("whsec_"))
        process = subprocess.Popen([*VITASCOPE, "serve", "--port", "0"], **HERE, stderr=subprocess.PIPE)
        try:
            client_of(process.stderr.readline().split()[-1]).submit(Shot(prompt=prompt, seed=7))
            hook.handle_request()
        finally:
            process.terminate()
            process.communicate()
            subprocess.run([*VITASCOPE, "webhooks", "rm", name], **HERE, check=True)
    print(hook.letter)
    return hook.letter


if __name__ == "__main__":
    main(*sys.argv[1:])

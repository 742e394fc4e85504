"""Start the service, let it make a clip and bring it home: `python examples/16_service.py [PROMPT] [FILE]`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from vitascope import Shot
from vitascope.client import client_of

HOME = Path(tempfile.gettempdir()) / "vitascope-example-service"
SERVE = [sys.executable, "-m", "vitascope", "serve", "--port", "0"]


def main(prompt: str = "a cat walks in a garden", path: str = "served.mp4") -> None:
    """The server says where it listens; what it says after that goes to the same log."""
    process = subprocess.Popen(
        SERVE, env={**os.environ, "VITASCOPE_HOME": str(HOME)}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        client = client_of(process.stderr.readline().split()[-1])
        job = client.submit(Shot(prompt=prompt, seed=7))
        for event in client.events(job["id"]):
            if event["type"] == "progress":
                print(f"{event['percent']} % {event['phase']}")
        client.download(job["id"], Path(path), force=True)
    finally:
        process.terminate()
        process.communicate()
    print("saved", path)


if __name__ == "__main__":
    main(*sys.argv[1:])

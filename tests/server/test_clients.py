"""The client libraries that people have, as they come, against a real server on this machine.

`tests/server/clients/install.py FOLDER` installs them; VITASCOPE_CLIENTS names that folder.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.test_serve import serve
from tests.server.clients.install import NODE, PYTHON
from tests.server.conftest import png
from vitascope.server.tokens import Tokens

HERE = Path(__file__).parent / "clients"
PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
CLIENTS = (*PYTHON, NODE)
OVER = "completed", 100
KEYED = ["ConflictError", 409, "conflict", "key", True]
NOWHERE = ["NotFoundError", 404, "not_found", "job", True]
REFUSALS = {
    "another request": KEYED,
    "no prompt": ["BadRequestError", 400, "missing", "prompt", True],
    "size": ["BadRequestError", 400, "invalid_value", "size", True],
    "nobody": NOWHERE,
    "no such variant": ["BadRequestError", 400, "invalid_value", "variant", True],
    "no clip": ["NotFoundError", 404, "not_ready", "video_id", True],
    "a page": ["BadRequestError", 400, "invalid_value", "input_reference", True],
}


def command(version: str) -> tuple[list[str], dict[str, str]]:
    """Return what runs the walk of a client and its environment; skips where the client is not installed."""
    folder = os.environ.get("VITASCOPE_CLIENTS")
    if not folder:
        pytest.skip("VITASCOPE_CLIENTS names no folder of clients")
    path = Path(folder).absolute() / ("node" if version == NODE else f"openai-{version}")
    if not path.is_dir():
        pytest.skip(f"{path.name} is not in VITASCOPE_CLIENTS")
    if version != NODE:
        # Without `site` the interpreter has its own library and this folder, and nothing else.
        return [sys.executable, "-S", str(HERE / "walk.py")], {"PYTHONPATH": str(path)}
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not here")
    return [node, str(HERE / "walk.mjs"), str(path)], {}


def walked(version: str, served: tuple[str, dict[str, str]], folder: Path, clip: bytes, **more: int) -> dict:
    """Return what a client saw on its walk, whose requests say `more`."""
    (program, told), (url, secrets) = command(version), served
    (folder / "cat.png").write_bytes(png())
    (folder / "clip.mp4").write_bytes(clip)
    files = [str(folder / "cat.png"), str(folder / "clip.mp4")]
    done = subprocess.run(
        [*program, url, secrets[version], *files, json.dumps(more)],
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", **told},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address of a service, and a token for each client, which sees only its own videos."""
    tokens = Tokens(home / "tokens.json")
    secrets = {version: tokens.add(version.replace(".", "-"), "write") for version in CLIENTS}
    process, url = serve(home, 0.0, *options)
    yield url, secrets
    process.send_signal(signal.SIGTERM)
    process.wait(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[str, dict[str, str]]]:
    with serving(tmp_path_factory.mktemp("clients") / "home") as served:
        yield served


@pytest.mark.parametrize("version", CLIENTS)
def test_a_client_walks_through_the_whole_api_with_nothing_patched(version, server, tmp_path, clip):
    seen = walked(version, server, tmp_path, clip)
    assert seen["version"].startswith(version)
    assert seen["models"] == ["fake"]
    assert seen["create"] == {
        "began": ["queued", 0, "4", "64x48", True],
        "too early": ["NotFoundError", 404, "not_ready", "video_id", True],
        "made": [*OVER, "4", "64x48", True],
        "from a picture": [*OVER, "2.125", "64x48", True],
    }
    assert seen["pages"] == {"first": True, "more": True, "all": 3 if version == NODE else 2}
    assert seen["content"] == {"video": "mp4", "thumbnail": "webp", "spritesheet": "jpeg", "streamed": True}
    assert list(seen["others"]) == ["edit", "extend", "edit by id", "extend by id", "remix"]
    assert all(one[:2] == [*OVER] for one in seen["others"].values())
    assert seen["character"]["name"] == "Mia"
    assert seen["character"]["video"][0] == "queued"
    errors = seen["errors"]
    assert errors.pop("same key")
    assert errors.pop("cancelled") == ["failed", "cancelled"]
    assert errors == REFUSALS
    assert seen["delete"] == {"deleted": True, "afterwards": NOWHERE}
    assert seen["wrong key"] == ["AuthenticationError", 401, "invalid_api_key", None, True]
    assert set(seen["has"]) == documented()[version]


def test_the_newest_client_gets_clips_of_the_model_that_ships(tmp_path, clip):
    version = PYTHON[-1]
    command(version)
    with serving(tmp_path / "home", "--models", "toybox", "--program", "vitascope") as served:
        seen = walked(version, served, tmp_path, clip, num_inference_steps=1, num_frames=9)
    assert seen["create"]["made"][:2] == [*OVER]
    assert [one[:2] for one in seen["others"].values()] == [[*OVER]] * 5
    assert seen["content"] == {"video": "mp4", "thumbnail": "webp", "spritesheet": "jpeg", "streamed": True}


def documented() -> dict[str, set[str]]:
    """Return which client has which call, as the page says."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    names = [found[0] for cell in rows[0] if (found := re.findall(r"[\d.]*\d", cell))]
    has: dict[str, set[str]] = {name: set() for name in names}
    for row in rows[2:]:
        for name, cell in zip(names, row[1:], strict=True):
            if cell == "yes":
                has[name].add(row[0].strip("`"))
    return has


def test_the_page_of_clients_has_a_column_for_each():
    assert set(documented()) == set(CLIENTS)

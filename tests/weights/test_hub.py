import errno
import json
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vitascope.errors import WeightsError
from vitascope.weights.hub import HuggingFace

huggingface_hub = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")
errors = pytest.importorskip("huggingface_hub.errors")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "model_index.json": b"{}",
    "vae/config.json": b'{"a": 1}',
    "vae/a[1].txt": b"odd",
    "big.bin": b"no" * 999,
}


class OneRepository(BaseHTTPRequestHandler):
    """As much of the hub as it takes to download from it: what a repository holds, and its files."""

    status = 200
    error = ""

    def do_GET(self) -> None:

        if self.status != 200:
            self._answer(b"{}", self.status, {"X-Error-Code": self.error, "X-Error-Message": self.error})
        elif self.path.startswith("/api/models/a/b/tree/"):
            self._answer(
                json.dumps(
                    [{"type": "file", "path": n, "size": len(d), "oid": "1" * 40} for n, d in FILES.items()]
                ).encode()
            )
        elif self.path.startswith("/api/models/a/b"):
            siblings = [{"rfilename": name, "size": len(data)} for name, data in FILES.items()]
            siblings[0]["lfs"] = {"sha256": "5" * 64, "size": 2, "pointerSize": 1}
            self._answer(json.dumps({"id": "a/b", "sha": COMMIT, "siblings": siblings}).encode())
        else:
            name = self.path.partition(f"/resolve/{COMMIT}/")[2].replace("%5B", "[").replace("%5D", "]")
            self._answer(
                FILES[name], 200, {"ETag": f'"{zlib.crc32(name.encode())}"', "X-Repo-Commit": COMMIT}
            )

    do_HEAD = do_GET

    def _answer(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[type[OneRepository]]:
    """A hub on this machine that huggingface_hub is pointed at."""
    handler = type("Handler", (OneRepository,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        home = f"http://127.0.0.1:{http.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", home)
        address = home + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield handler
        http.shutdown()
        thread.join(10)


def test_a_repository_says_what_it_holds(server):
    remote = HuggingFace().look("a/b", "main")
    assert remote.commit == COMMIT
    assert remote.sizes == {name: len(data) for name, data in FILES.items()}
    assert remote.checksums == {"model_index.json": "5" * 64}


def test_only_the_files_that_are_named_come(server, tmp_path: Path):
    names = ["model_index.json", "vae/config.json", "vae/a[1].txt"]
    HuggingFace().fetch("a/b", COMMIT, names, tmp_path / "model")
    for name in names:
        assert (tmp_path / "model" / name).read_bytes() == FILES[name]
    assert not (tmp_path / "model" / "big.bin").exists()


@pytest.mark.parametrize(
    ("status", "error", "line"),
    [
        (403, "GatedRepo", "a/b is gated: ask for access on its page, then log in"),
        (404, "RepoNotFound", "a/b is not there, or hidden from you"),
        (404, "RevisionNotFound", "a/b has no such revision"),
    ],
)
def test_what_the_hub_refuses_is_one_line(server, status: int, error: str, line: str):
    server.status, server.error = status, error
    with pytest.raises(WeightsError, match=line) as caught:
        HuggingFace().look("a/b", "main")
    assert "\n" not in str(caught.value)


def test_a_hub_that_is_not_there_is_one_line(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        WeightsError, match=r"a/b cannot be reached .*try later, or bring its folder from elsewhere"
    ):
        HuggingFace().look("a/b", "main")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "a/b: no space is left on the disk"),
        (errors.LocalEntryNotFoundError("offline"), "a/b cannot be reached; try later"),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            r"a/b could not be kept \(.*Permission denied\)",
        ),
        (ConnectionResetError("cut"), r"a/b cannot be reached \(cut\)"),
    ],
)
def test_what_breaks_a_download_is_one_line(monkeypatch, tmp_path: Path, error: Exception, line: str):
    def broken(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", broken)
    with pytest.raises(WeightsError, match=line):
        HuggingFace().fetch("a/b", COMMIT, ["x.json"], tmp_path)


def test_a_mistake_of_ours_is_not_hidden(monkeypatch, tmp_path: Path):
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", broken)
    with pytest.raises(ZeroDivisionError):
        HuggingFace().fetch("a/b", COMMIT, ["x.json"], tmp_path)

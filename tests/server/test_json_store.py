"""Lists in files that several processes change."""

import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from vitascope.errors import BrokenFileError, OutputError, RequestError
from vitascope.server.json_store import JsonStore
from vitascope.server.tokens import Tokens
from vitascope.server.webhooks.endpoints import Endpoints

START = "import sys, time; from pathlib import Path; path, name = Path(sys.argv[1]), sys.argv[2]\n"
TOGETHER = (
    "(path.parent / name).touch()\n"
    "while len(list(path.parent.glob('process*'))) < 2: time.sleep(0.001)\n"
    "for number in range(15):\n"
)
ADD_TOKENS = (
    "from vitascope.server.tokens import Tokens; tokens = Tokens(path)\n"
    f"{TOGETHER}"
    "    tokens.add(f'{name}-{number}', 'write')\n"
    "    if number % 3 == 0: tokens.remove(f'{name}-{number}')\n"
)
ADD_ENDPOINTS = (
    "from vitascope.server.webhooks.endpoints import Endpoints; endpoints = Endpoints(path)\n"
    f"{TOGETHER}"
    "    one = endpoints.add('https://93.184.216.34/', f'{name}-{number}', owner=name)\n"
    "    if number % 3 == 0: endpoints.remove(one)\n"
    "    else: endpoints.change(one, {'name': f'{name}-{number}-changed'})\n"
)


def two_at_once(path: Path, program: str) -> None:
    """Run a program in two processes that begin together."""
    processes = [
        subprocess.Popen([sys.executable, "-c", START + program, str(path), f"process{number}"])
        for number in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]


def left(end: str = "") -> set[str]:
    return {f"process{process}-{number}{end}" for process in range(2) for number in range(15) if number % 3}


def test_two_processes_that_change_the_tokens_lose_none(tmp_path):
    two_at_once(tmp_path / "tokens.json", ADD_TOKENS)
    assert {token.name for token in Tokens(tmp_path / "tokens.json").all()} == left()


def test_two_processes_that_change_the_webhooks_lose_none(tmp_path):
    two_at_once(tmp_path / "webhooks.json", ADD_ENDPOINTS)
    assert {one.name for one in Endpoints(tmp_path / "webhooks.json").all()} == left("-changed")


def test_of_two_who_change_one_endpoint_neither_undoes_the_other(tmp_path):
    one, other = (Endpoints(tmp_path / "webhooks.json") for _ in range(2))
    endpoint = one.add("https://93.184.216.34/", "first")
    stale = other.get(endpoint.id)
    rotated = one.rotate(endpoint)
    renamed = other.change(stale, {"name": "second"})
    assert (renamed.name, renamed.secret) == ("second", rotated.secret)


def test_one_name_is_one_token_whoever_asks_at_once(tmp_path):
    made, refused = [], []

    def add() -> None:
        try:
            made.append(Tokens(tmp_path / "tokens.json").add("ann", "write"))
        except RequestError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 3)
    assert Tokens(tmp_path / "tokens.json").find(made[0]).name == "ann"


@dataclass(frozen=True)
class Word:
    text: str


def test_a_change_that_fails_leaves_everything_as_it_was(tmp_path):
    kept = JsonStore(tmp_path / "words.json", "words", lambda told: Word(**told))
    assert kept.all() == ()
    kept.change(lambda words: [*words, Word("a")])

    def fail(words):
        raise RequestError("word", "is not one")

    with pytest.raises(RequestError):
        kept.change(fail)
    kept.change(lambda words: [*words, Word("b")])
    assert kept.all() == (Word("a"), Word("b"))
    assert json.loads((tmp_path / "words.json").read_text()) == [{"text": "a"}, {"text": "b"}]
    modes = {stat.S_IMODE(os.stat(file).st_mode) for file in tmp_path.iterdir()}
    assert modes == {0o600}


def test_a_place_that_is_none_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"tokens: .*could not be made"):
        Tokens(tmp_path / "file" / "tokens.json").add("ann", "write")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[" * 100_000,
        '{"tokens": []}',
        "[7]",
        '[{"name": "ann", "later": 1}]',
        "\udcff\udcfe",
        "null",
    ],
    ids=["empty", "half", "deep", "object", "number", "later", "bytes", "null"],
)
def test_a_broken_file_of_tokens_closes_the_doors_and_is_told(client, context, tmp_path, caplog, content):
    context.tokens.add("ann", "write")
    (tmp_path / "tokens.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    for route in ("/v1/videos", "/api/v1/system", "/readyz"):
        answer = client.get(route, headers={"authorization": "Bearer nobodys"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert answer.headers["x-request-id"]
        assert str(tmp_path) not in answer.text
    assert client.get("/healthz").status_code == 200
    assert len([line for line in caplog.messages if str(tmp_path / "tokens.json") in line]) <= 1
    with pytest.raises(BrokenFileError, match=r"tokens: .*tokens\.json cannot be read .*move it away"):
        Tokens(tmp_path / "tokens.json").add("bob", "write")
    (tmp_path / "tokens.json").unlink()
    assert client.get("/readyz").status_code == 200


def test_a_broken_file_of_webhooks_is_told_without_its_path(client, tmp_path):
    (tmp_path / "webhooks.json").write_text("{")
    answer = client.get("/v1/webhook_endpoints")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert str(tmp_path) not in answer.text

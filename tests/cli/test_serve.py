import socket

import pytest

from tests.cli.conftest import Run
from vitascope.server.tokens import Tokens
from vitascope.settings import settings


@pytest.fixture
def at_home(run, monkeypatch, tmp_path) -> Run:
    """Run the command line with a home of its own."""
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VITASCOPE_TOKEN", raising=False)
    settings.cache_clear()
    yield run
    settings.cache_clear()


def test_tokens_are_made_listed_and_forgotten(at_home, tmp_path):
    secret = at_home("tokens", "add", "ann").out.strip()
    assert len(secret) > 40
    at_home("tokens", "add", "boss", "--scope", "admin")
    caller = Tokens(tmp_path / "home" / "tokens.json").find(secret)
    assert (caller.name, caller.scope, caller.owner) == ("ann", "write", "ann")
    listed = at_home("tokens", "ls").out
    assert [line.split() for line in listed.splitlines()] == [["ann", "write"], ["boss", "admin"]]
    assert secret not in listed
    assert at_home("tokens", "rm", "ann").status == 0
    assert Tokens(tmp_path / "home" / "tokens.json").find(secret) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tokens", "add", "a/b"), "'a/b' is not a name"),
        (("tokens", "add", "ann", "--scope", "all"), "known: read, write, admin"),
        (("tokens", "rm", "ann"), "there is no token 'ann'"),
        (("serve", "--host", "0.0.0.0"), "--host: 0.0.0.0 can be reached by others, and there is no token"),
        (("serve", "--token", "short"), "--token: is too short"),
        (("serve", "--models", "nobody"), "--model: 'nobody' is not known"),
    ],
)
def test_what_cannot_be_is_one_line(at_home, arguments, words):
    refused = at_home(*arguments)
    assert (refused.status, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert words in refused.err


def test_a_port_that_is_taken_is_one_line(at_home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = at_home("serve", "--port", str(taken.getsockname()[1]))
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "cannot be had" in refused.err

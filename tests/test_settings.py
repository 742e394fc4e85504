from pathlib import Path

import pytest

from vitascope.errors import RequestError
from vitascope.settings import read_settings


def test_defaults(tmp_path):
    found = read_settings({"VITASCOPE_HOME": str(tmp_path)})
    assert (found.home, found.threads, found.weights) == (tmp_path, 0, None)


def test_the_environment_goes_before_the_file(tmp_path):
    (tmp_path / "settings.toml").write_text('threads = 3\nweights = "from-file"\n')
    found = read_settings({"VITASCOPE_HOME": str(tmp_path), "VITASCOPE_THREADS": "2"})
    assert (found.threads, found.weights) == (2, Path("from-file"))


@pytest.mark.parametrize(
    ("toml", "environment"),
    [
        ("threads = ", {}),
        ("thread = 1", {}),
        ("", {"VITASCOPE_THREADS": "many"}),
        ("", {"VITASCOPE_THREADS": "-1"}),
        ("", {"VITASCOPE_ENHANCE_URL": "file:///etc/passwd"}),
        ("enhance_seconds = 0", {}),
    ],
)
def test_what_is_wrong_is_named(tmp_path, toml, environment):
    (tmp_path / "settings.toml").write_text(toml)
    with pytest.raises(RequestError, match=r"settings\.toml"):
        read_settings({"VITASCOPE_HOME": str(tmp_path), **environment})


def test_servers_are_named_in_the_file(tmp_path):
    (tmp_path / "settings.toml").write_text(
        '[remotes.gpu]\nurl = "http://127.0.0.1:30000/v1"\ndialect = "sglang"\n'
        '[remotes.cloud]\nurl = "https://example.com/v1"\nmodel = "big"\nkey_env = "CLOUD_KEY"\n'
    )
    found = read_settings({"VITASCOPE_HOME": str(tmp_path), "CLOUD_KEY": "secret"})
    assert (found.remotes["gpu"].dialect, found.remotes["cloud"].model) == ("sglang", "big")
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('url = "http://example.com/v1"', "allow_http"),
        ('url = "http://10.0.0.1/v1"', "allow_http"),
        ('url = "http://127.0.0.1.example.com/v1"', "allow_http"),
        ('url = "ftp://127.0.0.1/v1"', "https://HOST/PATH"),
        ('url = "https://me:secret@example.com/v1"', "https://HOST/PATH"),
        ('url = "https://example.com/v1?key=secret"', "https://HOST/PATH"),
        ('url = "https://example.com:port/v1"', "not an address"),
        ('url = "https://example.com"\nkey = "secret"', "key in"),
        ('url = "https://example.com"\nkey_env = "not a name"', "key_env in"),
        ('url = "https://example.com"\ndialect = "klingon"', "dialect in"),
        ('model = "big"', "url in"),
    ],
)
def test_what_is_wrong_with_a_server_is_named(tmp_path, entry, why):
    (tmp_path / "settings.toml").write_text(f"[remotes.x]\n{entry}\n")
    with pytest.raises(RequestError, match=why) as caught:
        read_settings({"VITASCOPE_HOME": str(tmp_path)})
    assert "remotes.x" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_plain_http_goes_further_only_when_that_is_said(tmp_path):
    entry = '[remotes.x]\nurl = "http://10.0.0.1/v1"\nallow_http = true\n'
    (tmp_path / "settings.toml").write_text(entry)
    assert read_settings({"VITASCOPE_HOME": str(tmp_path)}).remotes["x"].allow_http


def test_a_chat_endpoint_is_set_and_its_key_never_shown(tmp_path):
    found = read_settings(
        {
            "VITASCOPE_HOME": str(tmp_path),
            "VITASCOPE_ENHANCE_URL": "http://127.0.0.1:1/v1/chat/completions",
            "VITASCOPE_ENHANCE_KEY": "secret",
        }
    )
    assert found.enhance_url == "http://127.0.0.1:1/v1/chat/completions"
    assert "secret" not in repr(found)

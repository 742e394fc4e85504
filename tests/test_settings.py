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

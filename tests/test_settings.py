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
    ],
)
def test_what_is_wrong_is_named(tmp_path, toml, environment):
    (tmp_path / "settings.toml").write_text(toml)
    with pytest.raises(RequestError, match=r"settings\.toml"):
        read_settings({"VITASCOPE_HOME": str(tmp_path), **environment})

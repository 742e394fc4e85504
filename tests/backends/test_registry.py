import pytest

from vitascope.backends import registry
from vitascope.errors import RequestError
from vitascope.settings import settings
from vitascope.testing.fakes import FakeBackend


def test_a_registered_backend_is_opened_once(monkeypatch):
    monkeypatch.setattr(registry, "_HOMES", dict(registry._HOMES))
    registry.register("fake", "vitascope.testing.fakes:FakeBackend")
    assert isinstance(registry.backend("fake"), FakeBackend)
    assert registry.backend("fake") is registry.backend("fake")


def test_a_server_that_the_settings_do_not_name_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path))
    settings.cache_clear()
    with pytest.raises(RequestError, match=r"'remote:moon' is not in the settings; add \[remotes.NAME\] to"):
        registry.backend("remote:moon")
    settings.cache_clear()


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(RequestError, match="model: 'sora' is not known; known: toybox"):
        registry.backend("sora")

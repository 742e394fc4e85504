import pytest

from vitascope.backends import registry
from vitascope.errors import RequestError
from vitascope.testing import FakeBackend


def test_a_registered_backend_is_opened_once(monkeypatch):
    monkeypatch.setattr(registry, "_HOMES", dict(registry._HOMES))
    registry.register("fake", "vitascope.testing:FakeBackend")
    assert isinstance(registry.backend("fake"), FakeBackend)
    assert registry.backend("fake") is registry.backend("fake")


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(RequestError, match="model: 'sora' is not known; known: toybox"):
        registry.backend("sora")

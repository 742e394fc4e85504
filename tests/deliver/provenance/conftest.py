import pytest

from vitascope.deliver.provenance import credentials, marks
from vitascope.settings import settings


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, in which marks are on."""
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VITASCOPE_MARKS", "on")
    caches = settings, marks._enabled, credentials.own_credentials
    for cached in caches:
        cached.cache_clear()
    yield tmp_path / "home"
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def configure(home, monkeypatch):
    """Write `[marks]` into the settings of the home."""

    def write(*lines: str) -> None:
        home.mkdir(exist_ok=True)
        (home / "settings.toml").write_text("\n".join(("[marks]", *lines)))
        for cached in (settings, marks._enabled, credentials.own_credentials):
            cached.cache_clear()

    return write

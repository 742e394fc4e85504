"""One frozen Settings, read once: defaults, then `settings.toml` in the home folder, then the environment."""

import os
import sys
import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from vitascope.errors import RequestError


class Settings(BaseModel):
    """What holds for every request on this machine.

    `home` is where everything that lasts lies, `threads` how many CPU threads a network may use (0 = all cores),
    `weights` the folder of Toybox's weights (None = those in the package). `enhance_url` is the chat endpoint that
    may rewrite prompts (OpenAI's shape, as in http://localhost:8080/v1/chat/completions; None = rules do it),
    `enhance_model` and `enhance_key` what it is asked for and with, `enhance_seconds` how long it may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    threads: int = Field(default=0, ge=0, le=1024)
    weights: Path | None = None
    enhance_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    enhance_model: str = "default"
    enhance_key: SecretStr | None = None
    enhance_seconds: float = Field(default=10.0, gt=0, le=600)


def default_home() -> Path:
    """Return the platform's folder for a user's application data, not made yet."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "vitascope"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "vitascope"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "vitascope"


def read_settings(environ: dict[str, str]) -> Settings:
    """Read the settings for an environment; raises `RequestError` naming the entry that is wrong."""
    home = Path(environ.get("VITASCOPE_HOME") or default_home())
    values: dict[str, object] = {}
    file = home / "settings.toml"
    if file.is_file():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RequestError(str(file), f"is not valid TOML ({error})") from None
    for name in Settings.model_fields.keys() - {"home"}:
        if value := environ.get(f"VITASCOPE_{name.upper()}"):
            values[name] = value
    try:
        return Settings(**{**values, "home": home})  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise RequestError(f"VITASCOPE_{name.upper()} or {file}", first["msg"].lower()) from None


@cache
def settings() -> Settings:
    """Return this process's settings, read when first asked for."""
    return read_settings(dict(os.environ))

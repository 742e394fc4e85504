"""One frozen Settings, read once: defaults, then `settings.toml` in the home folder, then the environment."""

import ipaddress
import os
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from vitascope.errors import RequestError
from vitascope.validation import complaint


class RemoteServer(BaseModel):
    """A server that speaks `/v1/videos`, as `[remotes.NAME]` in `settings.toml` describes it.

    `url` is its address up to "/v1", `model` what it is asked for (None = its own choice), `key_env` the environment
    variable that holds the key, `dialect` what else it understands (auto = it is asked). `allow_http` lets the key and
    the words travel unencrypted to another machine, `idempotent` says that it makes one clip of two requests
    with the same Idempotency-Key. Seconds: to connect, of silence in an answer, for the clip to be made, to fetch it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(max_length=2000, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    model: str | None = None
    key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    dialect: Literal["auto", "openai", "sglang", "vllm-omni", "fastvideo", "litellm", "vitascope"] = "auto"
    allow_http: bool = False
    idempotent: bool = False
    connect_seconds: float = Field(default=10.0, gt=0, le=600)
    answer_seconds: float = Field(default=60.0, gt=0, le=3600)
    job_seconds: float = Field(default=3600.0, gt=0)
    download_seconds: float = Field(default=1800.0, gt=0)
    tries: int = Field(default=6, ge=1, le=100)

    @model_validator(mode="after")
    def _is_private(self) -> "RemoteServer":
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(f"{self.url[:80]} is not an address") from None
        if parts.scheme == "http" and not self.allow_http and not _is_here(host):
            raise ValueError("plain http goes to this machine only; use https, or say allow_http = true")
        return self


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class MarkSettings(BaseModel):
    """How files are marked as made by a machine, as `[marks]` in `settings.toml` describes it.

    `enabled` is the one switch for all marks; VITASCOPE_MARKS=off says the same. `record` says whether the shot and its
    words travel in the file ("full") or stay on this machine ("private"). `certificate` is the owner's PEM chain, leaf
    first, with its `key` (PEM, readable by the owner only) or a `sign_command` that reads what is to be signed on stdin
    and writes the signature to stdout; without them a chain is made on first use. `timestamp_url` is a time stamp
    authority (RFC 3161), `trust_anchors` a PEM file of those whose signatures count as trusted, and `watermark_key`
    a secret of the owner's in place of the public key that everybody's `verify` knows. `label` shows the letters AI
    in a corner, `label_language` says it in that language's word.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    record: Literal["full", "private"] = "full"
    certificate: Path | None = None
    key: Path | None = None
    sign_command: tuple[str, ...] = ()
    timestamp_url: str | None = Field(default=None, max_length=2000, pattern=r"^https?://[^\s]+$")
    trust_anchors: Path | None = None
    watermark_key: SecretStr | None = Field(default=None, min_length=16)
    label: Literal["off", "top-left", "top-right", "bottom-left", "bottom-right"] = "off"
    label_language: str = Field(default="en", pattern=r"^[a-z]{2}$")

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.values()))


class Settings(BaseModel):
    """What holds for every request on this machine.

    `home` is where everything that lasts lies, `threads` how many CPU threads a network may use (0 = all cores),
    `weights` the folder of Toybox's weights (None = those in the package). `enhance_url` is the chat endpoint that
    may rewrite prompts (OpenAI's shape, as in http://localhost:8080/v1/chat/completions; None = rules do it),
    `enhance_model` and `enhance_key` what it is asked for and with, `enhance_seconds` how long it may take.
    `compile` says when the blocks of open-weight models are compiled: "auto" where that is taken to pay, which is on a
    GPU alone, "always" on every GPU, or "never".
    `store` is the Postgres database of a queue that several servers share, as in postgresql://user@host/name (None:
    the queue lies in the home folder). `remotes` are the servers that `--model remote:NAME` may name; they are said in
    the file only. `marks` says how files are marked as made by a machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    threads: int = Field(default=0, ge=0, le=1024)
    weights: Path | None = None
    enhance_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    enhance_model: str = "default"
    enhance_key: SecretStr | None = None
    enhance_seconds: float = Field(default=10.0, gt=0, le=600)
    compile: Literal["auto", "always", "never"] = "auto"
    store: SecretStr | None = None
    remotes: dict[str, RemoteServer] = {}
    marks: MarkSettings = MarkSettings()

    @field_validator("store")
    @classmethod
    def _is_postgres(cls, store: SecretStr | None) -> SecretStr | None:
        if store and not store.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("is no address of a Postgres database, as in postgresql://user@host/name")
        return store


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
    for name in Settings.model_fields.keys() - {"home", "remotes", "marks"}:
        if value := environ.get(f"VITASCOPE_{name.upper()}"):
            values[name] = value
    if switch := environ.get("VITASCOPE_MARKS"):
        values["marks"] = _switched(values.get("marks"), switch)
    try:
        return Settings(**{**values, "home": home})  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["loc"][:1] in (("remotes",), ("marks",)):
            problem, nearest = complaint(first)
            if name.endswith("url"):
                nearest = "write it as https://HOST/PATH, without a user or a key"
            raise RequestError(f"{name} in {file}", problem, nearest) from None
        raise RequestError(f"VITASCOPE_{name.upper()} or {file}", *complaint(first)) from None


def _switched(marks: object, switch: str) -> dict[str, object]:
    """Return the marks' settings with what VITASCOPE_MARKS says; raises `RequestError`."""
    if switch not in ("on", "off"):
        raise RequestError("VITASCOPE_MARKS", f"{switch[:20]!r} is neither on nor off")
    return {**(marks if isinstance(marks, dict) else {}), "enabled": switch == "on"}


@cache
def settings() -> Settings:
    """Return this process's settings, read when first asked for."""
    return read_settings(dict(os.environ))

"""The record of a clip as the text that travels in its file, and back."""

import hmac
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vitascope import __version__
from vitascope.deliver.provenance.credentials import FOLDER, installation_secret
from vitascope.errors import InputFileError, MarkError
from vitascope.files import published
from vitascope.progress import Progress
from vitascope.settings import settings
from vitascope.types import Record, Shot

RECORDS = "records"
_NAME = re.compile(r"[0-9a-f]{32}")
PACKAGES = ("onnxruntime", "numpy", "av")
"""Packages beside our own whose version can change the bytes of a file."""


def make_record(shot: Shot, weights: Mapping[str, str], progress: Progress) -> Record:
    """Return the record of a clip just rendered; `weights` maps the weight files to their checksums."""
    return Record(
        shot=shot,
        backend=shot.model,
        weights=dict(weights),
        versions=versions(),
        seconds_spent=dict(progress.seconds_spent),
    )


def versions() -> dict[str, str]:
    """Return the installed versions of the packages that make the bytes."""
    found = {"vitascope": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def to_tags(record: Record) -> dict[str, str]:
    """Return the tags of a file: the resolved shot as JSON in `comment`, what made it in `description`.

    The same shot and the same installation give the same text: timings stay out. Where the owner keeps records private,
    the tags only name the one that lies in the home folder. Raises `MarkError` where it cannot be kept.
    """
    tags = open_tags(record)
    return (
        {"description": json.dumps({"record": _keep(tags)})} if settings().marks.record == "private" else tags
    )


def open_tags(record: Record) -> dict[str, str]:
    """Return all that `to_tags` may tell of a record."""
    made_with: dict[str, Any] = {
        "backend": record.backend,
        "weights": dict(record.weights),
        "versions": dict(record.versions),
        "notes": list(record.notes),
    }
    if record.film is not None:
        made_with["film"] = dict(record.film)
    return {
        "title": record.shot.prompt,
        "comment": json.dumps(record.shot.model_dump(mode="json", exclude_none=True), ensure_ascii=False),
        "description": json.dumps(made_with, ensure_ascii=False),
    }


def from_tags(tags: Mapping[str, str]) -> Record:
    """Read what `to_tags` wrote; raises `InputFileError` for tags that are not ours, or whose record lies elsewhere."""
    try:
        private = json.loads(tags["description"]).get("record")
        if private is not None:
            tags = _kept(str(private))
        shot = Shot.model_validate_json(tags["comment"])
        made_with = json.loads(tags["description"])
        return Record(
            shot=shot,
            backend=made_with["backend"],
            weights=made_with["weights"],
            versions=made_with["versions"],
            notes=tuple(made_with["notes"]),
            film=made_with.get("film"),
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise InputFileError("it carries no settings of vitascope") from None


def forget(tags: Mapping[str, str]) -> None:
    """Remove the private record that the tags of a file name, if they name one."""
    with suppress(KeyError, TypeError, AttributeError, ValueError, OSError):
        _place(str(json.loads(tags["description"])["record"])).unlink(missing_ok=True)


def _keep(tags: Mapping[str, str]) -> str:
    """Keep tags in the home folder and return their name, which tells nothing to whoever lacks the secret there."""
    text = json.dumps(tags, ensure_ascii=False)
    name = hmac.digest(installation_secret(settings().home), text.encode(), "sha256").hex()[:32]
    path = _place(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MarkError(f"marks: {path.parent} could not be made ({error.strerror})") from None
    with published(path, force=True, argument="marks") as part:
        part.chmod(0o600)
        part.write_text(text, "utf-8")
    return name


def _kept(name: str) -> dict[str, str]:
    try:
        return json.loads(_place(name).read_text("utf-8"))
    except (OSError, ValueError):
        raise InputFileError("its settings are private, and kept where it was made") from None


def _place(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InputFileError("it carries no settings of vitascope")
    return settings().home / FOLDER / RECORDS / f"{name}.json"

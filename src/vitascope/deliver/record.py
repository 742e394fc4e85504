"""The record of a clip as the text that travels in its file, and back."""

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from vitascope import __version__
from vitascope.errors import InputFileError
from vitascope.progress import Progress
from vitascope.types import Record, Shot

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

    The same shot and the same installation give the same text: timings stay out.
    """
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
    """Read what `to_tags` wrote; raises `InputFileError` for tags that are not ours."""
    try:
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
    except (KeyError, TypeError, ValueError, RecursionError):
        raise InputFileError("it carries no settings of vitascope") from None

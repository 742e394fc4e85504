"""What every writer asks: which marks a file gets, and to put them on."""

import io
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vitascope import __version__
from vitascope.deliver.provenance import c2pa
from vitascope.deliver.provenance.c2pa import COMPOSITE, GENERATED, Claim, Ingredient
from vitascope.deliver.provenance.codes import Payload, payload_of
from vitascope.deliver.provenance.credentials import (
    FOLDER,
    Credentials,
    installation_secret,
    own_credentials,
)
from vitascope.deliver.provenance.label import Label
from vitascope.deliver.provenance.watermark import (
    LEAST_SIDE,
    PUBLIC_KEY,
    Embedder,
    mark_picture,
)
from vitascope.deliver.provenance.xmp import Xmp, packet, xmp_box
from vitascope.deliver.record import open_tags
from vitascope.errors import MarkError
from vitascope.settings import settings
from vitascope.types import Given, Record

PICTURES = {"PNG": "image/png", "WEBP": "image/webp", "JPEG": "image/jpeg"}
SWITCHES = "switch.jsonl"
MOST_TITLE = 200


@dataclass(frozen=True)
class Marks:
    """The marks of one file: what is signed, with what, and what its XMP says."""

    claim: Claim
    xmp: Xmp
    credentials: Credentials
    timestamp_url: str | None = None
    watermark: Embedder | None = None
    """What marks the luma of each frame; None where frames are not to be marked."""

    def seal(self, path: Path, mime_type: str = "video/mp4") -> None:
        """Put XMP into a whole MP4 file and sign it, in place; raises `MarkError`."""
        with path.open("ab") as file:
            file.write(xmp_box(self.xmp))
        c2pa.sign_file(path, mime_type, self.claim, self.credentials, self.timestamp_url)

    def end(self, written: io.BufferedIOBase) -> bytes:
        """Return what is to follow a streamed MP4, `written` being a copy of it: XMP and the signature."""
        box = xmp_box(self.xmp)
        written.seek(0, 2)
        written.write(box)
        written.seek(0)
        return box + c2pa.sign_streamed(written, self.claim, self.credentials, self.timestamp_url)

    def save_picture(self, picture: Image.Image, path: Path, kind: str, **options: Any) -> None:
        """Write a picture as PNG, WEBP or JPEG with XMP in it, signed; raises `MarkError`."""
        claim = self.claim
        if min(picture.size) < LEAST_SIDE:
            claim = replace(claim, watermark=None)
        elif self.watermark is not None:
            picture = Image.fromarray(mark_picture(np.asarray(picture.convert("RGB")), self.watermark))
        told = packet(self.xmp)
        if kind == "PNG":
            text = PngInfo()
            text.add_itxt("XML:com.adobe.xmp", told.decode())
            picture.save(path, kind, pnginfo=text, **options)
        else:
            picture.save(path, kind, xmp=told, **options)
        c2pa.sign_file(path, PICTURES[kind], claim, self.credentials, self.timestamp_url)


def check_marks() -> None:
    """Raise `MarkError` before any work where files could not be marked."""
    if settings().marks.enabled:
        own_credentials(settings().home, settings().marks)


def marks_of(
    record: Record, ingredients: Sequence[Ingredient] | None = None, *, take: bool = False
) -> Marks | None:
    """Return the marks of a clip that was made as a record says, None where the owner switched marks off.

    Without `ingredients` they are the files that its shot was given. A `take` is a shot on its way into a film: its
    frames are marked when the film is cut, not twice. Raises `MarkError`.
    """
    if not _enabled():
        return None
    marks, shot = settings().marks, record.shot
    full = marks.record == "full"
    if ingredients is None:
        ingredients = given_ingredients(shot.givens, named=full)
    parts = any(one.relationship != "inputTo" for one in ingredients)
    source = COMPOSITE if parts and record.film is None else _film_source(record)
    title = " ".join(shot.prompt.split())[:MOST_TITLE] if full else "clip"
    payload = None if take or min(shot.size or (LEAST_SIDE,)) < LEAST_SIDE else payload_for(record)
    claim = Claim(
        digital_source_type=source,
        watermark=None if payload is None else payload.text(),
        title=title or "clip",
        model=record.backend,
        weights=dict(record.weights),
        ingredients=tuple(ingredients),
        record=_told(record) if full else None,
    )
    xmp = Xmp(source, f"Vitascope {__version__} ({record.backend})", shot.prompt if full else "")
    embedder = None if payload is None else embedder_of(payload)
    return Marks(claim, xmp, own_credentials(settings().home, marks), marks.timestamp_url, embedder)


def embedder_of(payload: Payload) -> Embedder:
    """Return what marks, and if the owner wants that labels, the frames of a clip."""
    marks = settings().marks
    label = None if marks.label == "off" else Label(marks.label, marks.label_language)
    return Embedder(payload, watermark_key(), label=label)


def watermark_key() -> bytes:
    """Return the key that frames are marked with: the owner's, or the one that everybody reads with."""
    own = settings().marks.watermark_key
    return PUBLIC_KEY if own is None else own.get_secret_value().encode()


def payload_for(record: Record | None) -> Payload:
    """Return what the watermark of a clip says: the same for the same shot, weights and key.

    Where the record stays private, its identifier can be made only here: else a guess of the words could be confirmed.
    """
    if record is None:
        return payload_of("", b"", watermark_key())
    key = watermark_key()
    if settings().marks.record == "private":
        key = installation_secret(settings().home)
    shot = record.shot.model_dump(mode="json", exclude_none=True)
    told = json.dumps([shot, dict(record.weights), record.film], sort_keys=True, default=str)
    return payload_of(record.backend, told.encode(), key)


def marks_of_picture(clips: Iterable[Path], record: Record | None, *, still: bool) -> Marks | None:
    """Return the marks of a picture of clips: of one of them a `still`, or of several a sheet. Raises `MarkError`."""
    if not _enabled():
        return None
    marks = settings().marks
    relationship = "parentOf" if still else "componentOf"
    ingredients = tuple(
        Ingredient(clip, relationship, f"clip {number + 1}") for number, clip in enumerate(clips)
    )
    source = GENERATED if record is None or not record.shot.givens else COMPOSITE
    model, payload = "" if record is None else record.backend, payload_for(record)
    claim = Claim(
        source,
        "picture",
        model,
        ingredients=ingredients,
        watermark=payload.text(),
        changed="c2pa.transcoded",
    )
    system = f"Vitascope {__version__}" + (f" ({model})" if model else "")
    # What the clip shows of a label is in its pictures already.
    embedder = Embedder(payload, watermark_key())
    return Marks(
        claim, Xmp(source, system), own_credentials(settings().home, marks), marks.timestamp_url, embedder
    )


def save_picture(
    picture: Image.Image,
    path: Path,
    kind: str,
    *,
    clips: Sequence[Path] = (),
    record: Record | None = None,
    still: bool = False,
    **options: Any,
) -> None:
    """Write a picture of clips of ours as PNG, WEBP or JPEG, with its marks; raises `MarkError` and `OSError`."""
    marks = marks_of_picture(clips, record, still=still)
    if marks is None:
        picture.save(path, kind, **options)
    else:
        marks.save_picture(picture, path, kind, **options)


def given_ingredients(givens: Sequence[Given], *, named: bool) -> tuple[Ingredient, ...]:
    """Return the files that a shot was given: a video that it changes, pictures in it, and references."""
    found: list[Ingredient] = []
    parent = next(
        (one.source for one in givens if one.kind == "video" and one.role in ("frame", "source")), None
    )
    seen: set[str] = set()
    for number, one in enumerate(givens):
        if one.source in seen:
            continue
        seen.add(one.source)
        title = Path(one.source).name if named else f"{one.kind} {number + 1}"
        relationship = "componentOf" if one.role in ("frame", "source", "sound") else "inputTo"
        found.append(
            Ingredient(Path(one.source), "parentOf" if one.source == parent else relationship, title)
        )
    return tuple(found)


def _film_source(record: Record) -> str:
    takes = (record.film or {}).get("takes", [])
    return COMPOSITE if any(take["shot"].get("givens") for take in takes) else GENERATED


def _told(record: Record) -> dict[str, Any]:
    tags = open_tags(record)
    return {"shot": json.loads(tags["comment"]), **json.loads(tags["description"])}


@cache
def _enabled() -> bool:
    """Say whether files are marked, and write down when that was switched."""
    enabled, home = settings().marks.enabled, settings().home
    _write_down(home / FOLDER / SWITCHES, enabled)
    return enabled


def _write_down(path: Path, enabled: bool) -> None:
    """Add a line where the switch stands otherwise than it last did; on is where it stands at first."""
    before = True
    with suppress(OSError, ValueError, IndexError, KeyError):
        before = json.loads(path.read_text("utf-8").splitlines()[-1])["enabled"]
    if before is enabled:
        return
    line = {"enabled": enabled, "at": datetime.now(UTC).isoformat(timespec="seconds"), "version": __version__}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise MarkError(f"marks: that they are off could not be written down ({error.strerror})") from None

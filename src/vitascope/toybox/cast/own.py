"""A person's own pages: kept in the home folder, for its owner alone, and found by name before the shipped ones."""

import hashlib
import io
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from vitascope.errors import RequestError
from vitascope.files import private_folder, published
from vitascope.toybox.cast.index import PageIndex, shipped_index
from vitascope.toybox.cast.names import check_name
from vitascope.toybox.cast.pages import OWN, Cast, Page, premultiply
from vitascope.toybox.cast.table import CastEntry, kinds, read_entries

VERSION = 1
"""The form of a row: one that another version wrote is left out, with a note."""
SIZE = 128
MOST_OWN = 200
LEAST_PIXELS = 16
"""Pixels that each side of a subject must have."""
SHOWN = 24
"""Alpha from which a pixel counts as shown."""
MOST_BYTES = 64 * 1024
"""Bytes of one row."""
LICENCE = "the owner's picture"
PERSONS = ("person", "face")
"""Kinds whose picture may show somebody's face."""
_STRIP = re.compile(r"own-[0-9a-f]{16}")


@dataclass(frozen=True)
class OwnSubject:
    """One of a person's own subjects: its entry, the names of the files that it comes from, and when it was added.

    `consent` says that whoever the face belongs to has agreed, or that it belongs to nobody. Seconds since 1970.
    """

    entry: CastEntry
    sources: tuple[str, ...]
    consent: bool
    added: float


@dataclass(frozen=True)
class OpenCast:
    """All pages that a home folder can show: the memory, its words, and a note for each row that was left out."""

    cast: Cast
    index: PageIndex
    own: dict[str, OwnSubject]
    notes: tuple[str, ...] = ()


def cast_folder(home: Path) -> Path:
    """Return the folder of a person's own pages."""
    return home / "cast"


_opened: dict[Path, tuple[frozenset[tuple[str, int]], OpenCast]] = {}


def _changes(folder: Path) -> frozenset[tuple[str, int]]:
    """Return the rows in a folder with the times of their last change."""
    try:
        with os.scandir(folder) as files:
            return frozenset(
                (file.name, file.stat().st_mtime_ns) for file in files if file.name.endswith(".json")
            )
    except OSError:
        return frozenset()


def open_cast(home: Path) -> OpenCast:
    """Return the shipped pages with a person's own before them. The folder is read again when it has changed.

    A row that is damaged, or that another version wrote, is left out with a note.
    """
    folder = cast_folder(home)
    changed = _changes(folder)
    if not changed:
        return OpenCast(Cast.load(), shipped_index(), {})
    if folder not in _opened or _opened[folder][0] != changed:
        own, notes = load_own(home)
        entries = {name: subject.entry for name, subject in own.items()}
        shipped = Cast.load()
        cast = Cast({**entries, **shipped.entries}, shipped.archive, folder)
        _opened.clear()
        _opened[folder] = changed, OpenCast(cast, shipped_index().with_own(entries), own, notes)
    return _opened[folder][1]


def load_own(home: Path) -> tuple[dict[str, OwnSubject], tuple[str, ...]]:
    """Return a person's own subjects by name, in the order of their names, and a note for each row that is left out."""
    subjects: dict[str, OwnSubject] = {}
    notes: list[str] = []
    folder = cast_folder(home)
    rows = sorted(folder.glob("*.json"))[: 2 * MOST_OWN] if folder.is_dir() else []
    for path in rows:
        try:
            row = _read_row(path)
            if row["version"] != VERSION:
                notes.append(f"cast/{path.name} was written by another version: leaving it out; add it again")
                continue
            subject = _subject(row)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            notes.append(f"cast/{path.name} is damaged: leaving it out; add it again")
            continue
        subjects[subject.entry.id] = subject
    return dict(sorted(subjects.items())), tuple(notes)


def _read_row(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError("too long for a row")
    row = json.loads(text)
    if not isinstance(row, dict) or "version" not in row:
        raise ValueError("no row")
    return row


def _subject(row: dict[str, Any]) -> OwnSubject:
    """Return the subject of a row. Raises ValueError, KeyError or TypeError for what `_save` never writes."""
    (entry,) = read_entries(json.dumps(row["entry"])).values()
    numbers = (entry.height, entry.aspect, entry.loop_seconds, *entry.feet, row["added"])
    right = (
        isinstance(entry.id, str)
        and entry.names == {"en": (entry.id,)}
        and check_name(entry.id)[0] == entry.id
        and entry.group == OWN
        and _STRIP.fullmatch(entry.strip) is not None
        and all(isinstance(number, int | float) and isfinite(number) for number in numbers)
        and 0.01 <= entry.aspect <= 100
        and 0 < entry.height <= 4
        and 1 <= entry.phases <= 64
        and entry.facing in ("right", "front")
        and all(isinstance(text, str) for text in (*entry.actions, *entry.sounds))
    )
    if not right:
        raise ValueError("no entry of an own page")
    return OwnSubject(entry, tuple(map(str, row["sources"])), row["consent"] is True, float(row["added"]))


def add_own(
    home: Path,
    name: str,
    pictures: Sequence[UInt8[np.ndarray, "height width 4"]],
    *,
    sources: Sequence[str],
    like: str = "",
    facing: str = "front",
    consent: bool = False,
    loop_seconds: float = 0.0,
    turntable: bool = False,
) -> tuple[OwnSubject, tuple[str, ...]]:
    """Keep pictures of straight alpha as a person's own page; one of the same name is replaced. Return it, and notes.

    It moves and sounds `like` a shipped page, which any of its English names names (a thing where nothing is said).
    Pictures that look `facing` "left" are mirrored. Raises RequestError for a bad name, for pictures that show nothing,
    and for a person's picture without `consent`.
    """
    name, notes = check_name(name)
    model = find_like(like)
    check_consent(model, consent)
    known, _ = load_own(home)
    if name not in known and len(known) >= MOST_OWN:
        raise RequestError("NAME", f"{MOST_OWN} subjects are the most", "`vitascope cast rm NAME` makes room")
    page, aspect, feet = make_page(pictures, mirrored=facing == "left")
    packed = _pack(page)
    strip = f"own-{hashlib.sha256(packed).hexdigest()[:16]}"
    entry = own_entry(
        name, model, page, aspect, feet, facing=facing, loop_seconds=loop_seconds, turntable=turntable
    )
    entry = CastEntry(**{**vars(entry), "strip": strip})
    subject = OwnSubject(entry, tuple(Path(source).name[:100] for source in sources), consent, time.time())
    folder = private_folder(cast_folder(home))
    _write(folder / f"{strip}.webp", packed)
    _save(folder, subject)
    if name in known and known[name].entry.strip != strip:
        _forget_pictures(home, known[name].entry.strip)
        notes = (*notes, f'"{name}" was known: its pictures are replaced')
    return subject, notes


def find_like(like: str) -> CastEntry | None:
    """Return the shipped page that a subject is like, None for "". Raises RequestError where no page has that name."""
    if not like:
        return None
    index = shipped_index()
    match = index.find_name(like)
    if match is None:
        near = ", ".join(found.page for found in index.rank(like.casefold(), None)) or "dog, car, woman …"
        raise RequestError(
            "like", f'no page is called "{like[:40]}"', f"nearest: {near}; see `vitascope cast ls`"
        )
    return index.entries[match]


def check_consent(model: CastEntry | None, consent: bool) -> None:
    """Raise RequestError for a person's picture without consent."""
    if model is not None and model.kind in PERSONS and not consent:
        raise RequestError(
            "consent",
            f'a subject like "{model.name}" may show somebody\'s face',
            "say --consent if they have agreed, or if the face is nobody's",
        )


def own_entry(
    name: str,
    model: CastEntry | None,
    page: Page,
    aspect: float,
    feet: tuple[float, float],
    *,
    facing: str = "front",
    loop_seconds: float = 0.0,
    turntable: bool = False,
) -> CastEntry:
    """Return the entry of a page that behaves like a shipped one, or like a thing where there is no such `model`."""
    usual = kinds()["thing"]
    return CastEntry(
        id=name,
        kind=model.kind if model else "thing",
        height=model.height if model else 0.35,
        aspect=aspect,
        facing="front" if facing == "front" else "right",
        feet=feet,
        phases=len(page),
        loop_seconds=loop_seconds if len(page) > 1 and not turntable else 0.0,
        size=SIZE,
        names={"en": (name,)},
        keywords={},
        actions=model.actions if model else tuple(usual["actions"]),
        sounds=model.sounds if model else tuple(usual["sounds"]),
        sets=model.sets if model else tuple(usual["sets"]),
        group=OWN,
        licence=LICENCE,
        turntable=turntable and len(page) > 1,
    )


def remove_own(home: Path, name: str) -> None:
    """Forget a person's own subject and its pictures. Raises RequestError if there is none of that name."""
    known, _ = load_own(home)
    found = next((key for key in known if key.casefold() == " ".join(name.split()).casefold()), None)
    if found is None:
        there = ", ".join(list(known)[:5]) or "none yet"
        raise RequestError("NAME", f'no subject of yours is called "{name[:40]}"', f"yours: {there}")
    (cast_folder(home) / f"{_digest(found)}.json").unlink(missing_ok=True)
    _forget_pictures(home, known[found].entry.strip)


def _forget_pictures(home: Path, strip: str) -> None:
    """Delete pictures that no row names any longer: two subjects may have the same."""
    if all(subject.entry.strip != strip for subject in load_own(home)[0].values()):
        (cast_folder(home) / f"{strip}.webp").unlink(missing_ok=True)


def make_page(
    pictures: Sequence[UInt8[np.ndarray, "height width 4"]], mirrored: bool = False
) -> tuple[Page, float, tuple[float, float]]:
    """Return the page of pictures with straight alpha, its aspect, and where its feet are.

    All are cropped to what any of them shows. Raises RequestError where that is nothing, or too small.
    """
    alpha = np.max([picture[..., 3] for picture in pictures], axis=0) > SHOWN
    if not alpha.any():
        raise RequestError("FILES", "are transparent everywhere", "give a picture that shows something")
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    wide, high = box[2] - box[0], box[3] - box[1]
    if min(wide, high) < LEAST_PIXELS:
        raise RequestError(
            "FILES", f"show a subject of {wide}x{high} pixels", f"at least {LEAST_PIXELS}x{LEAST_PIXELS}"
        )
    page = np.stack([_square(picture, box) for picture in pictures])
    page = np.ascontiguousarray(page[..., ::-1]) if mirrored else page
    return page, round(wide / high, 3), _feet(page[:, 3] > SHOWN)


def _square(
    picture: UInt8[np.ndarray, "height width 4"], box: tuple[int, int, int, int]
) -> UInt8[np.ndarray, "4 size size"]:
    # Premultiplied before it is scaled: colours of what is transparent must not bleed in.
    planes = premultiply(picture.transpose(2, 0, 1)[None])[0]
    scaled = np.stack(
        [
            np.asarray(Image.fromarray(plane).crop(box).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
            for plane in planes
        ]
    )
    return np.minimum(scaled, scaled[3])


def _feet(shown: np.ndarray) -> tuple[float, float]:
    """Return where a page touches the ground: the middle of its lowest rows, in shares of the page."""
    frames = [frame for frame in shown if frame.any()]
    if not frames:
        return 0.5, 1.0
    bottoms = [int(np.flatnonzero(frame.any(1))[-1]) + 1 for frame in frames]
    feet = np.concatenate(
        [
            np.flatnonzero(frame[max(0, low - 8) : low].any(0))
            for frame, low in zip(frames, bottoms, strict=True)
        ]
    )
    return round(float(feet.mean() + 0.5) / SIZE, 3), round(float(np.median(bottoms)) / SIZE, 3)


def _pack(page: Page) -> bytes:
    """Return a page as a strip of WebP with straight alpha."""
    alpha = page[:, 3:].astype(np.float32)
    colours = np.where(alpha > 0, page[:, :3] * 255.0 / np.maximum(alpha, 1), 0).clip(0, 255)
    straight = np.concatenate([colours, alpha], axis=1).round().astype(np.uint8)
    strip = np.concatenate(list(straight.transpose(0, 2, 3, 1)), axis=1)
    packed = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(strip)).save(packed, "WEBP", quality=90, method=4)
    return packed.getvalue()


def _digest(name: str) -> str:
    return hashlib.sha256(name.casefold().encode()).hexdigest()[:16]


def _save(folder: Path, subject: OwnSubject) -> None:
    row = {
        "version": VERSION,
        "entry": json.loads(subject.entry.to_json()),
        "sources": subject.sources,
        "consent": subject.consent,
        "added": subject.added,
    }
    text = json.dumps(row, ensure_ascii=False, indent=1)
    _write(folder / f"{_digest(subject.entry.id)}.json", text.encode())


def _write(path: Path, content: bytes) -> None:
    with published(path, force=True, argument="cast", private=True) as part:
        part.write_bytes(content)

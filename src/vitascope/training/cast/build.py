"""Builds the memory of pages: `cast.zip` with the strips and `cast.jsonl` with the table."""

import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from vitascope.toybox.cast.table import LANGUAGES, CastEntry, kinds, read_entries
from vitascope.training.cast.choose import Choice, Words, choices, choose, label_name, plain, read_words
from vitascope.training.cast.pictures import Strip, make_strip

PACKAGES = {
    "still": "@lobehub/fluent-emoji-3d@1.1.0",
    **{f"anim{n}": f"@lobehub/fluent-emoji-anim-{n}@1.0.0" for n in range(1, 5)},
    "emojibase": "emojibase-data@17.0.0",
    "cldr": "cldr-annotations-full@48.2.0",
}
"""What the memory is made from: pictures and animations (MIT), names (MIT), names in Arabic (Unicode licence)."""
PHASES = 8
STILL_SIZE, LOOP_SIZE = 128, 112
STILL_QUALITY, LOOP_QUALITY = 76, 62
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time that every file in the archive bears, so that the same pictures give the same bytes."""


def build_cast(out: Path, packages: Path) -> tuple[CastEntry, ...]:
    """Write `cast.zip` and `cast.jsonl` into the folder `out`, from the unpacked `packages`; return the entries.

    Raises FileNotFoundError for a package or picture that is not there; existing files are then left as they were.
    """
    stills, loops = index_pictures(packages)
    chosen = choose(packages / "emojibase" / "package", frozenset(stills))
    words = read_words(packages / "emojibase" / "package", packages / "cldr" / "package")
    entries: list[CastEntry] = []
    strips: dict[str, Strip] = {}
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as unfinished:
        archive, table = Path(unfinished, "cast.zip"), Path(unfinished, "cast.jsonl")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as pack:
            for choice in chosen:
                if choice.strip not in strips:
                    strips[choice.strip] = _strip(choice, stills, loops)
                    pack.writestr(zipfile.ZipInfo(f"{choice.strip}.webp", EPOCH), strips[choice.strip].webp)
                entries.append(describe(choice, strips[choice.strip], words[choice.names_of]))
        table.write_text("".join(f"{entry.to_json()}\n" for entry in entries), "utf-8")
        os.replace(archive, out / "cast.zip")
        os.replace(table, out / "cast.jsonl")
    return tuple(entries)


def rename_cast(out: Path, packages: Path) -> tuple[CastEntry, ...]:
    """Write `cast.jsonl` anew for the pictures that `cast.zip` in the folder `out` holds; return the entries.

    For changes of names, kinds, heights and actions, which need no picture to be cut again.
    Raises KeyError where a page is chosen that the table does not have.
    """
    known = read_entries((out / "cast.jsonl").read_text("utf-8"))
    stills, _ = index_pictures(packages)
    words = read_words(packages / "emojibase" / "package", packages / "cldr" / "package")
    entries = []
    for choice in choose(packages / "emojibase" / "package", frozenset(stills)):
        old = known[choice.id]
        strip = Strip(b"", old.phases, old.loop_seconds, old.aspect, old.feet)
        entries.append(describe(choice, strip, words[choice.names_of]))
    table = out / "cast.jsonl.partial"
    table.write_text("".join(f"{entry.to_json()}\n" for entry in entries), "utf-8")
    os.replace(table, out / "cast.jsonl")
    return tuple(entries)


def index_pictures(packages: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the still and the moving pictures by code points."""
    folders = {name: packages / name / "package" / "assets" for name in PACKAGES}
    stills = {plain(path.stem): path for path in sorted(folders["still"].iterdir())}
    loops = {plain(path.stem): path for n in range(1, 5) for path in sorted(folders[f"anim{n}"].iterdir())}
    return stills, loops


def _strip(choice: Choice, stills: Mapping[str, Path], loops: Mapping[str, Path]) -> Strip:
    mirrored = choice.facing == "left"
    if choice.loop and choice.picture in loops:
        strip = make_strip(loops[choice.picture], LOOP_SIZE, PHASES, choice.played, mirrored, LOOP_QUALITY)
        if strip.phases > 1:
            return strip
    return make_strip(stills[choice.picture], STILL_SIZE, mirrored=mirrored, quality=STILL_QUALITY)


def describe(choice: Choice, strip: Strip, words: Words) -> CastEntry:
    """Return the entry of a chosen page, with its names and keywords in all languages that have any."""
    base = choice.base or choice.id
    english = (base, *choice.also)
    if base == choice.strip.partition(":")[0]:
        english = (*english, label_name(words.names.get("en", base)))
    extra = choices()["names"]
    names = {
        language: tuple(
            dict.fromkeys(
                english if language == "en" else (words.names[language], *extra[language].get(base, ()))
            )
        )
        for language in LANGUAGES
        if language == "en" or language in words.names
    }
    keywords = {
        language: tuple(word for word in found if word not in names.get(language, ()))
        for language, found in words.keywords.items()
    }
    return CastEntry(
        id=choice.id,
        kind=choice.kind,
        height=choice.height,
        aspect=strip.aspect,
        facing="front" if choice.facing == "front" else "right",
        feet=strip.feet,
        phases=strip.phases,
        loop_seconds=strip.seconds,
        size=LOOP_SIZE if strip.phases > 1 else STILL_SIZE,
        names=names,
        keywords={language: found for language, found in keywords.items() if found},
        near=choice.near,
        actions=choice.actions,
        sounds=choice.sounds or tuple(kinds()[choice.kind]["sounds"]),
        sets=tuple(kinds()[choice.kind]["sets"]),
        group=choice.group,
        emoji=choice.emoji,
        cut=choice.cut,
        tone=choice.tone,
        base=choice.base,
        strip=choice.strip if choice.strip != choice.id else "",
        held_out=choice.held_out,
    )


def fetch(folder: Path, packages: Sequence[str] = tuple(PACKAGES)) -> None:
    """Bring npm packages into `folder/<name>/package`, where they are not yet. Exits with a line if npm cannot."""
    missing = [name for name in packages if not (folder / name / "package").exists()]
    npm = shutil.which("npm")
    if missing and npm is None:
        raise SystemExit(
            "cast: npm is not installed; install Node.js, or name unpacked packages with --packages"
        )
    for name in missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            command = [str(npm), "pack", "--silent", PACKAGES[name]]
            if subprocess.run(command, cwd=unfinished, check=False, stdout=subprocess.DEVNULL).returncode:
                raise SystemExit(f"cast: npm could not fetch {PACKAGES[name]}; is there a network?")
            (packed,) = Path(unfinished).glob("*.tgz")
            with tarfile.open(packed) as archive:
                archive.extractall(unfinished, filter="data")
            (folder / name).mkdir(exist_ok=True)
            os.replace(Path(unfinished) / "package", folder / name / "package")

"""Where a clip goes: names made from prompts, and the checks that belong before the work."""

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from vitascope.deliver.provenance.marks import check_marks
from vitascope.errors import OutputError, OutputExistsError, RequestError

SUFFIX = ".mp4"
SLUG_LENGTH = 48


def slug(prompt: str) -> str:
    """Return the prompt as a short file name of lower-case letters, digits and hyphens of any script."""
    text = unicodedata.normalize("NFKC", prompt).lower()
    words = re.sub(r"[^\w]+|_+", "-", text).strip("-")
    if len(words) > SLUG_LENGTH:
        words = words[: SLUG_LENGTH + 1].rpartition("-")[0] or words[:SLUG_LENGTH]
    while len(words.encode()) > 150:
        words = words[:-1]
    return words or "clip"


def output_path(output: Path | None, prompt: str, seed: int, *, several: bool = False) -> Path:
    """Return the file to write: `output`, or a name from prompt and seed, in `output` when that is a folder.

    With `several` clips to write, `output` gets the seed in its name. Raises `RequestError` for a wrong ending.
    """
    name = f"{slug(prompt)}-{seed}{SUFFIX}"
    if output is None:
        return Path(name)
    if output.is_dir() or str(output).endswith(("/", os.sep)):
        return output / name
    if output.suffix.lower() != SUFFIX:
        problem = f"{output.name!r} does not end in {SUFFIX}, the only format written"
        raise RequestError(
            "output", problem, f"nearest: {output.with_suffix(SUFFIX).name}" if output.name else None
        )
    return output.with_name(f"{output.stem}-{seed}{output.suffix}") if several else output


def sheet_path(clips: Sequence[Path]) -> Path:
    """Return the file of the contact sheet of several clips, beside them: `cat-7.mp4` … become `cat-7-to-12.png`."""
    return clips[0].with_name(f"{clips[0].stem}-to-{clips[-1].stem.rpartition('-')[2]}.png")


def check_output(path: Path, *, force: bool) -> None:
    """Refuse, before any work, a file that cannot be written there.

    Raises `OutputExistsError` for one that exists (unless `force`), `RequestError` for what is no place for a file,
    `OutputError` where writing is not allowed, and `MarkError` where the file could not be marked.
    """
    check_marks()
    folder = path.parent
    try:
        if path.exists() and not path.is_file():
            raise RequestError("output", f"{path} is not a regular file", "name a new file")
        if path.is_file() and not force:
            raise OutputExistsError(
                "output", f"{path} exists", "say --force to overwrite it or name another file"
            )
        if not folder.is_dir():
            raise RequestError(
                "output", f"the folder {folder} does not exist", f"nearest: {_existing(folder)}"
            )
    except OSError as error:
        raise OutputError(f"output: {path.name[:40]} cannot be written ({error.strerror})") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"output: the folder {folder} may not be written to; name a file in another one")


def _existing(folder: Path) -> Path:
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder

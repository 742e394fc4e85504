"""The whole road of a film: script or `Film` -> storyboard -> shots -> cut, in Python, a command or a worker."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vitascope.api import Listener
from vitascope.backends.base import Backend
from vitascope.backends.registry import backend
from vitascope.deliver.names import check_output
from vitascope.director.cut import cut
from vitascope.director.film import Film, parse_film, read_script
from vitascope.director.shoot import Made, shoot
from vitascope.director.storyboard import Storyboard, storyboard
from vitascope.errors import OutputError
from vitascope.files import published
from vitascope.progress import Progress
from vitascope.types import Record

SEED = "seed"


def make_film(
    film: Film | Mapping[str, Any] | str | Path,
    output: str | Path,
    *,
    shots: str | Path | None = None,
    force: bool = False,
    progress: Listener = None,
) -> Record:
    """Make a film of several shots, write it to `output` and return its record.

    `film` is a `Film`, the same as plain values, or the path of a script. With a folder for the `shots` they are kept
    there: run again, after it was killed or some of it was changed, only what is missing is made. `progress` hears an
    `Event` for every step. Raises `RequestError` naming the shot and the field ("shots[2].camera") before any is made,
    and else as `generate`.
    """
    if isinstance(film, str | Path):
        film = read_script(Path(film))
    elif not isinstance(film, Film):
        film = parse_film(film)
    check_output(Path(output), force=force)
    listening = progress if isinstance(progress, Progress) else Progress(progress)
    with kept_in(shots) as folder:
        board = storyboard(seeded(film, folder))
        return make(board, backend(board.model), folder, Path(output), listening, force=force)


def make(
    board: Storyboard,
    renderer: Backend,
    folder: Path,
    output: Path,
    progress: Progress,
    *,
    force: bool = False,
    hear: Callable[[int, Made], None] = lambda number, shot_file: None,
) -> Record:
    """Make a storyboard into a file, at once or not at all; `hear` hears of each shot that is there."""
    shots = shots_of(board, renderer, folder, progress, hear)
    with published(output, force=force) as part:
        return cut(board, shots, part, progress)


def shots_of(
    board: Storyboard,
    renderer: Backend,
    folder: Path,
    progress: Progress,
    hear: Callable[[int, Made], None] = lambda number, shot_file: None,
) -> list[Made]:
    """Return all shots of a storyboard, having made those that a folder does not hold yet."""
    _remember(board, folder)
    shots = []
    for number, shot_file in enumerate(shoot(board, renderer, folder, progress)):
        shots.append(shot_file)
        hear(number, shot_file)
    return shots


@contextmanager
def kept_in(folder: str | Path | None) -> Iterator[Path]:
    """Yield the folder that shots are kept in, one that goes with the block where nobody named any."""
    if folder is not None:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory() as passing:
        yield Path(passing)


def seeded(film: Film, folder: Path) -> Film:
    """Return the film with the seed of the one whose shots are kept in a folder, where it says none itself."""
    if film.seed is None:
        with suppress(OSError, ValueError):
            return film.model_copy(update={"seed": int((folder / SEED).read_text("ascii"))})
    return film


def _remember(board: Storyboard, folder: Path) -> None:
    """Keep the seed of a film beside its shots, so that it need not be said again."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"shots: {folder} could not be made ({error.strerror})") from None
    with published(folder / SEED, force=True, argument="shots") as part:
        part.write_text(str(board.seed), "ascii")

"""`vitascope film`: a script in, a film of several shots out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from vitascope.cli import shot_options
from vitascope.cli.progress_bar import Screen
from vitascope.errors import RequestError
from vitascope.escaping import escaped, escaped_json
from vitascope.progress import Event, Progress

Script = Annotated[Path, typer.Argument(help="Script of the film, a TOML file.", show_default=False)]
Shots = Annotated[
    Path | None,
    typer.Option(
        "--shots",
        metavar="DIR",
        help="Folder for finished shots and steps; run the same command again to make what is missing.",
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option("--storyboard", metavar="FILE", help="Write a picture of each shot, side by side (.png)."),
]


def film(
    script: Script,
    output: shot_options.Output = None,
    shots: Shots = None,
    storyboard: Picture = None,
    seed: shot_options.Seed = None,
    preset: shot_options.Preset = None,
    as_json: shot_options.AsJson = False,
    dry_run: shot_options.DryRun = False,
    force: shot_options.Force = False,
    server: shot_options.Server = None,
    no_wait: shot_options.NoWait = False,
) -> None:
    """Make a film of several shots from a script."""
    from vitascope.cli.generate import check_place
    from vitascope.director.film import read_script

    check_place(server, {"shots": shots, "dry_run": dry_run}, no_wait)
    if no_wait and storyboard is not None:
        raise RequestError("storyboard", "does not go together with --no-wait", "leave one out")
    changes = {name: value for name, value in (("seed", seed), ("preset", preset)) if value is not None}
    with _in_script():
        script_film = read_script(script).model_copy(update=changes)
        if server is not None:
            file = _make_on_server(
                script_film, server, output, wait=not no_wait, as_json=as_json, force=force
            )
        else:
            file = _make_locally(script_film, output, shots, as_json=as_json, dry_run=dry_run, force=force)
    if storyboard is not None and file is not None:
        from vitascope.director.pictures import save_storyboard

        save_storyboard(file, storyboard, force=force)
        Screen().say(f"storyboard: {storyboard}")


@contextmanager
def _in_script() -> Iterator[None]:
    """Let what a script says of the whole film be told as that: it is no flag."""
    from vitascope.director.film import Film

    try:
        yield
    except RequestError as error:
        if error.argument in Film.model_fields:
            error.args = (f"script {error}",)
            error.argument = f"script {error.argument}"
        raise


def _make_on_server(
    film: Any, server: str, output: Path | None, *, wait: bool, as_json: bool, force: bool
) -> Path | None:
    """Let a server make a film; return its file once it is here."""
    from vitascope.api import drawn_seed
    from vitascope.cli.remote import bring_home
    from vitascope.client import client_of
    from vitascope.deliver.names import check_output, output_path

    film = film.model_copy(update={"seed": drawn_seed() if film.seed is None else film.seed})
    if wait:
        check_output(output_path(output, film.name, film.seed), force=force)
    client = client_of(server)
    files = bring_home(client, client.submit_film(film), output, wait=wait, as_json=as_json, force=force)
    return files[0] if files else None


def _make_locally(
    film: Any, output: Path | None, shots: Path | None, *, as_json: bool, dry_run: bool, force: bool
) -> Path | None:
    """Make a film and return its file; raises `RequestError` before any work."""
    from vitascope.backends.registry import backend
    from vitascope.deliver.names import check_output, output_path
    from vitascope.director.make import kept_in, make, seeded
    from vitascope.director.storyboard import storyboard

    with kept_in(shots) as folder, Screen() as screen:
        board = storyboard(seeded(film, folder))
        path = output_path(output, board.title, board.seed)
        for note in board.notes:
            screen.say(f"note: {note}")
        if dry_run:
            _print(path, board.told() | {"notes": list(board.notes)}, as_json, screen)
            return None
        check_output(path, force=force)
        count = len(board.takes)
        at = _Counter(screen, count)
        progress = Progress(at)
        record = make(board, backend(board.model), folder, path, progress, force=force, hear=at.shot)
        seconds, (width, height) = record.shot.seconds or 0.0, record.shot.size or (0, 0)
        spent = sum(progress.seconds_spent.values())
        screen.say(
            f"{count} shots, {seconds:g} s, {width}x{height}, seed {board.seed}, made in {spent:.1f} s"
        )
        _print(path, {**(record.film or {}), "notes": list(record.notes), "seconds": seconds}, as_json, None)
    return path


class _Counter:
    """Draws events with the number of the shot that they are of."""

    def __init__(self, screen: Screen, count: int):
        self._screen, self._count, self._number = screen, count, 0

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        if self._number < self._count and event.note is None:
            event = replace(event, phase=f"shot {self._number + 1}/{self._count} {event.phase}")
        self._screen(event)

    def shot(self, number: int, clip: Any) -> None:
        """Say that a shot is there."""
        self._number = number + 1
        self._screen.say(f"shot {self._number} of {self._count}: {'made before' if clip.before else 'made'}")


def _print(path: Path, summary: dict[str, Any], as_json: bool, screen: Screen | None) -> None:
    """Print what was made, or (on a screen) would be."""
    if as_json:
        typer.echo(escaped_json({"path": str(path), **summary}))
        return
    if screen is None:
        typer.echo(str(path))
        return
    for number, take in enumerate(summary["takes"]):
        shot = take["shot"]
        how = (
            "goes on"
            if take.get("continues")
            else f"crossfade {take['crossfade']:g} s"
            if take.get("crossfade")
            else ""
        )
        length = shot["num_frames"] / shot["fps"] if shot.get("num_frames") else 0
        line = f"{number + 1}  {length:g} s  seed {shot['seed']}  {shot['prompt']}  {how}"
        typer.echo(escaped(line.rstrip()))

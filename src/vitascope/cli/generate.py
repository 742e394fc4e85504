"""`vitascope generate`: words in, a clip out."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vitascope import pipeline
from vitascope.api import make_shot
from vitascope.backends.base import MAX_SEED, Backend
from vitascope.backends.registry import backend
from vitascope.cli.inspect import show
from vitascope.cli.screen import Screen
from vitascope.deliver.names import check_output, output_path
from vitascope.errors import RequestError
from vitascope.progress import Progress
from vitascope.types import Shot


def generate(
    prompt: Annotated[str, typer.Argument(help="What to show, in words.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write (.mp4), or folder to write into. [default: from the prompt]"
        ),
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="How long the clip lasts.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second.")] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Width and height in pixels.")] = None,
    aspect_ratio: Annotated[str | None, typer.Option(metavar="W:H", help="In place of --size.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same clip. [default: drawn and shown]")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps: more is slower and finer.")] = None,
    guidance_scale: Annotated[
        float | None, typer.Option(help="How closely the words are followed; 1 is off.")
    ] = None,
    negative_prompt: Annotated[str, typer.Option(help="What to stay away from.", show_default=False)] = "",
    camera: Annotated[
        str | None, typer.Option(help='Moves and how far, as in "zoom-in 0.3, pan-left".')
    ] = None,
    style: Annotated[str | None, typer.Option(help="Style of the picture.")] = None,
    model: Annotated[str, typer.Option(help="What renders the clip.")] = "toybox",
    number: Annotated[
        int, typer.Option("-n", metavar="N", help="Clips to make, with seeds that follow.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made; make nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Make a clip from words."""
    if not 1 <= number <= 1000:
        raise RequestError("n", f"{number} is outside 1 to 1000", f"nearest: {1 if number < 1 else 1000}")
    shot = make_shot(
        prompt,
        seconds=seconds,
        fps=fps,
        size=size,
        aspect_ratio=aspect_ratio,
        seed=seed,
        steps=steps,
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        camera=camera,
        style=style,
        model=model,
    )
    assert shot.seed is not None
    if shot.seed + number - 1 > MAX_SEED:
        raise RequestError(
            "seed", f"{shot.seed} leaves no seeds for {number} clips", f"nearest: {MAX_SEED - number + 1}"
        )
    shots = [shot.model_copy(update={"seed": shot.seed + i}) for i in range(number)]
    paths = [output_path(output, prompt, shot.seed + i, several=number > 1) for i in range(number)]
    if dry_run:
        made = [_planned(shot, path, backend(model)) for shot, path in zip(shots, paths, strict=True)]
    else:
        for path in paths:
            check_output(path, force=force)
        made = [
            _made(shot, path, backend(model), force=force, quiet=as_json)
            for shot, path in zip(shots, paths, strict=True)
        ]
    if as_json:
        typer.echo(json.dumps(made[0] if number == 1 else {"clips": made}, ensure_ascii=False))
    elif dry_run:
        for one in made:
            show({"file": one["path"], **one["shot"]})


def _planned(shot: Shot, path: Path, backend: Backend) -> dict[str, Any]:
    """Plan a shot and return what would be made; its notes are told at once."""
    planned = pipeline.plan(shot, backend)
    for note in planned.notes:
        Screen().say(f"note: {note}")
    return {
        "path": str(path),
        "dry_run": True,
        "notes": list(planned.notes),
        "shot": planned.shot.model_dump(mode="json", exclude_none=True),
    }


def _made(shot: Shot, path: Path, backend: Backend, *, force: bool, quiet: bool) -> dict[str, Any]:
    """Make one clip and return what was made; without `quiet` the file's name goes to stdout."""
    with Screen() as screen:
        progress = Progress(screen)
        clip = pipeline.generate(shot, backend, progress)
        pipeline.deliver(clip, path, progress, force=force)
    spent = progress.seconds_spent
    if not quiet:
        height, width = clip.frames.shape[1:3]
        screen.say(
            f"{clip.seconds:g} s, {width}x{height}, {clip.fps:g} fps, seed {shot.seed}, "
            f"made in {sum(spent.values()):.1f} s"
        )
        typer.echo(str(path))
    return {
        "path": str(path),
        "seed": shot.seed,
        "seconds": clip.seconds,
        "num_frames": len(clip.frames),
        "fps": clip.fps,
        "width": clip.frames.shape[2],
        "height": clip.frames.shape[1],
        "notes": list(clip.record.notes),
        "shot": clip.record.shot.model_dump(mode="json", exclude_none=True),
        "weights": dict(clip.record.weights),
        "seconds_spent": {phase: round(seconds, 3) for phase, seconds in spent.items()},
    }

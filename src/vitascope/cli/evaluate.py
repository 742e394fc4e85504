"""`vitascope evaluate`: how well a model follows its words, by the judge's word."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from vitascope.cli.screen import Screen


def evaluate(
    prompts: Annotated[int, typer.Option(min=1, max=10_000, help="Prompts of each split.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same prompts and clips.")] = 0,
    seen: Annotated[bool, typer.Option("--seen", help="Only compositions that training draws from.")] = False,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only compositions that training never sees.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Also draw judged clips into this picture (.png).")
    ] = None,
    model: Annotated[str, typer.Option(help="What renders the clips.")] = "toybox",
) -> None:
    """Render a suite of prompts, judge every clip, and print the table with the goals beside it."""
    from vitascope.backends.registry import backend
    from vitascope.evaluation.judge import Judge
    from vitascope.evaluation.report import draw_sheet, table
    from vitascope.evaluation.run import evaluate as run
    from vitascope.evaluation.suites import SPLITS, suite
    from vitascope.progress import Progress
    from vitascope.prompt.world import FULL

    wanted = {"seen": seen, "held_out": held_out} if seen or held_out else dict.fromkeys(SPLITS, True)
    renderer, judge = backend(model), Judge.load_shipped()
    asked = suite(renderer.card.world or FULL, [split for split in SPLITS if wanted[split]], prompts, seed)
    with Screen() as screen:
        evaluation = run(renderer, judge, asked, Progress(screen), keep=20 if sheet else 0)
        if sheet is not None:
            draw_sheet(evaluation.rows, sheet)
            screen.say(f"sheet: {sheet}")
    if as_json:
        typer.echo(json.dumps(evaluation.report.to_json(), ensure_ascii=False))
        return
    from rich.console import Console

    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120).print(table(evaluation.report))
    if barred := evaluation.report.barred():
        typer.echo(
            f"figures in brackets: the judge is below 97 % on rendered clips there ({', '.join(barred)})"
        )

"""`python -m vitascope.training.toytheatre --sheet F`: draw a contact sheet, five moments a row."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from vitascope.toybox.language.captions import caption
from vitascope.toybox.scene import ACTIONS, CAMERAS
from vitascope.toybox.world import FULL, World
from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Take, sample_take
from vitascope.types import VideoShape

MOMENTS = 5
TEXT_HEIGHT = 16


def contact_sheet(
    clips: UInt8[np.ndarray, "clips frames height width 3"], texts: list[str], columns: int = 2
) -> Image.Image:
    """Return one picture with a row of moments per clip and its text under them, in `columns` columns."""
    _, frames, height, width, _ = clips.shape
    picks = np.linspace(0, frames - 1, MOMENTS).round().astype(int)
    cell_width, cell_height = MOMENTS * width + 8, height + TEXT_HEIGHT
    rows = -(-len(clips) // columns)
    sheet = Image.new("RGB", (columns * cell_width, rows * cell_height), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (clip, text) in enumerate(zip(clips, texts, strict=True)):
        left, top = index // rows * cell_width, index % rows * cell_height
        sheet.paste(Image.fromarray(np.concatenate(list(clip[picks]), 1)), (left, top))
        draw.text((left + 3, top + height + 2), text[: cell_width // 6], fill="black")
    return sheet


def main(
    sheet: Annotated[Path, typer.Option(help="Picture file to write.")],
    clips: Annotated[int, typer.Option(help="How many clips.")] = 24,
    seed: Annotated[int, typer.Option(help="Which takes.")] = 0,
    atlas: Annotated[
        Path | None, typer.Option(help="Sprite atlas; by default the cache's, else the small one.")
    ] = None,
    size: Annotated[int, typer.Option(help="Width and height of a picture.")] = 128,
    action: Annotated[str | None, typer.Option(help=f"Only this one of {', '.join(ACTIONS)}.")] = None,
    place: Annotated[str | None, typer.Option(help="Only this set.")] = None,
    style: Annotated[str | None, typer.Option(help="Only this style.")] = None,
    camera: Annotated[str | None, typer.Option(help=f"Only this one of {', '.join(CAMERAS)}.")] = None,
) -> None:
    """Draw a contact sheet of sampled takes."""
    cast = load_atlas(atlas or find_atlas())
    theatre = Theatre(cast, VideoShape(num_frames=17, height=size, width=size, fps=8.0))
    world = World(
        subjects=tuple(name for name in FULL.subjects if name in cast.ids),
        actions=(action,) if action else FULL.actions,
        sets=(place,) if place else FULL.sets,
        styles=(style,) if style else FULL.styles,
        cameras=(camera,) if camera else FULL.cameras,
    )
    rng = np.random.default_rng(seed)
    takes: list[Take] = [sample_take(rng, world) for _ in range(clips)]
    frames, _ = theatre.render(takes)
    texts = [caption(take.scene, rng) for take in takes]
    contact_sheet(frames.permute(0, 1, 3, 4, 2).numpy(), texts).save(sheet)


if __name__ == "__main__":
    typer.run(main)

"""Make the pictures of docs/tasks.md with the shipped weights: `python runs/task_gallery.py [NAME ...]`, in a checkout.

With names only those are made.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import vitascope
from vitascope.deliver.mux import read
from vitascope.types import Clip

FOLDER = Path("docs/gallery/tasks")
PHOTO = "docs/gallery/photos/chelsea.webp"
MOMENTS = 5
SHOWN = 0.75
"""How large the page shows what was made, for the sake of the repository's size."""
PROMPT = "a taxi drives through the city at sunset"
ZOOMED = "an elephant stands on a beach"


def moments(clip: Clip, count: int = MOMENTS) -> np.ndarray:
    """Return some moments of a clip side by side."""
    places = np.linspace(0, len(clip.frames) - 1, count).round().astype(int)
    return np.concatenate(list(clip.frames[places]), axis=1)


def save(name: str, picture: np.ndarray) -> None:
    """Write a picture of the page."""
    height, width = (round(SHOWN * side) for side in picture.shape[:2])
    shown = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
    shown.save(FOLDER / f"{name}.webp", quality=80)
    print(name, flush=True)


def sources(folder: Path) -> dict[str, str]:
    """Make the files that the tasks are given: a clip, its first and last frame, a wide one, and one with a zoom."""
    clip = vitascope.generate(PROMPT, seed=5)
    files = {"clip": str(clip.save(folder / "taxi.mp4"))}
    frames = read(Path(files["clip"])).frames
    for name, frame in (("first", frames[0]), ("last", frames[-1])):
        files[name] = str(folder / f"{name}.png")
        Image.fromarray(frame).save(files[name])
    height = frames.shape[1] // 16
    zoomed = vitascope.generate(ZOOMED, camera="zoom-in 0.5", seed=5)
    files["zoomed"] = str(zoomed.save(folder / "zoomed.mp4"))
    wide = Clip(np.ascontiguousarray(frames[:, 4 * height : 13 * height]), clip.fps, clip.record)
    return files | {"wide": str(wide.save(folder / "wide.mp4"))}


def pictures(files: dict[str, str]) -> dict[str, Callable[[], Clip]]:
    """Return what makes each clip of the page, by its name there."""
    generate, source, first = vitascope.generate, files["clip"], files["first"]

    def edit(prompt: str, video: str = source, **said: object) -> Callable[[], Clip]:
        return lambda: vitascope.edit(video, prompt, seed=6, **said)  # pyright: ignore[reportArgumentType]

    return {
        "text": lambda: generate(PROMPT, seed=5),
        "image": lambda: generate(PROMPT, image=first, seed=6),
        "photo": lambda: generate("zoom in", image=PHOTO, seed=6),
        "keyframes": lambda: generate(PROMPT, image=first, last_image=files["last"], seed=6),
        "extend": lambda: vitascope.extend(source, PROMPT, seconds=2, seed=6),
        "before": lambda: vitascope.extend(source, PROMPT, seconds=2, before=True, seed=6),
        "onward": lambda: vitascope.extend(files["zoomed"], ZOOMED, seconds=2, seed=6),
        "long": lambda: generate("a taxi drives through the city // it jumps", seconds=4, seed=5),
        "inpaint": edit("an elephant walks through the city", box=(0.2, 0.45, 0.6, 0.5)),
        "outpaint": edit(PROMPT, files["wide"], outpaint="1:1"),
        "add": edit("add a dog"),
        "remove": edit("remove the taxi"),
        "replace": edit("replace the taxi with an elephant"),
        "background": edit("move it to the desert"),
        "edit": edit("make it night"),
        "restyle": edit("turn it into film noir"),
        "retake": edit("a taxi jumps in the city at sunset", span="0.6s-1.6s"),
        "reference": lambda: generate("a toy stands on a beach", reference=first, seed=6),
        "path": lambda: generate("a rocket flies in space", path="0s:0.2,0.7 1s:0.5,0.4 2s:0.8,0.6", seed=5),
        "camera": lambda: generate(
            "a rocket flies in space", camera="zoom-in 0.5, then pan-left 0.3", seed=5
        ),
        "loop": lambda: generate("a penguin dances in the snow", loop=True, seed=5),
    }


def variants() -> np.ndarray:
    """Return the first and the last frame of six takes, three in a row."""
    takes = [moments(vitascope.generate("a cat in a garden", seed=seed), 2) for seed in range(5, 11)]
    return np.concatenate([np.concatenate(takes[:3], axis=1), np.concatenate(takes[3:], axis=1)])


def main(*names: str) -> None:
    """Make one clip, and everything else out of it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        made = pictures(sources(Path(folder)))
        for name in names or (*made, "variants"):
            save(name, variants() if name == "variants" else moments(made[name]()))


if __name__ == "__main__":
    main(*sys.argv[1:])

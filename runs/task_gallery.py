"""Make the pictures of docs/tasks.md with the shipped weights: `python runs/task_gallery.py`, in a checkout."""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import vitascope
from vitascope.deliver.mux import read
from vitascope.types import Clip

FOLDER = Path("docs/gallery/tasks")
MOMENTS = 5


def save(name: str, clip: Clip) -> None:
    """Write some moments of a clip side by side."""
    places = np.linspace(0, len(clip.frames) - 1, MOMENTS).round().astype(int)
    Image.fromarray(np.concatenate(list(clip.frames[places]), axis=1)).save(
        FOLDER / f"{name}.webp", quality=82
    )
    print(name, clip.record.shot.caption)


def main() -> None:
    """Make one clip, and everything else out of it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prompt = "a taxi drives through the city at sunset"
        source = str(vitascope.generate(prompt, seed=5).save(Path(folder) / "taxi.mp4"))
        frames = read(Path(source)).frames
        first, last = str(Path(folder) / "first.png"), str(Path(folder) / "last.png")
        Image.fromarray(frames[0]).save(first)
        Image.fromarray(frames[-1]).save(last)
        save("text", vitascope.generate(prompt, seed=5))
        save("image", vitascope.generate(prompt, image=first, seed=6))
        save("keyframes", vitascope.generate(prompt, image=first, last_image=last, seed=6))
        save("extend", vitascope.extend(source, prompt, seconds=2, seed=6))
        save("long", vitascope.generate("a taxi drives through the city // it jumps", seconds=4, seed=5))
        save(
            "inpaint",
            vitascope.edit(source, "an elephant walks through the city", box=(0.2, 0.45, 0.6, 0.5), seed=6),
        )
        save("edit", vitascope.edit(source, "make it night", seed=6))
        save("restyle", vitascope.edit(source, "turn it into film noir", seed=6))
        save("retake", vitascope.edit(source, "a taxi jumps in the city at sunset", span="0.6s-1.6s", seed=6))
        save("reference", vitascope.generate("a toy stands on a beach", reference=first, seed=6))
        save(
            "path",
            vitascope.generate("a rocket flies in space", path="0s:0.2,0.7 1s:0.5,0.4 2s:0.8,0.6", seed=5),
        )
        save(
            "camera",
            vitascope.generate("a rocket flies in space", camera="zoom-in 0.5, then pan-left 0.3", seed=5),
        )
        save("loop", vitascope.generate("a penguin dances in the snow", loop=True, seed=5))


if __name__ == "__main__":
    main()

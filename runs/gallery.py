"""Make the README's clips with the shipped weights: `python runs/gallery.py`, from the root of a checkout."""

import time
from pathlib import Path

from PIL import Image

import vitascope

CLIPS = {
    "garden": ("a cat walking through a garden in spring", 1),
    "city": ("a woman walks a small brown dog past a red car", 2),
    "snow": ("two penguins dance in the snow at night", 3),
    "beach": ("the turtle chases the rabbit on a beach", 4),
    "space": ("an astronaut floats in space, slow zoom in", 5),
    "room": ("a birthday cake in a room", 6),
}
FOLDER = Path("docs/gallery")


def main() -> None:
    """Write one animated WebP a clip, and print the README's table."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    vitascope.generate("a ball in a room", seed=0, steps=1)
    for name, (prompt, seed) in CLIPS.items():
        start = time.perf_counter()
        clip = vitascope.generate(prompt, seed=seed)
        seconds = time.perf_counter() - start
        pictures = [Image.fromarray(frame) for frame in clip.frames]
        path = FOLDER / f"{name}.webp"
        pictures[0].save(
            path,
            save_all=True,
            append_images=pictures[1:],
            duration=round(1000 / clip.fps),
            loop=0,
            quality=80,
        )
        print(f'| ![{prompt}]({path}) | `vitascope generate "{prompt}" --seed {seed}` | {seconds:.1f} s |')


if __name__ == "__main__":
    main()

"""Some takes of the same words, side by side: `python examples/18_variants.py [PROMPT] [NUMBER] [FILE]`."""

import sys
import tempfile
from pathlib import Path

import vitascope
from vitascope.deliver.sheet import save_sheet


def main(prompt: str = "a cat in a garden", number: str = "6", path: str = "takes.png") -> None:
    """Seeds that follow make clips that differ; `vitascope generate -n 6` keeps the clips too."""
    with tempfile.TemporaryDirectory() as folder:
        clips = [
            vitascope.generate(prompt, seed=seed).save(Path(folder) / f"{seed}.mp4")
            for seed in range(7, 7 + int(number))
        ]
        print("saved", save_sheet(clips, Path(path), force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

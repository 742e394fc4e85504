"""Make a clip longer: `python examples/04_extend.py CLIP [PROMPT] [FILE]`."""

import sys

import vitascope


def main(video: str, prompt: str = "a cat walks in a garden", path: str = "longer.mp4") -> None:
    """Two more seconds at the end; `before=True` makes two that lead up to it."""
    clip = vitascope.extend(video, prompt, seconds=2, seed=7)
    print("saved", clip.save(path, force=True), f"({clip.seconds:g} s)")


if __name__ == "__main__":
    main(*sys.argv[1:])

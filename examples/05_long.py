"""A clip as long as you like, with words that change: `python examples/05_long.py [PROMPT] [SECONDS] [FILE]`."""

import sys

import vitascope

STORY = "a cat walks in a garden // it jumps // it stands still"


def main(prompt: str = STORY, seconds: str = "6", path: str = "long.mp4") -> None:
    """What stands between the slashes is told one after another, each for its share of the time."""
    clip = vitascope.generate(prompt, seconds=float(seconds), seed=7)
    print("saved", clip.save(path, force=True), f"({clip.seconds:g} s)")


if __name__ == "__main__":
    main(*sys.argv[1:])

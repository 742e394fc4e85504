"""Watch a clip while it is made: `python examples/17_stream.py [PROMPT] [SECONDS] [FILE]`."""

import sys

import vitascope
from vitascope.deliver.stream import stream


def main(prompt: str = "a cat walks in a garden", seconds: str = "6", path: str = "streamed.mp4") -> None:
    """Frames come chunk by chunk; here they go into a file that players can read while it grows."""
    showing = vitascope.stream(prompt, seconds=float(seconds), seed=7)
    print("seed", showing.record.shot.seed, "at", showing.fps, "fps")
    with open(path, "wb") as file:
        stream(showing.frames, showing.fps, showing.record, file)
    print("saved", path)


if __name__ == "__main__":
    main(*sys.argv[1:])

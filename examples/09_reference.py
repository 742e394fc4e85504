"""The same toy again: `python examples/09_reference.py PICTURE [PROMPT] [FILE]`."""

import sys

import vitascope


def main(picture: str, prompt: str = "a toy walks on a beach", path: str = "again.mp4") -> None:
    """The picture shows who is meant and is no part of the clip."""
    clip = vitascope.generate(prompt, reference=picture, seed=7)
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

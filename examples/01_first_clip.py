"""Make a clip from words and save it: `python examples/01_first_clip.py [PROMPT] [FILE]`."""

import sys

import vitascope


def main(prompt: str = "a cat walking through a garden in spring", path: str = "first_clip.mp4") -> None:
    """Generate, say what was guessed, save."""
    clip = vitascope.generate(prompt, seed=7)
    for note in clip.record.notes:
        print("note:", note)
    print("saved", clip.save(path, force=True), f"({clip.seconds:g} s at {clip.fps:g} fps)")


if __name__ == "__main__":
    main(*sys.argv[1:])

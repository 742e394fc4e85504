"""From one picture to another: `python examples/03_keyframes.py FIRST LAST [PROMPT] [FILE]`."""

import sys

import vitascope


def main(first: str, last: str, prompt: str = "a cat in a garden", path: str = "between.mp4") -> None:
    """The two pictures are the first and the last frame; `keyframes={1.5: picture}` would set one in between."""
    clip = vitascope.generate(prompt, image=first, last_image=last, seed=7)
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

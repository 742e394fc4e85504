"""A clip that ends where it begins: `python examples/11_loop.py [PROMPT] [FILE]`."""

import sys

import vitascope


def main(prompt: str = "a penguin dances in the snow", path: str = "loop.mp4") -> None:
    """Played again and again it shows no seam."""
    clip = vitascope.generate(prompt, loop=True, seed=7)
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Put something else into a part of a clip: `python examples/06_inpaint.py CLIP [PROMPT] [FILE]`."""

import sys

import vitascope


def main(video: str, prompt: str = "a dog stands in a garden", path: str = "inpainted.mp4") -> None:
    """The box is x, y, width and height in shares of the picture; `mask=` takes a picture whose white part is made."""
    clip = vitascope.edit(video, prompt, box=(0.25, 0.375, 0.5, 0.5), seed=7)
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

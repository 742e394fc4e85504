"""Bring a picture to life: `python examples/02_image_to_video.py PICTURE [PROMPT] [FILE]`."""

import sys

import vitascope


def main(picture: str, prompt: str = "a cat walks in a garden", path: str = "alive.mp4") -> None:
    """The picture is the first frame; the words say what happens next."""
    clip = vitascope.generate(prompt, image=picture, seed=7)
    for note in clip.record.notes:
        print("note:", note)
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

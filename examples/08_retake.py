"""Make one span of a clip anew: `python examples/08_retake.py CLIP [PROMPT] [SPAN] [FILE]`."""

import sys

import vitascope


def main(
    video: str, prompt: str = "a cat jumps in a garden", span: str = "1s-2s", path: str = "retake.mp4"
) -> None:
    """All frames outside the span stay as they are."""
    clip = vitascope.edit(video, prompt, span=span, seed=7)
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

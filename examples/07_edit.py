"""Change a clip by an instruction: `python examples/07_edit.py CLIP [INSTRUCTION] [FILE]`."""

import sys

import vitascope


def main(video: str, instruction: str = "make it night", path: str = "edited.mp4") -> None:
    """The network sees the whole clip beside the one that it makes; `strength=0.6` would stay nearer to it."""
    clip = vitascope.edit(video, instruction, seed=7)
    print("told:", clip.record.shot.caption)
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

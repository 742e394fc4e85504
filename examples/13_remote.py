"""Have a server make the clip, or Toybox when it cannot: `python examples/13_remote.py NAME [PROMPT] [FILE]`.

NAME is one of the servers in `settings.toml`, as docs/remote.md describes them:

    [remotes.gpu]
    url = "http://127.0.0.1:30000/v1"
"""

import sys

import vitascope


def main(
    name: str, prompt: str = "a cat walking through a garden in spring", path: str = "remote.mp4"
) -> None:
    """Generate there or here, say what became of it, save."""
    clip = vitascope.generate(prompt, seconds=2, seed=7, model=f"remote:{name}", fallback="toybox")
    for note in clip.record.notes:
        print("note:", note)
    print("saved", clip.save(path, force=True), f"({clip.seconds:g} s at {clip.fps:g} fps)")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Say where the camera and the subject go: `python examples/10_camera_and_path.py [FILE]`."""

import sys

import vitascope


def main(path: str = "directed.mp4") -> None:
    """Camera moves have an amount, an easing and a span; a path has seconds and places, y from the top."""
    clip = vitascope.generate(
        "a rocket flies in space",
        camera="zoom-in 0.3 @0s-1s, then pan-left 0.2 ease-out",
        path="0s:0.2,0.7 1s:0.5,0.4 2s:0.8,0.6",
        seed=7,
    )
    for move in clip.record.shot.camera or ():
        print(f"{move.kind} {move.amount:+g}, {move.easing}, {move.start:.0%} to {move.end:.0%}")
    print("saved", clip.save(path, force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A film of several shots from a script: `python examples/20_film.py [SCRIPT] [FILE]`.

Kill it while it works and start it again: shots that are done are not made again. Change one shot, and only that is.
"""

import sys
from pathlib import Path

import vitascope
from vitascope.director.film import read_script
from vitascope.director.pictures import save_storyboard

SCRIPT = Path(__file__).with_name("film.toml")


def main(script: str = str(SCRIPT), path: str = "film.mp4") -> None:
    """Make the film that a script tells of, and a picture with a frame of each shot; the shots stay beside it."""
    film, file = read_script(Path(script)), Path(path)
    record = vitascope.make_film(film, file, shots=file.with_suffix(".shots"), force=True)
    for note in record.notes:
        print("note:", note)
    print("saved", file, f"({record.shot.seconds:g} s)")
    print("saved", save_storyboard(file, file.with_suffix(".png"), force=True))


if __name__ == "__main__":
    main(*sys.argv[1:])

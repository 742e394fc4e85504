"""What each open-weight model makes of a request, and how it fits a machine: `python examples/14_which_model.py`.

Nothing is downloaded or loaded: all of it is known before.
"""

import sys

from vitascope import tasks
from vitascope.camera.syntax import parse_moves
from vitascope.errors import RequestError
from vitascope.planning.plan import plan_shot
from vitascope.planning.task import task_of
from vitascope.types import Shot
from vitascope.weights.catalogue import catalogue
from vitascope.weights.machine import GIB, Machine
from vitascope.weights.memory_plan import place, published_parts, request_of


def main(prompt: str = "a red fox runs through fresh snow", gpu: str = "24", memory: str = "64") -> None:
    """Plan five seconds from a first frame for every model, on a machine of a size in GiB."""
    computer = Machine(int(gpu) * GIB, int(memory) * GIB)
    shot = Shot(prompt=prompt, seed=7, seconds=5, givens=(tasks.first_frame("fox.png"),))
    shot = shot.model_copy(update={"camera": parse_moves("pan-left", 5)})
    for name, entry in catalogue().items():
        try:
            planned = plan_shot(shot, entry)
            request = request_of(planned.shot, entry)
            placed = place(published_parts(entry), request, computer)
        except RequestError as refusal:
            print(refusal.problem)
            continue
        size = f"{request.num_frames} frames of {request.width}x{request.height}"
        print(f"{name}: {task_of(planned.shot, entry)}, {size}, {placed}", *planned.notes, sep="\n    ")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What each task is judged by: one file per task, which draws cases, makes clips of them and measures those."""

from vitascope.evaluation.tasks import (
    add,
    camera,
    extend,
    image,
    inpaint,
    keyframes,
    path,
    restyle,
    retake,
)
from vitascope.evaluation.tasks.base import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        image.IMAGE,
        camera.CAMERA,
        path.PATH,
        restyle.RESTYLE,
        add.ADD,
        extend.EXTEND,
        keyframes.KEYFRAMES,
        retake.RETAKE,
        inpaint.INPAINT,
    )
}
"""The tasks by name, in the order of the table."""

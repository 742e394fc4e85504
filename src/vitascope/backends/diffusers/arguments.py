"""A planned shot as the arguments of a pipeline: our nouns become its names, by the catalogue."""

from typing import Any

from vitascope.backends.diffusers.inputs import values
from vitascope.backends.diffusers.optional_imports import accepted, installed, library, required
from vitascope.errors import RequestError, WeightsError
from vitascope.types import Shot
from vitascope.weights.catalogue import Entry, Task


def arguments(shot: Shot, entry: Entry, task: Task, pipeline: Any) -> dict[str, Any]:
    """Return what a loaded pipeline is called with for a planned shot, all but progress and the form of the output.

    Raises `WeightsError` where the catalogue and the installed diffusers disagree about a name, and `RequestError`
    for a given that cannot be read.
    """
    names = entry.names(task)
    nouns = {**_shot_nouns(shot), **values(shot, names, pipeline, entry.frames.step)}
    called = {name: nouns[noun] for noun, name in names.items() if nouns.get(noun) is not None}
    called |= entry.fixed
    called["generator"] = library("torch").Generator("cpu").manual_seed(shot.seed)
    _check(called, entry, pipeline)
    return called


def _shot_nouns(shot: Shot) -> dict[str, Any]:
    shape = shot.video_shape()
    return {
        "prompt": shot.caption or shot.prompt,
        "negative_prompt": shot.negative_prompt or None,
        "width": shape.width,
        "height": shape.height,
        "num_frames": shape.num_frames,
        "fps": int(shape.fps) if shape.fps == int(shape.fps) else shape.fps,
        "steps": shot.steps,
        "guidance_scale": shot.guidance_scale,
        "strength": shot.strength,
    }


def _check(called: dict[str, Any], entry: Entry, pipeline: Any) -> None:
    takes = accepted(pipeline)
    lacking = sorted(required(pipeline) - called.keys())
    if lacking:
        problem = f"{entry.id} needs {', '.join(lacking)}, which cannot be made of what is given"
        raise RequestError("givens", problem, "see docs/open-weights.md")
    unknown = sorted(called.keys() - takes)
    if unknown:
        pipeline_name = f"{type(pipeline).__name__} of diffusers {installed('diffusers')}"
        raise WeightsError(
            f"model: {pipeline_name} takes no {', '.join(unknown)}, which the catalogue names for {entry.id}; "
            "install the diffusers that this vitascope was made for"
        )


def guide(pipeline: Any, scale: float | None) -> None:
    """Set how closely the words are followed where a pipeline has a guider in place of an argument for it."""
    guider = getattr(pipeline, "guider", None)
    if guider is None or scale is None or getattr(guider, "guidance_scale", None) == scale:
        return
    changed = guider.new(guidance_scale=scale)
    if hasattr(pipeline, "update_components"):
        pipeline.update_components(guider=changed)
    else:
        pipeline.register_modules(guider=changed)

"""Open-weight models through diffusers: one adapter for all, what differs between them is in the catalogue.

`render` is one call of a pipeline with what the shot says, and nothing else: the same frames come out as from diffusers
itself with the same arguments and the same seed.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vitascope.backends.base import Card
from vitascope.backends.diffusers import caching, compiling, loras, prompt_embeds
from vitascope.backends.diffusers import placement as placements
from vitascope.backends.diffusers.arguments import arguments, guide
from vitascope.backends.diffusers.callbacks import Watch, looked_at
from vitascope.backends.diffusers.loading import SHELF, Loaded, Order, load, swept
from vitascope.backends.diffusers.model_source import Source, checksums, find, revision, state
from vitascope.backends.diffusers.optional_imports import library, quietly, seeded, versions
from vitascope.deliver.record import make_record
from vitascope.errors import MemoryLackError, is_memory_lack
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.motion_source import following
from vitascope.planning.plan import plan_shot
from vitascope.planning.prompt import caption_as_written
from vitascope.planning.task import task_of
from vitascope.progress import Progress
from vitascope.types import MOTION, Clip, Plan, Shot
from vitascope.weights.catalogue import Entry, Task
from vitascope.weights.machine import machine
from vitascope.weights.memory_plan import Placement, request_of
from vitascope.weights.validation import Folder

TAKES: dict[Task, tuple[str, ...]] = {
    "image": ("frame",), "first-last": ("frame",), "keyframes": ("frame",), "inpaint": ("frame",), "extend": ("frame",),
    "reference": ("reference",), "source": ("source",), "motion": (*MOTION, "reference", "frame"),
    "sound": ("sound",),
}  # fmt: skip
"""The roles of what is given for each task."""


@dataclass(frozen=True)
class _Job:
    """One clip to make: the shot, its task, and the weights that make it."""

    shot: Shot
    task: Task
    source: Source
    folder: Folder

    @property
    def entry(self) -> Entry:
        """What is known of the model."""
        return self.source.entry

    @property
    def key(self) -> tuple[Any, ...]:
        """What a loaded pipeline is told from others by: its files, and whether they are still the same."""
        files = (*self.folder.files, *filter(None, [self.source.denoiser]))
        return self.folder.path, self.source.denoiser, tuple(state(file) for file in files)


@dataclass(frozen=True)
class _Made:
    """What a pipeline made, as it made it: frames of 0..1, sound if it makes any, and what is to be known."""

    frames: np.ndarray
    sound: Any
    sample_rate: int | None
    notes: tuple[str, ...]


class Diffusers:
    """A backend over a model of the catalogue, a folder of weights in diffusers' layout, or one file of them."""

    def __init__(self, name: str):
        """Take the model of that name; its weights are only looked at, and loaded by the first `render`."""
        self.source = find(name)

    @property
    def entry(self) -> Entry:
        """What is known of the model."""
        return self.source.entry

    @cached_property
    def card(self) -> Card:
        """What the model can do, from its entry."""
        entry = self.entry
        return Card(
            id=entry.id,
            licence=entry.licence.name,
            frames=entry.frames,
            size=entry.size,
            rate=entry.rate(entry.tasks[0]),
            steps=entry.steps,
            guidance_scale=entry.guidance_scale,
            camera_limits={},
            takes=frozenset(role for task in entry.tasks for role in TAKES.get(task, ())) | {"lora"},
        )

    def plan(self, shot: Shot, inspector: Inspector = LOCAL) -> Plan:
        """Fill in the model's defaults and snap to its rules; raises `RequestError` for what it cannot do.

        Only videos whose motion is copied are looked at: they say how long the clip is.
        """
        followed = following(caption_as_written(shot), self.entry, inspector)
        planned = plan_shot(followed.shot, self.entry)
        return replace(planned, notes=followed.notes + planned.notes)

    def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
        """Render a planned shot; nothing is kept of one that is broken off.

        Raises `WeightsError` for weights that are missing or damaged, `MissingExtraError` for packages that are,
        `BrokenPictureError` when what comes out is no picture, `MemoryLackError`, and `Cancelled`.
        """
        library()
        task = task_of(shot, self.entry)
        job = _Job(shot, task, self.source, self.source.weights(task))
        with seeded(shot.seed or 0):  # loading draws from torch's generators too
            output, placement = _make_room(job, progress)
        frames, notes = looked_at(output.frames, _hints(job))
        record = make_record(shot, self._checksums(job), progress)
        origin = f"model: {self.entry.repository}@{revision(job.folder, self.entry)}, memory: {placement}"
        for note in (*output.notes, *notes):
            progress.note(note)
        record = replace(
            record,
            backend=self.entry.id,
            versions={**record.versions, **versions()},
            notes=(origin, *output.notes, *notes),
        )
        return Clip(frames, shot.video_shape().fps, record, output.sound, output.sample_rate)

    def _checksums(self, job: _Job) -> dict[str, str]:
        extra_files = [loras.find_file(source) for source, _ in job.shot.loras]
        extra_files += [self.source.denoiser] if self.source.denoiser else []
        return checksums(job.folder, tuple(extra_files))


def _make_room(job: _Job, progress: Progress) -> tuple[_Made, Placement]:
    """Make a clip where it fits best; each time that memory runs out, once more a step lower on the ladder."""
    placement: Placement | None = placements.placed(
        job.entry, job.folder, job.shot, SHELF.held, job.source.denoiser
    )
    compiling.check(placement)
    while placement is not None:
        output = _try(job, placement, progress)
        if output is not None:
            return output, placement
        # Only here have the frames of the failed call gone, and what they held with them.
        SHELF.release()
        lower = placements.lower(placement, job.folder)
        if lower is not None:
            progress.note(f"memory ran out with {placement}: trying {lower}")
        placement = lower
    raise MemoryLackError(
        f"size: memory ran out on {job.entry.id} even with the placement that takes the least; "
        "ask for fewer frames or a smaller size"
    )


def _try(job: _Job, placement: Placement, progress: Progress, compiled: bool = True) -> _Made | None:
    """Make a clip with a placement; None when memory ran out. Where blocks do not compile it is made without."""
    try:
        return _once(job, placement, progress, compiled)
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is one, and so is what a CPU says
        if is_memory_lack(error):
            return None
        if not (compiled and compiling.is_failure(error)):
            raise
        line = " ".join(str(error).split())[:160]
        progress.note(f"blocks: they could not be compiled ({line}): going on without")
    return _try(job, placement, progress, compiled=False)


def _once(job: _Job, placement: Placement, progress: Progress, compiled: bool) -> _Made:
    shot = job.shot
    with progress.phase("load"):
        progress.note(f"memory: {placement.describe()}")
        order = _order(job, placement)
        words = _words_first(job, order, placement)
        if words is not None:
            order = replace(order, without=prompt_embeds.is_text)
        loaded = _loaded(job, order, placement)
        pipeline = loaded.pipeline
        guide(pipeline, shot.guidance_scale)
        called = arguments(shot, job.entry, job.task, pipeline)
        if words is not None:
            called = prompt_embeds.with_words(called, words, pipeline._execution_device)
    watch = Watch(progress, shot.steps or 1, _hints(job))
    level, steps = shot.quality or "lossless", shot.steps or 1
    compiled = compiled and _pays(job, placement, pipeline)
    blocks = compiling.compiled(pipeline) if compiled else nullcontext(())
    with quietly() as warnings, blocks as built, caching.at(level, pipeline, steps) as spared:
        try:
            with watch.over(pipeline) as followed, seeded(shot.seed or 0):
                frames, sound = _call(pipeline, {**called, **followed})
        finally:
            if hasattr(pipeline, "maybe_free_model_hooks"):
                pipeline.maybe_free_model_hooks()
        notes = (*loaded.lora_notes, *built, *spared, *warnings)
    return _Made(np.asarray(frames, np.float32), *_sound(sound, pipeline), notes)


def _pays(job: _Job, placement: Placement, pipeline: Any) -> bool:
    work = compiling.work(pipeline, request_of(job.shot, job.entry), job.shot.steps or 1)
    return compiling.wanted(placement, job.shot.quality or "lossless", work)


def _order(job: _Job, placement: Placement) -> Order:
    dtypes = placements.dtypes(job.entry, job.folder, placement)
    rounded = placements.quantised(job.folder, placement, dtypes["default"])
    return Order(job.source, job.task, job.folder, dtypes, rounded)


def _words_first(job: _Job, order: Order, placement: Placement) -> dict[str, Any] | None:
    """Return the words as the text encoder hands them on, which is loaded and freed for it.

    None where a placement keeps the text encoder, or where the pipeline cannot do without it.
    """
    streamed = placement.streamed_encoder and placement.name != "stream"
    alone = streamed or placement.name in ("text-first", "nf4")
    if not alone or order.modular or prompt_embeds.names(order.kind) is None:
        return None
    shot = job.shot
    words = (
        *job.key,
        order.kind,
        order.quantised is not None,
        shot.caption,
        shot.negative_prompt,
        tuple(job.entry.fixed.items()),
    )
    embeds = prompt_embeds.EMBEDDED.get(words)
    if embeds is None:
        pipeline = load(replace(order, without=lambda component: not prompt_embeds.is_text(component)))
        placements.apply(
            pipeline, replace(placement, name="stream" if placement.streamed_encoder else "device")
        )
        called = {"prompt": shot.caption or shot.prompt, "negative_prompt": shot.negative_prompt or None}
        embeds = prompt_embeds.encode(pipeline, {**job.entry.fixed, **called})
        prompt_embeds.EMBEDDED.keep(words, embeds)
        del pipeline
        swept()
    return embeds


def _loaded(job: _Job, order: Order, placement: Placement) -> Loaded:
    """Return the pipeline of a job with its LoRAs laid over it."""
    worded = order.without is not prompt_embeds.is_text
    key = (*job.key, order.kind, str(placement), placement.streamed_encoder, worded)

    def fresh() -> Loaded:
        pipeline = load(order)
        placements.apply(pipeline, placement)
        return Loaded(pipeline, 0 if placement.name in ("offload", "stream") else placements.size(pipeline))

    loaded = SHELF.take(key, fresh, lambda: not placement.need.fits(machine()))
    if loaded.loras != job.shot.loras:
        loaded.loras, loaded.lora_notes = (), ()
        with quietly():
            loras.lift(loaded.pipeline)
            loaded.lora_notes = loras.lay(loaded.pipeline, job.shot.loras)
        loaded.loras = job.shot.loras
    return loaded


def _call(pipeline: Any, called: dict[str, Any]) -> tuple[Any, Any]:
    """Call a pipeline and return the frames and the sound of the one clip that it makes."""
    if hasattr(pipeline, "blocks"):
        state = pipeline(**called, output_type="np")
        return next(video for name in ("videos", "frames") if (video := state.get(name)) is not None)[0], None
    output = pipeline(**called, output_type="np")
    return output.frames[0], getattr(output, "audio", None)


def _sound(sound: Any, pipeline: Any) -> tuple[np.ndarray | None, int | None]:
    """Return the sound that came with the frames, and its samples a second."""
    if sound is None:
        return None, None
    samples = sound[0].detach().float().cpu().numpy() if hasattr(sound[0], "detach") else sound[0]
    rate = getattr(pipeline, "audio_sample_rate", None) or pipeline.vocoder.config.output_sampling_rate
    return np.ascontiguousarray(np.clip(np.atleast_2d(samples), -1, 1), np.float32), int(rate)


def _hints(job: _Job) -> Callable[[], str]:
    """Return what says, when asked, what the cause of numbers that are no picture may be and what to try."""

    def hints() -> str:
        shot, tries = job.shot, []
        if "float16" in (job.entry.dtype, job.entry.decoder_dtype):
            tries.append("half precision overflows in many models: use bfloat16 or float32 weights")
        if shot.loras:
            tries.append("a LoRA may be too strong: lower its scale, or leave it out")
        if shot.quality not in (None, "lossless"):
            tries.append("what is spared may be needed here: --fidelity lossless")
        tries.append(f"the weights may be damaged: vitascope models verify {job.entry.id}")
        return "likely causes: " + "; ".join(tries)

    return hints

"""The Python contract: `generate`, `extend` and `edit`, with the names of the command line's flags."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vitascope import pipeline, tasks
from vitascope.backends.base import Card, FrameStream
from vitascope.backends.registry import backend, check_name
from vitascope.camera.subject_path import check_path, parse_path
from vitascope.camera.syntax import parse_moves
from vitascope.errors import RequestError
from vitascope.fallback import first_able
from vitascope.limits import MAX_STAGES, check_text
from vitascope.media.inspector import LOCAL, Inspector
from vitascope.planning.shape import parse_ratio, plan_edit, plan_extension
from vitascope.progress import Event, Progress
from vitascope.tasks import Box
from vitascope.types import CameraMove, Clip, Fit, Given, Plan, Quality, Shot
from vitascope.validation import complaint

File = str | Path
Models = str | Sequence[str]
Listener = Progress | Callable[[Event], None] | None


def make_shot(
    prompt: str,
    *,
    size: tuple[int, int] | str | None = None,
    camera: str | Sequence[CameraMove] | None = None,
    path: str | Sequence[tuple[float, float, float]] | None = None,
    at: Mapping[float, str] | None = None,
    lora: str | Sequence[str] = (),
    seed: int | None = None,
    model: str = "toybox",
    **said: Any,
) -> Shot:
    """Return the shot that was asked for, with a seed drawn when none was said. Raises `RequestError`.

    Sizes, camera moves, paths and LoRAs may be text as on the command line; `at` maps seconds to what is told from then
    on; all else are fields of `Shot`.
    """
    for name, value in {"size": size, "camera": camera, "path": path, **said}.items():
        check_text(name, value)
    length = _last_second(backend(model).card, said)
    if isinstance(size, str):
        size = parse_size(size)
    if isinstance(camera, str):
        camera = parse_moves(camera, length)
    if isinstance(path, str):
        path = parse_path(path, length)
    elif path:
        path = check_path(path, length)
    if len(at or ()) > MAX_STAGES:
        raise RequestError("at", f"has {len(at or ())} things one after another", f"nearest: {MAX_STAGES}")
    script = tuple((_share(second, length), words) for second, words in sorted((at or {}).items()))
    try:
        return Shot(
            prompt=prompt,
            size=size,
            camera=None if camera is None else tuple(camera),
            path=tuple(path or ()),
            script=script,
            loras=tuple(parse_lora(text) for text in ((lora,) if isinstance(lora, str) else lora)),
            seed=drawn_seed() if seed is None else seed,
            model=model,
            **said,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(".".join(str(part) for part in first["loc"][:1]), *complaint(first)) from None


def drawn_seed() -> int:
    """Return a seed by chance."""
    return secrets.randbelow(2**32)


def _last_second(card: Card, said: Mapping[str, Any]) -> float:
    """Return the time of the last frame of a shot as long as was said, or as the model usually makes them."""
    frames, seconds = said.get("num_frames"), said.get("seconds")
    if frames is None and seconds is not None and 0 < seconds < card.max_frames / card.fps:
        frames = card.frames.snap(seconds * card.fps)
    return max(1, (frames or card.num_frames) - 1) / card.fps


def _share(second: float, length: float) -> float:
    if not 0 <= second <= length:
        raise RequestError(
            "at", f"{second:g} s is outside the shot", f"nearest: {min(max(second, 0.0), length):g}s"
        )
    return second / length


def parse_size(text: str) -> tuple[int, int]:
    """Read "128x128" as (width, height); raises `RequestError`."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) == 2 and all(part.strip().isdecimal() and len(part) < 8 for part in parts):
        return int(parts[0]), int(parts[1])
    raise RequestError("size", f"{text[:40]!r} is not a size", "write it as WIDTHxHEIGHT, as in 128x128")


def parse_lora(text: str) -> tuple[str, float]:
    """Read "PATH_OR_ID:0.8" as where a LoRA is and how strongly it counts, 1 if unsaid; raises `RequestError`."""
    check_text("lora", text)
    source, _, scale = text.rpartition(":")
    try:
        strength = float(scale)
    except ValueError:
        source, strength = text, 1.0
    if not source or not -10 <= strength <= 10:
        raise RequestError("lora", f"{text[:60]!r} is not a LoRA", "write it as PATH or PATH:0.8")
    return source, strength


def given_pictures(
    *,
    image: File | None = None,
    last_image: File | None = None,
    keyframes: Mapping[float, File] | None = None,
    reference: File | Sequence[File] = (),
    pose_video: File | None = None,
    face_video: File | None = None,
    fit: Fit = "crop",
) -> tuple[Given, ...]:
    """Return the givens of files: a first and a last frame, frames at seconds, who is meant, and how somebody moves."""
    givens = [tasks.first_frame(image, fit)] if image is not None else []
    givens += [tasks.keyframe(picture, at, fit) for at, picture in sorted((keyframes or {}).items())]
    givens += [tasks.last_frame(last_image, fit)] if last_image is not None else []
    pictures = (reference,) if isinstance(reference, str | Path) else reference
    givens += [tasks.reference(picture) for picture in pictures]
    givens += [tasks.pose(pose_video, fit)] if pose_video is not None else []
    givens += [tasks.face(face_video, fit)] if face_video is not None else []
    return tuple(givens)


def extension(
    video: File,
    seconds: float | int,
    *,
    before: bool,
    model: str,
    fit: Fit = "crop",
    inspector: Inspector = LOCAL,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the fields of a shot that goes on for `seconds` after a video (or leads up to it), and notes.

    The clip is longer than the video for any model, by the model's own rule for lengths; a note says where it is not
    longer by just so much. Raises `RequestError`.
    """
    card = backend(model).card
    frames = max(1, int(inspector.facts(video, "video").seconds * card.fps + 1e-6))
    total, lead, notes = plan_extension(frames, seconds, card.frames, card.fps, card.id, before=before)
    return {"givens": (tasks.continued(video, lead / card.fps, fit),), "num_frames": total}, notes


def editing(
    video: File,
    *,
    model: str,
    mask: File | None = None,
    box: Box | str | None = None,
    span: tuple[float | int, float | int] | str | None = None,
    outpaint: str | None = None,
    strength: float | None = None,
    reference: File | Sequence[File] = (),
    fit: Fit = "crop",
    inspector: Inspector = LOCAL,
) -> dict[str, Any]:
    """Return what a shot is told to edit a video: in a mask or box, in a span, around it, or by instruction.

    Raises `RequestError` for what cannot be had at once.
    """
    for name, value in {"box": box, "span": span, "outpaint": outpaint}.items():
        check_text(name, value)
    facts, card = inspector.facts(video, "video"), backend(model).card
    if isinstance(box, str):
        box = tasks.parse_box(box, facts.size)
    frames = max(1, int(facts.seconds * card.fps + 1e-6))
    seconds = frames / card.fps
    if isinstance(span, str):
        span = tasks.parse_span(span, seconds)
    ways = {"mask": mask, "box": box, "span": span, "outpaint": outpaint, "strength": strength}
    _check_ways([name for name, way in ways.items() if way is not None])
    told: dict[str, Any] = {"num_frames": plan_edit(frames, card.frames, card.fps, card.id)}
    extra = given_pictures(reference=reference)
    if span is not None:
        # Of a span that lasts to the end nothing comes after.
        kept = tasks.retake(video, *span, fit)[: 1 if span[1] >= seconds else 2]
        return {**told, "givens": (*kept, *extra)}
    if outpaint is not None:
        parse_ratio(outpaint, "outpaint")
        return {**told, "givens": (tasks.region(video, fit="pad"), *extra), "aspect_ratio": outpaint}
    if mask is not None or box is not None:
        return {**told, "givens": (tasks.region(video, mask, box, fit), *extra)}
    return {**told, "givens": (tasks.edited(video, fit), *extra), "strength": strength}


def _check_ways(names: list[str]) -> None:
    """Raise `RequestError` for ways to edit that do not go together."""
    if len(names) > 1 and names != ["mask", "box"]:
        hint = "make two edits, one after the other"
        raise RequestError(names[1], f"does not go together with --{names[0]}", hint)


def generate(
    prompt: str,
    *,
    seconds: float | int | None = None,
    num_frames: int | None = None,
    fps: float | int | None = None,
    size: tuple[int, int] | str | None = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    preset: str | None = None,
    steps: int | None = None,
    guidance_scale: float | int | None = None,
    negative_prompt: str = "",
    camera: str | Sequence[CameraMove] | None = None,
    path: str | Sequence[tuple[float, float, float]] | None = None,
    at: Mapping[float, str] | None = None,
    image: File | None = None,
    last_image: File | None = None,
    keyframes: Mapping[float, File] | None = None,
    reference: File | Sequence[File] = (),
    pose_video: File | None = None,
    face_video: File | None = None,
    fit: Fit = "crop",
    loop: bool = False,
    style: str | None = None,
    quality: Quality | None = None,
    memory: str | None = None,
    lora: str | Sequence[str] = (),
    model: str = "toybox",
    fallback: Models = (),
    progress: Listener = None,
) -> Clip:
    """Make a clip from words, and pictures if there are any, and return it; `clip.save("cat.mp4")` writes it.

    `size` is (width, height) in pixels; `camera` is words as in "zoom-in 0.3, pan-left" or `CameraMove`s; `path` is
    where the subject goes, as in "0s:0.1,0.8 2s:0.9,0.8"; `at` maps seconds to what happens from then on, `keyframes`
    to pictures; `pose_video` and `face_video` show a model that takes them how who is in `reference` moves; `preset`
    is "draft", "standard" or "quality", and `steps` and `guidance_scale` go before what it says; `quality` may spare
    some work of a large model, and `lora` lays LoRAs over it, as in "a.safetensors" or "a.safetensors:0.8". Without a
    `seed` one is drawn, and `clip.record.shot.seed` tells it. `clip.record.notes` says what was guessed or changed.
    When `model` cannot make it, the first model of `fallback` that can does, and a note says why. `progress` hears an
    `Event` for every step. Raises `RequestError` for a request that cannot be met, `WeightsError` for a model that is
    missing or damaged, and `Cancelled`.
    """
    shot = shooting(
        prompt,
        image=image,
        last_image=last_image,
        keyframes=keyframes,
        reference=reference,
        pose_video=pose_video,
        face_video=face_video,
        fit=fit,
        seconds=seconds,
        num_frames=num_frames,
        fps=fps,
        size=size,
        aspect_ratio=aspect_ratio,
        seed=seed,
        preset=preset,
        steps=steps,
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        camera=camera,
        path=path,
        at=at,
        loop=loop,
        style=style,
        quality=quality,
        memory=memory,
        lora=lora,
    )
    return _run(lambda model: Plan(shot(model)), _models(model, fallback), progress)


def stream(
    prompt: str,
    *,
    seconds: float | int | None = None,
    num_frames: int | None = None,
    fps: float | int | None = None,
    size: tuple[int, int] | str | None = None,
    aspect_ratio: str | None = None,
    seed: int | None = None,
    preset: str | None = None,
    steps: int | None = None,
    guidance_scale: float | int | None = None,
    negative_prompt: str = "",
    camera: str | Sequence[CameraMove] | None = None,
    path: str | Sequence[tuple[float, float, float]] | None = None,
    at: Mapping[float, str] | None = None,
    image: File | None = None,
    last_image: File | None = None,
    keyframes: Mapping[float, File] | None = None,
    reference: File | Sequence[File] = (),
    pose_video: File | None = None,
    face_video: File | None = None,
    fit: Fit = "crop",
    loop: bool = False,
    style: str | None = None,
    quality: Quality | None = None,
    memory: str | None = None,
    lora: str | Sequence[str] = (),
    model: str = "toybox",
    fallback: Models = (),
    progress: Listener = None,
) -> FrameStream:
    """Make a clip from words, and pictures if there are any, and return its `frames` chunk by chunk as they are made.

    They are those that `generate` returns, which takes the same arguments; memory hardly grows with the clip's length.
    Raises as `generate`, most of it before the first chunk.
    """
    listening = progress if isinstance(progress, Progress) else Progress(progress)
    shot = shooting(
        prompt,
        seconds=seconds,
        num_frames=num_frames,
        fps=fps,
        size=size,
        aspect_ratio=aspect_ratio,
        seed=seed,
        preset=preset,
        steps=steps,
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        camera=camera,
        path=path,
        at=at,
        image=image,
        last_image=last_image,
        keyframes=keyframes,
        reference=reference,
        pose_video=pose_video,
        face_video=face_video,
        fit=fit,
        loop=loop,
        style=style,
        quality=quality,
        memory=memory,
        lora=lora,
    )
    return first_able(
        _models(model, fallback),
        lambda model, notes: pipeline.stream(shot(model), backend(model), listening, notes),
    )


def shooting(
    prompt: str,
    *,
    image: File | None = None,
    last_image: File | None = None,
    keyframes: Mapping[float, File] | None = None,
    reference: File | Sequence[File] = (),
    pose_video: File | None = None,
    face_video: File | None = None,
    fit: Fit = "crop",
    seed: int | None = None,
    **said: Any,
) -> Callable[[str], Shot]:
    """Return what makes the shot that was asked for, by the name of its model and with the same seed for each."""
    givens = given_pictures(
        image=image,
        last_image=last_image,
        keyframes=keyframes,
        reference=reference,
        pose_video=pose_video,
        face_video=face_video,
        fit=fit,
    )
    seed = drawn_seed() if seed is None else seed
    return lambda model: make_shot(prompt, givens=givens, seed=seed, model=model, **said)


def extend(
    video: File,
    prompt: str,
    *,
    seconds: float | int = 2.0,
    before: bool = False,
    seed: int | None = None,
    preset: str | None = None,
    steps: int | None = None,
    guidance_scale: float | int | None = None,
    negative_prompt: str = "",
    camera: str | Sequence[CameraMove] | None = None,
    path: str | Sequence[tuple[float, float, float]] | None = None,
    fit: Fit = "crop",
    style: str | None = None,
    quality: Quality | None = None,
    memory: str | None = None,
    lora: str | Sequence[str] = (),
    model: str = "toybox",
    fallback: Models = (),
    progress: Listener = None,
) -> Clip:
    """Make a video longer by `seconds`, at its end or `before` its beginning, and return all of it.

    The other arguments are those of `generate`. Raises as `generate`.
    """
    said = {
        "preset": preset,
        "steps": steps,
        "guidance_scale": guidance_scale,
        "negative_prompt": negative_prompt,
        "camera": camera,
        "path": path,
        "style": style,
        "quality": quality,
        "memory": memory,
        "lora": lora,
        "seed": drawn_seed() if seed is None else seed,
    }

    def draft(model: str) -> Plan:
        fields, notes = extension(video, seconds, before=before, model=model, fit=fit)
        return Plan(make_shot(prompt, model=model, **fields, **said), notes)

    return _run(draft, _models(model, fallback), progress)


def edit(
    video: File,
    prompt: str,
    *,
    mask: File | None = None,
    box: Box | str | None = None,
    span: tuple[float | int, float | int] | str | None = None,
    outpaint: str | None = None,
    strength: float | None = None,
    reference: File | Sequence[File] = (),
    seed: int | None = None,
    preset: str | None = None,
    steps: int | None = None,
    guidance_scale: float | int | None = None,
    negative_prompt: str = "",
    camera: str | Sequence[CameraMove] | None = None,
    path: str | Sequence[tuple[float, float, float]] | None = None,
    fit: Fit = "crop",
    style: str | None = None,
    quality: Quality | None = None,
    memory: str | None = None,
    lora: str | Sequence[str] = (),
    model: str = "toybox",
    fallback: Models = (),
    progress: Listener = None,
) -> Clip:
    """Change a video by an instruction ("make it night"), or make a part of it anew as the words say, and return it.

    The part is the white of `mask` (a picture), a `box` (x, y, width, height in shares of the picture), a `span` of
    seconds, or what lies beside the picture at the ratio of `outpaint` ("16:9"). `strength` 0..1 starts from the video
    itself, the less changed the smaller it is. `reference` shows who is meant. A part (but for what lies beside the
    picture) is laid into the video at its own size and frame rate where those are larger. Raises as `generate`.
    """
    said = {
        "preset": preset,
        "steps": steps,
        "guidance_scale": guidance_scale,
        "negative_prompt": negative_prompt,
        "camera": camera,
        "path": path,
        "style": style,
        "quality": quality,
        "memory": memory,
        "lora": lora,
        "seed": drawn_seed() if seed is None else seed,
    }
    told = partial(
        editing,
        video,
        mask=mask,
        box=box,
        span=span,
        outpaint=outpaint,
        strength=strength,
        reference=reference,
        fit=fit,
    )
    return _run(
        lambda model: Plan(make_shot(prompt, model=model, **told(model=model), **said)),
        _models(model, fallback),
        progress,
    )


def _models(model: str, fallback: Models) -> tuple[str, ...]:
    """Return the models to ask in their order; raises `RequestError` for a fallback that there is not."""
    others = (fallback,) if isinstance(fallback, str) else tuple(fallback)
    for name in others:
        check_name(name, "fallback")
    return (model, *others)


def _run(draft: Callable[[str], Plan], models: Sequence[str], progress: Listener) -> Clip:
    """Make the clip that `draft` describes for a model, with the first of the models that can."""
    listening = progress if isinstance(progress, Progress) else Progress(progress)

    def make(model: str, notes: tuple[str, ...]) -> Clip:
        drafted = draft(model)
        return pipeline.generate(drafted.shot, backend(model), listening, notes + drafted.notes)

    return first_able(models, make)

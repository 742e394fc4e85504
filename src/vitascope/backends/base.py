"""What a backend is: a card that says what it can do, a plan before any work, and one verb."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

from vitascope.camera.path import playable
from vitascope.errors import RequestError
from vitascope.media.inspector import looker
from vitascope.progress import Progress
from vitascope.toybox.language.nearest import Embed
from vitascope.toybox.world import World
from vitascope.types import MOTION, CameraMove, Clip, Plan, Shot, VideoShape
from vitascope.weights.catalogue import catalogue
from vitascope.weights.manifest import STANDARD, Preset

Number = TypeVar("Number", int, float)

MAX_STEPS = 200
MAX_GUIDANCE = 20.0
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Card:
    """What a backend can do, known without loading it.

    `world` is all that the model was taught to draw, in words; None where it reads free text.
    `sizes` are the (width, height) that it can make, the first being that of a usual clip; `num_frames` is the usual
    length of a clip, `max_frames` the longest, `fps` its frame rate; `camera_limits` the largest amount of each kind of
    camera move that it has seen; `takes` the roles of what it can be given, and "path"; `presets` its ways to denoise
    by name. Clips of the sizes in `drawn` are drawn at the size that stands there, and scaled up.
    """

    id: str
    licence: str
    world: World | None
    sizes: tuple[tuple[int, int], ...]
    num_frames: int
    max_frames: int
    fps: float
    steps: int
    guidance_scale: float
    camera_limits: Mapping[str, float]
    takes: frozenset[str] = frozenset()
    presets: Mapping[str, Preset] = field(default_factory=dict)
    drawn: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def drawing(self, size: tuple[int, int] | None) -> tuple[int, int]:
        """Return the size at which a clip of some size is drawn; that of a usual clip for one that cannot be made."""
        known = size if size is not None and size in self.sizes else self.sizes[0]
        return self.drawn.get(known, known)


@runtime_checkable
class Backend(Protocol):
    """Renders shots; heavy imports happen inside `render`."""

    @property
    def card(self) -> Card:
        """What this backend can do."""
        ...

    @property
    def embed(self) -> Embed | None:
        """What places words by their meaning, for words that the world does not know; None where nothing does."""
        ...

    def plan(self, shot: Shot) -> Plan:
        """Fill in the defaults and snap to what the model can do; raises `RequestError` for what it cannot."""
        ...

    def render(self, shot: Shot, progress: Progress) -> Clip:
        """Render a planned shot. Raises `WeightsError`, and `Cancelled` when `progress` says so."""
        ...


def plan_by_card(shot: Shot, card: Card) -> Plan:
    """Plan a shot by the rules on a card. The seed is not drawn here: a shot without one is refused.

    Raises `RequestError` naming the field and the nearest value that would work.
    """
    _refuse_unsupported(shot, card)
    fps = _fps(shot, card)
    num_frames, length_note = _num_frames(shot, card, fps)
    camera, camera_notes = _camera(shot, card)
    name, preset = _preset(shot, card)
    resolved = shot.model_copy(
        update={
            "size": _size(shot, card),
            "aspect_ratio": None,
            "fps": fps,
            "num_frames": num_frames,
            "seconds": num_frames / fps,
            "camera": camera,
            "seed": within("seed", shot.seed, 0, MAX_SEED),
            "preset": name,
            "steps": within("steps", preset.steps if shot.steps is None else shot.steps, 1, MAX_STEPS),
            "guidance_scale": within(
                "guidance_scale",
                preset.guidance_scale if shot.guidance_scale is None else shot.guidance_scale,
                0.0,
                MAX_GUIDANCE,
            ),
        }
    )
    notes = length_note + camera_notes
    if resolved.negative_prompt and resolved.guidance_scale == 1.0:
        notes += ("negative_prompt: has no effect at guidance scale 1",)
    return Plan(resolved, notes)


def within(name: str, value: Number | None, low: Number, high: Number) -> Number:
    """Return a number that lies between two others; raises `RequestError` with the nearest for one that does not."""
    if value is None or not math.isfinite(value):
        raise RequestError(name, f"{value} is not a number", f"nearest: {low:g}")
    if not low <= value <= high:
        nearest = low if value < low else high
        raise RequestError(name, f"{value} is outside {low} to {high}", f"nearest: {nearest}")
    return value


def _preset(shot: Shot, card: Card) -> tuple[str | None, Preset]:
    """Return the preset that a shot is made with and its name; None for a model that has only its own defaults."""
    if not card.presets:
        if shot.preset is not None:
            raise RequestError("preset", f"{card.id} has no presets", "say how many steps")
        return None, Preset(card.steps, card.guidance_scale)
    name = STANDARD if shot.preset is None else shot.preset
    if name not in card.presets:
        raise RequestError("preset", f"{name[:40]!r} is not known", f"it may be: {', '.join(card.presets)}")
    return name, card.presets[name]


def _refuse_unsupported(shot: Shot, card: Card) -> None:
    for given in shot.givens:
        if given.role in MOTION and given.role not in card.takes:
            able = [entry.id for entry in catalogue().values() if "motion" in entry.pipelines]
            problem = f"{card.id} cannot copy how somebody moves"
            raise RequestError(f"{given.role}_video", problem, f"models that can: {', '.join(able)}")
        if given.role not in card.takes:
            takes = ", ".join(sorted(card.takes)) or "words only"
            raise RequestError(
                "givens", f"{card.id} takes no {given.role}", f"leave it out (it takes: {takes})"
            )
    if shot.path and "path" not in card.takes:
        raise RequestError(
            "path", f"{card.id} cannot follow a path", "say in the prompt where the subject goes"
        )
    if shot.loras and "lora" not in card.takes:
        raise RequestError("lora", f"{card.id} takes no LoRA", "leave it out, or name a model that takes one")
    if shot.memory is not None:
        raise RequestError("memory", f"{card.id} needs no memory plan", "leave it out")
    if shot.quality not in (None, "lossless"):
        raise RequestError("quality", f"{card.id} has one quality", "nearest: lossless")
    if shot.sound:
        raise RequestError("sound", f"{card.id} makes silent clips", "leave sound off")


def _size(shot: Shot, card: Card) -> tuple[int, int]:
    names = ", ".join(f"{width}x{height}" for width, height in card.sizes)
    if shot.size is not None and shot.aspect_ratio is not None:
        raise RequestError("aspect_ratio", "is already decided by size", "give one of the two")
    if shot.size is not None and shot.size not in card.sizes:
        width, height = shot.size
        nearest = min(card.sizes, key=lambda legal: abs(legal[0] - width) + abs(legal[1] - height))
        problem = f"{width}x{height} is not one of the sizes of {card.id} ({names})"
        raise RequestError("size", problem, f"nearest: {nearest[0]}x{nearest[1]}")
    if shot.aspect_ratio is not None:
        ratio = parse_ratio(shot.aspect_ratio)
        nearest = min(card.sizes, key=lambda legal: abs(math.log(legal[0] / legal[1] / ratio)))
        if abs(math.log(nearest[0] / nearest[1] / ratio)) > 0.1:
            problem = f"{shot.aspect_ratio} is not a ratio that {card.id} can draw ({names})"
            raise RequestError("aspect_ratio", problem, f"nearest: {nearest[0]}:{nearest[1]}")
        return _usual_size(
            shot, [size for size in card.sizes if size[0] * nearest[1] == nearest[0] * size[1]]
        )
    return shot.size or _usual_size(shot, card.sizes)


def _usual_size(shot: Shot, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the size of a shot that says none: the first, or that nearest a smaller video that is given."""
    (width, height), *others = sizes
    videos = [each for each in shot.givens if each.kind == "video" and each.role in ("frame", "source")]
    if not others or not videos:
        return width, height
    own = math.prod(looker().facts(videos[0].source, videos[0].kind).size)
    if own >= width * height:
        return width, height
    return min(sizes, key=lambda size: abs(math.log(math.prod(size) / own)))


def parse_ratio(text: str, argument: str = "aspect_ratio") -> float:
    """Return width to height of "16:9"; raises `RequestError` for `argument`."""
    parts = text.replace("/", ":").split(":")
    try:
        width, height = (float(part) for part in parts)
        if width > 0 and height > 0 and math.isfinite(width / height):
            return width / height
    except (ValueError, ZeroDivisionError):
        pass
    raise RequestError(argument, f"{text[:40]!r} is not a ratio", "write it as 16:9")


def _fps(shot: Shot, card: Card) -> float:
    if shot.fps is not None and shot.fps != card.fps:
        problem = f"{shot.fps:g} is not the frame rate of {card.id}"
        raise RequestError("fps", problem, f"nearest: {card.fps:g}")
    return card.fps


def _num_frames(shot: Shot, card: Card, fps: float) -> tuple[int, tuple[str, ...]]:
    """Return how many frames, and the note to make when that is not what was asked for."""
    if shot.seconds is None and shot.num_frames is None:
        return card.num_frames, ()
    if shot.num_frames is not None:
        name, asked, unit = "num_frames", float(shot.num_frames), 1.0
        if shot.seconds is not None and abs(shot.seconds - asked / fps) > 1e-6:
            problem = f"{shot.seconds:g} does not agree with {shot.num_frames} frames at {fps:g} a second"
            raise RequestError("seconds", problem, "give one of the two")
    else:
        assert shot.seconds is not None
        name, asked, unit = "seconds", shot.seconds * fps, fps
    if not math.isfinite(asked) or asked <= 0:
        raise RequestError(name, f"{asked / unit:g} is not a length", f"nearest: {1 / unit:g}")
    if asked > card.max_frames + 0.5:
        problem = f"{asked / unit:g} is more than {card.id} can draw"
        raise RequestError(name, problem, f"nearest: {card.max_frames / unit:g}")
    num_frames = min(VideoShape.snap_frames(asked), card.max_frames)
    if abs(num_frames - asked) < 1e-6:
        return num_frames, ()
    frames = f"{num_frames} frame{'s' if num_frames > 1 else ''}"
    return num_frames, (f"{name}: {asked / unit:g} becomes {frames} ({num_frames / fps:g} s at {fps:g} fps)",)


def _camera(shot: Shot, card: Card) -> tuple[tuple[CameraMove, ...], tuple[str, ...]]:
    """Return the moves, none larger than what the model has seen, and a note for each that was."""
    asked = shot.camera or ()
    known, stood_in = playable(asked)
    if all(move.kind in card.camera_limits for move in asked):
        known, stood_in = asked, ()
    moves, notes = [], [*stood_in]
    for move in known:
        if move.kind == "static":
            continue
        if move.kind not in card.camera_limits:
            known = ", ".join(card.camera_limits)
            raise RequestError("camera", f"{card.id} cannot {move.kind}", f"it knows: {known}")
        limit = card.camera_limits[move.kind]
        if abs(move.amount) > limit:
            notes.append(f"camera: {move.kind} {move.amount:g} becomes {math.copysign(limit, move.amount):g}")
            move = move.model_copy(update={"amount": math.copysign(limit, move.amount)})
        moves.append(move)
    return tuple(moves), tuple(notes)

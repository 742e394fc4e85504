"""The memory plan: what a model and a request need, and how they fit the machine, known before anything is loaded.

Weights are counted from the headers of a checkpoint, or as published while it is not there; what work takes comes from
the catalogue (`benchmarks/memory_of_models.py` measures it). Nothing here needs torch.
"""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from vitascope.errors import RequestError
from vitascope.types import Shot
from vitascope.weights.catalogue import Entry, catalogue
from vitascope.weights.machine import GIB, Machine
from vitascope.weights.validation import BITS, Folder, Tensor, read_header

Name = Literal["device", "text-first", "offload", "stream", "int8", "nf4"]

RESERVE = 0.5 * GIB
"""What a GPU's driver, its kernels and the gaps between tensors take."""
SPARE = 0.95
"""The share of what is free that is planned with."""
TILE = (16, 256)
"""Frames, and pixels of a side, of one tile of a tiled decode."""
FINISHED = 24
"""Bytes a pixel of a finished frame takes while frames are gathered: three colours of four bytes, twice."""
BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
DENOISERS = ("transformer", "unet", "motion_adapter", "controlnet", "prior")
DECODERS = ("vae", "vqvae", "audio_vae", "vocoder", "video_decoder", "latent_upsampler")
NF4 = 0.3
"""What is left of a weight's 16 bits when it is rounded to 4: those, their scales, and layers that stay as they are."""
BLOCKS = 30
"""Into how many pieces a network falls that is streamed, where its headers are not there to tell."""

ABOUT: dict[str, str] = {
    "device": "all of it stays on the device",
    "text-first": "the text encoder runs first and is freed, the rest stays on the device",
    "offload": "each part is on the GPU only while it works",
    "stream": "the transformer and the text encoder come to the GPU block by block",
    "int8": "its weights are rounded to 8 bits, and each part is loaded only while it works",
    "nf4": "its weights are rounded to 4 bits; the text encoder runs first and is freed, the rest stays on the GPU",
}
TILED = "frames are decoded tile by tile"
STREAMED = "the text encoder comes to the GPU block by block"


@dataclass(frozen=True)
class Parts:
    """Bytes of a model's weights as they lie in memory, and of the largest block of any network."""

    denoisers: tuple[int, ...]
    encoders: int
    decoder: int
    block: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.denoisers) + self.encoders + self.decoder


def published_parts(entry: Entry) -> Parts:
    """Return the sizes of a model that is not downloaded, from what its makers say."""
    memory, width, decoded = entry.memory, BYTES[entry.dtype], BYTES[entry.decoder_dtype]
    denoiser, encoders = (
        round(billions * 1e9 * width) for billions in (memory.transformer, memory.text_encoder)
    )
    block = max(denoiser, encoders) // BLOCKS
    return Parts((denoiser,) * memory.experts, encoders, round(memory.decoder * 1e9 * decoded), block)


def parts_of(folder: Folder | Path, entry: Entry) -> Parts:
    """Return the sizes of a downloaded model by the headers of its safetensors, in the precision it is loaded in."""
    path, files = (
        (folder.path, folder.files) if isinstance(folder, Folder) else (folder, _safetensors(folder))
    )
    sizes: dict[str, int] = defaultdict(int)
    blocks: dict[tuple[str, str], int] = defaultdict(int)
    for file in files:
        component = file.relative_to(path).parts[0] if file.parent != path else "transformer"
        kind = component.rstrip("_0123456789")
        width = BYTES[entry.decoder_dtype if kind in DECODERS else entry.dtype]
        for name, tensor in read_header(file).items():
            size = _loaded(tensor, width)
            sizes[component] += size
            blocks[component, _block(name)] += size
    denoisers = [size for name, size in sizes.items() if name.rstrip("_0123456789") in DENOISERS]
    decoders = [size for name, size in sizes.items() if name.rstrip("_0123456789") in DECODERS]
    encoders = sum(sizes.values()) - sum(denoisers) - sum(decoders)
    return Parts(tuple(denoisers), encoders, sum(decoders), max(blocks.values(), default=0))


def _safetensors(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(folder.rglob("*.safetensors")))


def _loaded(tensor: Tensor, width: int) -> int:
    """Return a tensor's bytes once loaded: numbers with a fraction in the precision asked for, others as they are."""
    if tensor.dtype in ("F16", "BF16", "F32", "F64"):
        return math.prod(tensor.shape) * width
    return math.prod(tensor.shape) * BITS[tensor.dtype] // 8


def _block(name: str) -> str:
    """Return the block that a tensor is part of: what comes before the number of its layer, and the number."""
    match = re.match(r"(.*?\.\d+)\.", name)
    return match[1] if match else name


@dataclass(frozen=True)
class Request:
    """The size of a clip, and the model that is to make it."""

    num_frames: int
    width: int
    height: int
    entry: Entry
    guided: bool = True

    @property
    def pixels(self) -> int:
        """Pixels of one frame."""
        return self.width * self.height

    @property
    def tokens(self) -> int:
        """Tokens of one pass of the transformer."""
        memory = self.entry.memory
        time, side = memory.token
        frames = memory.window if memory.padded else min(self.num_frames, memory.window or self.num_frames)
        return (
            math.ceil((frames - 1) / time + 1) * math.ceil(self.width / side) * math.ceil(self.height / side)
        )

    @property
    def denoising(self) -> int:
        """Bytes that one pass of the transformer works with."""
        memory = self.entry.memory
        return round(self.tokens * memory.token_kib * 1024 * (memory.batch if self.guided else 1))

    def decoding(self, tiled: bool) -> int:
        """Return the bytes that decoding works with, whole frames at a time or tile by tile."""
        memory = self.entry.memory
        frames = min(self.num_frames, memory.decode_frames or self.num_frames)
        pixels, finished = self.pixels, self.num_frames * self.pixels * FINISHED
        if tiled:
            frames, pixels = min(frames, TILE[0]), min(pixels, TILE[1] ** 2)
            finished = finished * 3 // 2  # the tiles, and the frames that they are laid into
        return round(frames * pixels * memory.decode_bytes) + finished


def request_of(shot: Shot, entry: Entry) -> Request:
    """Return the request of a planned shot."""
    shape = shot.video_shape()
    guided = (shot.guidance_scale or entry.guidance_scale) > 1
    return Request(shape.num_frames, shape.width, shape.height, entry, guided)


@dataclass(frozen=True)
class Need:
    """Bytes that a placement needs at its peak: on the device that computes, and in memory where that is another."""

    device: int
    ram: int

    def fits(self, machine: Machine) -> bool:
        """Say whether a machine has that much free."""
        return self.device <= room(machine) and self.ram <= machine.ram * SPARE


def room(machine: Machine) -> float:
    """Return the bytes that may be planned with on the device that computes."""
    return machine.room * SPARE - RESERVE


@dataclass(frozen=True)
class Placement:
    """Where a model's parts lie while they work, what that takes, and what could be tried in its place.

    `name` says how the weights are placed (see `ABOUT`), `tiled` whether frames are decoded tile by tile;
    `streamed_encoder` whether the text encoder is too large for the GPU and comes to it block by block.
    """

    name: Name
    tiled: bool
    need: Need
    gpu: bool
    streamed_encoder: bool = False
    rest: tuple["Placement", ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        """Return what `--memory` calls it."""
        return self.name + ("+tiled" if self.tiled else "")

    def describe(self) -> str:
        """Say it in a line."""
        device = "GPU" if self.gpu else "CPU"
        about = "; ".join(
            [ABOUT[self.name]]
            + [STREAMED] * (self.streamed_encoder and self.name != "stream")
            + [TILED] * self.tiled
        )
        ram = f" and {self.need.ram / GIB:.1f} GiB of memory" if self.gpu and self.need.ram > GIB else ""
        return f"{self} on the {device}: {about} (about {self.need.device / GIB:.1f} GiB{ram})"

    def next(self) -> "Placement | None":
        """Return the next placement that takes less of the device, None when this is the last."""
        return replace(self.rest[0], rest=self.rest[1:]) if self.rest else None


LADDER: tuple[tuple[Name, bool], ...] = (
    ("device", False), ("text-first", False), ("device", True), ("text-first", True), ("offload", False),
    ("offload", True), ("stream", False), ("stream", True), ("int8", False), ("int8", True), ("nf4", False),
    ("nf4", True),
)  # fmt: skip
"""What is tried in turn. Tiles change the picture a little and rounding changes it more, so they come after what costs
time alone; but tiles cost less time than moving weights at every step."""
PLANS = tuple(name + "+tiled" * tiled for name, tiled in LADDER)
"""What `--memory` may be."""
ANYWHERE: frozenset[Name] = frozenset({"device", "text-first", "int8"})
"""The placements that there are without a GPU too."""


def place(
    parts: Parts,
    request: Request,
    machine: Machine,
    plan_name: str | None = None,
    lacking: Collection[str] = (),
) -> Placement:
    """Return the first placement of the ladder that fits, or the one that is wanted, with those below it.

    `lacking` are names of placements whose packages are not installed: they are not what a refusal offers. Raises
    `RequestError` where nothing fits, with the nearest request that does.
    """
    steps = _steps(parts, request, machine)
    if plan_name is not None:
        names = [str(step) for step in steps]
        if plan_name not in PLANS:
            raise RequestError(
                "memory", f"{plan_name[:40]!r} is not a plan", f"it may be: {', '.join(PLANS)}"
            )
        if plan_name not in names:
            why = "its decoder knows no tiles" if plan_name.partition("+")[0] in names else "it needs a GPU"
            can = [str(step) for step in steps if step.name not in lacking]
            hint = f"nearest: {nearest(plan_name, can)}; it may be: {', '.join(can)}"
            raise RequestError("memory", f"{plan_name} is not possible here ({why})", hint)
        steps = steps[names.index(plan_name) :]
    for number, step in enumerate(steps):
        if plan_name is not None or step.need.fits(machine):
            return replace(step, rest=tuple(_falling(step, steps[number + 1 :])))
    raise _refusal(parts, request, machine)


def nearest(plan_name: str, can: Collection[str]) -> str:
    """Return the plan among those that can be had that does most nearly what another one would have done.

    That is the last before it on the ladder, decoding as it does where that can be had.
    """
    plain = plan_name.partition("+")[0]
    if plain in can:
        return plain
    before = [plan for plan in PLANS[: PLANS.index(plan_name)] if plan in can]
    alike = [plan for plan in before if plan.endswith("+tiled") == plan_name.endswith("+tiled")]
    return (alike or before or ["device"])[-1]


def plans(request: Request, machine: Machine) -> tuple[str, ...]:
    """Return the plans that there are for a machine and a model, whether they fit or not."""
    tiles = request.entry.memory.tiles
    names = ((name, tiled) for name, tiled in LADDER if machine.gpu or name in ANYWHERE)
    return tuple(name + "+tiled" * tiled for name, tiled in names if tiles or not tiled)


def fits(parts: Parts, request: Request, machine: Machine) -> Placement | None:
    """Return how a request would be placed, None where it does not fit."""
    return next((step for step in _steps(parts, request, machine) if step.need.fits(machine)), None)


def _steps(parts: Parts, request: Request, machine: Machine) -> list[Placement]:
    """Return the rungs of the ladder that there are for a machine and a model."""
    can = plans(request, machine)
    return [
        _step(name, tiled, parts, request, machine)
        for (name, tiled), plan in zip(LADDER, PLANS, strict=True)
        if plan in can
    ]


def _falling(step: Placement, later: Iterable[Placement]) -> Iterator[Placement]:
    """Yield the later steps that each take less of the device than the one before."""
    for width in later:
        if width.need.device < step.need.device:
            yield width
            step = width


def _step(name: Name, tiled: bool, parts: Parts, request: Request, machine: Machine) -> Placement:
    """Return one rung of the ladder with what it needs."""
    if not machine.gpu:
        return Placement(name, tiled, Need(_on_cpu(name, tiled, parts, request), 0), gpu=False)
    share = {"int8": 0.5, "nf4": NF4}.get(name, 1.0)
    is_whole = name in ("device", "nf4")  # what is rounded to 4 bits lies on the GPU from the start
    streamed = name == "stream" or (not is_whole and parts.encoders * share > room(machine))
    encoders = 3 * parts.block if streamed else round(parts.encoders * share)
    need = _on_gpu(name, tiled, replace(parts, encoders=encoders), request)
    return Placement(
        name, tiled, Need(need, _resident_bytes(name, parts)), gpu=True, streamed_encoder=streamed
    )


def _on_gpu(name: Name, tiled: bool, parts: Parts, request: Request) -> int:
    """Return the bytes of the GPU that a placement needs at its peak."""
    denoising, decoding = request.denoising, request.decoding(tiled)
    largest = max(parts.denoisers, default=0)
    match name:
        case "device":
            return parts.total + max(denoising, decoding)
        case "text-first":
            return max(parts.encoders, sum(parts.denoisers) + parts.decoder + max(denoising, decoding))
        case "offload":
            return max(parts.encoders, largest + denoising, parts.decoder + decoding)
        case "stream":
            return parts.decoder + max(3 * parts.block + denoising, decoding)
        case "int8":
            return max(parts.encoders, largest // 2 + denoising, parts.decoder + decoding)
        case "nf4":
            rounded = round(sum(parts.denoisers) * NF4)
            return max(parts.encoders, rounded + parts.decoder + max(denoising, decoding))


def _resident_bytes(name: Name, parts: Parts) -> int:
    """Return the bytes of memory beside the GPU's that a placement needs at its peak."""
    if name == "text-first":  # what is read lies there before it goes to the GPU
        return max(parts.encoders, sum(parts.denoisers) + parts.decoder)
    if name == "int8":
        return (sum(parts.denoisers) + parts.encoders) // 2 + parts.decoder + parts.block
    if name == "nf4":  # weights pass through memory one after the other
        return parts.decoder + parts.block
    return parts.total


def _on_cpu(name: Name, tiled: bool, parts: Parts, request: Request) -> int:
    """Return the bytes of memory that a placement needs at its peak where there is no GPU."""
    work, denoisers = max(request.denoising, request.decoding(tiled)), sum(parts.denoisers)
    match name:
        case "text-first":
            return max(parts.encoders, denoisers + parts.decoder + work)
        case "int8":
            return max(parts.encoders // 2, denoisers // 2 + parts.decoder + work) + parts.block
        case _:
            return parts.total + work


def _refusal(parts: Parts, request: Request, machine: Machine) -> RequestError:
    """Return what says how much is missing, and the nearest requests that fit."""
    least = min(
        (step.need for step in _steps(parts, request, machine)), key=lambda need: (need.device, need.ram)
    )
    entry = request.entry
    clip = f"{request.num_frames} frames of {request.width}x{request.height}"
    needs = f"{(least.device + RESERVE) / SPARE / GIB:.1f} GiB" + " on the GPU" * bool(machine.gpu)
    if machine.gpu and least.ram > machine.ram * SPARE:
        needs += f" and {least.ram / SPARE / GIB:.1f} GiB of memory"
    problem = f"{clip} on {entry.id} need {needs}, and {machine}"
    nearest = [
        _describe_request(smaller)
        for smaller in (_fewer(parts, request, machine), _smaller(parts, request, machine))
        if smaller
    ]
    if nearest:
        return RequestError("size", problem, f"nearest: {' or '.join(nearest)}")
    like = [candidate for candidate in catalogue().values() if set(candidate.tasks) & set(entry.tasks)]
    like.sort(key=lambda candidate: -candidate.memory.transformer)
    alternatives = [candidate.id for candidate in like if fits_by_default(candidate, machine) is not None][:6]
    return RequestError("model", problem, f"models that fit: {', '.join(['toybox', *alternatives])}")


def _describe_request(request: Request) -> str:
    return f"{request.num_frames} frames of {request.width}x{request.height}"


def _fewer(parts: Parts, request: Request, machine: Machine) -> Request | None:
    """Return the longest request of the same size that fits, if it has half a second or more."""
    rule = request.entry.frames
    for frames in range(request.num_frames - 1, max(0, int(request.entry.fps / 2) - 1), -1):
        if rule.snap(frames) == frames:
            shorter = replace(request, num_frames=frames)
            if fits(parts, shorter, machine):
                return shorter
    return None


def _smaller(parts: Parts, request: Request, machine: Machine) -> Request | None:
    """Return the largest request of the same length and shape that fits, if it is not tiny."""
    for percent in range(95, 24, -5):
        width, height = request.entry.size.snap(
            (request.width * percent / 100, request.height * percent / 100)
        )
        smaller = replace(request, width=width, height=height)
        if (width, height) != (request.width, request.height) and fits(parts, smaller, machine):
            return smaller
    return None


def fits_by_default(entry: Entry, machine: Machine) -> Placement | None:
    """Return how the usual clip of a model would be placed by its published sizes, None where it does not fit."""
    width, height = entry.size.default
    return fits(published_parts(entry), Request(entry.frames.default, width, height, entry), machine)

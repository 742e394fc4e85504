"""Clips rendered ahead to disk, for a machine that cannot render and train at once; several stages share them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int16, UInt8
from safetensors import safe_open
from torch import Tensor

from vitascope.toybox.scene import Scene
from vitascope.toybox.world import World
from vitascope.training.checkpoint import load_tensors, save_tensors
from vitascope.training.clips import Source
from vitascope.training.pages import page_of
from vitascope.training.toytheatre.edits import sample_open_edit
from vitascope.training.toytheatre.relations import sometimes_related
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Take, edit_pair, sample_open_take, sample_route, sample_take
from vitascope.training.toytheatre.truth import Appearance, Truth

LOT = 16
"""Takes that are rendered at once."""


@dataclass(frozen=True)
class Rendered:
    """Some clips: frames, camera paths, where the toys' middles are (NaN out of sight), and scenes.

    Each clip has `SLOTS` places for its subjects, the nearest first: `maps` lead from the screen to their pages (NaN
    for an empty place) and `loops` say how far their animation is; see `Truth`. `which` are places in the table of
    `pages` (-1 for none). Clips that were made out of others by an edit hold those as `sources`, and what was asked
    for as `instructions`.
    """

    frames: UInt8[Tensor, "clips frames 3 height width"]
    camera: Float32[Tensor, "clips frames 4"]
    middles: Float32[Tensor, "clips slots frames 2"]
    maps: Float32[Tensor, "clips slots frames 2 3"]
    loops: Float32[Tensor, "clips slots frames"]
    which: Int16[Tensor, "clips slots"]
    pages: UInt8[Tensor, "pages 4 phases size size"]
    scenes: tuple[Scene, ...]
    sources: UInt8[Tensor, "clips frames 3 height width"] | None = None
    instructions: tuple[str, ...] = ()

    casts: tuple[tuple[str, ...], ...] = ()
    """Whose pages each clip shows, the nearest first; not kept in shards."""

    def part(self, start: int, stop: int) -> "Rendered":
        """Return the clips from `start` to `stop`."""
        cut = slice(start, stop)
        sources = None if self.sources is None else self.sources[cut]
        return Rendered(
            self.frames[cut],
            self.camera[cut],
            self.middles[cut],
            self.maps[cut],
            self.loops[cut],
            self.which[cut],
            self.pages,
            self.scenes[cut],
            sources,
            self.instructions[cut],
        )

    def to(self, device: str) -> "Rendered":
        """Return the same clips with their pictures on a device."""
        sources = None if self.sources is None else self.sources.to(device)
        return replace(self, frames=self.frames.to(device), sources=sources)


Render = Callable[[Theatre, World, np.random.Generator, int], Rendered]


def middles(truth: Truth | Appearance) -> Float32[np.ndarray, "frames 2"]:
    """Return the middle of the toy in each frame, in shares of the picture; NaN while it is out of sight."""
    boxes = truth.boxes
    seen = np.all(boxes[:, 2:] > boxes[:, :2], axis=1, keepdims=True)
    return np.where(seen, (boxes[:, :2] + boxes[:, 2:]) / 2, np.nan).astype(np.float32)


def render_all(theatre: Theatre, takes: list[Take], size: int = 32, phases: int = 8) -> Rendered:
    """Render some takes, with the pages of their subjects at `size` pixels and so many phases."""
    frames, truths = theatre.render(takes)
    camera = torch.from_numpy(np.stack([truth.camera for truth in truths]).astype(np.float32))
    shape = (len(takes), SLOTS, frames.shape[1])
    places, maps = np.full((*shape, 2), np.nan, np.float32), np.full((*shape, 2, 3), np.nan, np.float32)
    loops, which = np.zeros(shape, np.float32), np.full(shape[:2], -1, np.int16)
    names = sorted({there.subject for truth in truths for there in truth.cast})
    for clip, truth in enumerate(truths):
        for slot, there in enumerate(truth.cast[:SLOTS]):
            places[clip, slot], maps[clip, slot] = middles(there), there.maps
            loops[clip, slot], which[clip, slot] = there.loops, names.index(there.subject)
    pages = [page_of(theatre.sprites(name), size, phases) for name in names]
    table = np.stack(pages) if pages else np.zeros((0, phases, 4, size, size), np.uint8)
    return Rendered(
        frames,
        camera,
        torch.from_numpy(places),
        torch.from_numpy(maps),
        torch.from_numpy(loops),
        torch.from_numpy(which),
        torch.from_numpy(np.ascontiguousarray(table.swapaxes(1, 2))),
        tuple(truth.scene for truth in truths),
        casts=tuple(tuple(there.subject for there in truth.cast[:SLOTS]) for truth in truths),
    )


def render_open(theatre: Theatre, world: World, rng: np.random.Generator, count: int) -> Rendered:
    """Draw and render `count` takes in which any pages of the theatre's atlas do anything."""
    takes = [sample_open_take(rng, world, theatre.atlas.ids) for _ in range(count)]
    return render_all(theatre, [sometimes_related(rng, take) for take in takes])


def render_open_pairs(
    theatre: Theatre, world: World, rng: np.random.Generator, count: int, names: Mapping[str, str]
) -> Rendered:
    """Draw and render `count` edits of takes in which any pages of the theatre's atlas do anything.

    `names` are what the pages are called in English.
    """
    before, after, instructions = zip(
        *(sample_open_edit(rng, world, theatre.atlas.ids, names) for _ in range(count)), strict=True
    )
    made = render_all(theatre, list(after))
    return replace(made, sources=render_all(theatre, list(before)).frames, instructions=instructions)


def render_takes(theatre: Theatre, world: World, rng: np.random.Generator, count: int) -> Rendered:
    """Draw and render `count` takes of a world."""
    return render_all(theatre, [sample_take(rng, world) for _ in range(count)])


def render_routes(theatre: Theatre, world: World, rng: np.random.Generator, count: int) -> Rendered:
    """Draw and render `count` takes whose toys go along routes of their own."""
    return render_all(theatre, [sample_route(rng, world) for _ in range(count)])


def render_pairs(theatre: Theatre, world: World, rng: np.random.Generator, count: int) -> Rendered:
    """Draw and render `count` takes together with what each was before an edit."""
    before = [sample_take(rng, world) for _ in range(count)]
    before = [replace(take, empty=rng.random() < EMPTY_SHARE) for take in before]
    after, instructions = zip(*(edit_pair(rng, take, world) for take in before), strict=True)
    made = render_all(theatre, list(after))
    return replace(made, sources=render_all(theatre, before).frames, instructions=instructions)


EMPTY_SHARE = 0.12
"""Share of edits that begin with an empty set, to which a toy is added."""

SLOTS = 3
"""Most subjects of a clip."""

KINDS: dict[str, Render] = {"take": render_takes, "route": render_routes, "pair": render_pairs}
"""Kinds of shard by the first part of their name."""


def render_shards(
    theatre: Theatre, world: World, out: Path, shards: dict[str, int], per_shard: int, seed: int
) -> None:
    """Fill the folder `out` with shards `take-0000.safetensors` …, skipping those that are there. Safe to run again."""
    out.mkdir(parents=True, exist_ok=True)
    for place, (kind, count) in enumerate(shards.items()):
        for number in range(count):
            path = out / f"{kind}-{number:04d}.safetensors"
            if path.exists():
                continue
            rng = np.random.default_rng((seed, place, number))
            lots = [KINDS[kind](theatre, world, rng, LOT) for _ in range(per_shard // LOT)]
            save_rendered(path, lots)
            print(f"rendered {path.name}", flush=True)


def save_rendered(path: Path, lots: list[Rendered]) -> None:
    """Write lots of rendered clips as one shard."""
    names = ("frames", "camera", "middles", "maps", "loops", "pages")
    tensors = {name: torch.cat([getattr(lot, name) for lot in lots]) for name in names}
    tensors["which"] = shifted([lot.which for lot in lots], [len(lot.pages) for lot in lots])
    if lots[0].sources is not None:
        tensors["sources"] = torch.cat([lot.sources for lot in lots if lot.sources is not None])
    scenes = [astuple(scene) for lot in lots for scene in lot.scenes]
    save_tensors(
        path, tensors, {"scenes": scenes, "instructions": [i for lot in lots for i in lot.instructions]}
    )


def shifted(which: Sequence[Tensor], pages: Sequence[int]) -> Int16[Tensor, "clips slots"]:
    """Return the places of several lots of clips in the table that their tables of `pages` make together."""
    starts = np.concatenate([[0], np.cumsum(pages)[:-1]])
    return torch.cat(
        [torch.where(lot >= 0, lot + int(at), lot) for lot, at in zip(which, starts, strict=True)]
    )


def load_rendered(path: Path) -> Rendered:
    """Read one shard."""
    tensors, facts = load_tensors(path)
    scenes = tuple(Scene(*row) for row in facts["scenes"])
    return Rendered(
        tensors["frames"],
        tensors["camera"],
        tensors["middles"],
        tensors["maps"],
        tensors["loops"],
        tensors["which"],
        tensors["pages"],
        scenes,
        tensors.get("sources"),
        tuple(facts.get("instructions", ())),
    )


def shard_source(folder: Path) -> Source:
    """Return a source of clips that reads a few neighbours at a time from a random shard of the folder."""

    def draw(rng: np.random.Generator, count: int) -> Tensor:
        shards = sorted(folder.glob("*.safetensors"))
        with safe_open(shards[rng.integers(len(shards))], "pt") as file:
            frames = file.get_slice("frames")
            start = int(rng.integers(frames.get_shape()[0] - count + 1))
            return frames[start : start + count]

    return draw

"""The theatre's stage machinery: takes to pixels, in batches, on the CPU or a GPU.

Every layer of a set is one strip that is sampled once per frame through the camera, so zoom, roll, pan and
parallax cost one resampling and no canvas in between; the toy is one more such layer with a map of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64, UInt8
from torch import Tensor

from vitascope.training.toytheatre.actions import Motion, Spot
from vitascope.training.toytheatre.atlas import Atlas
from vitascope.training.toytheatre.filming import Filmed
from vitascope.training.toytheatre.physics import perform
from vitascope.training.toytheatre.sets import Drift, Light, paint
from vitascope.training.toytheatre.styles import STYLES
from vitascope.training.toytheatre.take import (
    Layout,
    Role,
    Take,
    ambience,
    film_take,
    frame_times,
    layout,
    thunder,
)
from vitascope.training.toytheatre.truth import Appearance, SoundEvent, Truth
from vitascope.training.toytheatre.weather import weathered
from vitascope.types import VideoShape

Maps = Float64[np.ndarray, "*frames 3 3"]
"""A matrix per frame (or one for all) for points (x, y, 1), in pixels from the middle of the picture."""

Number = float | np.ndarray

Pictures = Float[Tensor, "batch 3 frames height width"]

MAX_WIDTH = 0.5
"""Widest a toy may be, in picture widths."""

SHADOW = 0.42
"""How much light a toy that stands on the ground takes away under itself."""


@dataclass(frozen=True)
class Scenery:
    """A painted set, built up on the device: premultiplied strips from back to front, and what toys must know of it."""

    strips: UInt8[Tensor, "layers 4 strip_height strip_width"]
    depths: tuple[float, ...]
    ground: tuple[float, float]
    light: Light
    drifts: tuple[Drift | None, ...] = ()
    gloss: float = 0.0
    shade: float = 1.0
    medium: str = "air"


@dataclass(frozen=True)
class Toy:
    """One subject ready to be drawn: its pictures, and the maps from the screen to them, their mirror and its shadow.

    `floor` is the height of its feet on the picture: who stands lower is nearer.
    """

    textures: Float[Tensor, "frames 4 size size"]
    screen: Maps
    mirror: Maps
    shadow: Maps
    shade: Float32[np.ndarray, " frames"]
    floor: float
    appearance: Appearance
    events: tuple[SoundEvent, ...]


@dataclass(frozen=True)
class Staged:
    """A take ready to be drawn: its set, the maps from the screen to its layers, and its toys, the nearest last."""

    take: Take
    scenery: Scenery
    layers: Float64[np.ndarray, "layers frames 3 3"]
    toys: tuple[Toy, ...]
    camera: Float32[np.ndarray, "frames 4"]
    truth: Truth

    @property
    def still(self) -> bool:
        """Whether the camera stands still."""
        return self.truth.depth is None and not np.ptp(self.camera, axis=0).any()


def shift(x: Number, y: Number) -> Maps:
    """Return maps that move points by (x, y)."""
    x, y = np.broadcast_arrays(x, y)
    out = np.zeros((*x.shape, 3, 3))
    out[..., 0, 0] = out[..., 1, 1] = out[..., 2, 2] = 1
    out[..., 0, 2], out[..., 1, 2] = x, y
    return out


def scale(x: Number, y: Number) -> Maps:
    """Return maps that stretch points by (x, y) about the origin."""
    x, y = np.broadcast_arrays(x, y)
    out = np.zeros((*x.shape, 3, 3))
    out[..., 0, 0], out[..., 1, 1], out[..., 2, 2] = x, y, 1
    return out


def turn(angle: np.ndarray) -> Maps:
    """Return maps that turn points clockwise on screen (y points down) about the origin."""
    out = scale(np.cos(angle), np.cos(angle))
    out[..., 1, 0] = np.sin(angle)
    out[..., 0, 1] = -np.sin(angle)
    return out


def screen_to_world(camera: Float32[np.ndarray, "frames 4"], shape: VideoShape, depth: float) -> Maps:
    """Return the maps from the screen to the plane at a depth (0 never moves, 1 is the toy's), in pixels."""
    x, y, zoom, roll = camera.T.astype(np.float64)
    size = np.exp2(-zoom)
    return shift(depth * x * shape.width, -depth * y * shape.height) @ turn(roll) @ scale(size, size)


def layer_map(filmed: Filmed, shape: VideoShape, depth: float) -> Maps:
    """Return the maps from the screen to a layer at a depth, as a dolly and an orbit show it as well."""
    if not filmed.depth.any():
        return screen_to_world(filmed.camera, shape, depth)
    maps = screen_to_world(filmed.at(depth), shape, depth)
    return maps if depth else shift(filmed.sky() * shape.width, 0.0) @ maps


def box_on_screen(
    corners: Float64[np.ndarray, "frames 4 2"], to_screen: Maps, shape: VideoShape
) -> Float32[np.ndarray, "frames 4"]:
    """Return the box around mapped corners in shares of the picture, clipped; 0 if out of sight."""
    points = corners @ to_screen[:, :2, :2].swapaxes(1, 2) + to_screen[:, None, :2, 2]
    points = np.clip(points / (shape.width, shape.height) + 0.5, 0, 1)
    boxes = np.concatenate([points.min(1), points.max(1)], 1)
    seen = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return (boxes * seen[:, None]).astype(np.float32)


def grids(
    maps: Float[Tensor, "batch frames 3 3"], height: int, width: int
) -> Float[Tensor, "batch rows width 2"]:
    """Return where to sample for every pixel, a clip's frames under each other (rows = frames * height)."""
    x = torch.arange(width, device=maps.device) - (width - 1) / 2
    y = torch.arange(height, device=maps.device) - (height - 1) / 2
    m = maps[:, :, None, None, :2]
    grid = m[..., 0] * x[:, None] + (m[..., 1] * y[:, None, None] + m[..., 2])
    return grid.flatten(1, 2)


class Theatre:
    """A stage with its cast: renders takes at one shape on one device.

    `size` is the range of a toy's height in picture heights before distance; `variants` is how many
    differently painted versions of each set there are; painted sets are kept in memory, as bytes. `kinds` says
    what kind each subject is, which decides how it moves (`physics.py`); without one it moves as the earlier cast.
    """

    def __init__(
        self,
        atlas: Atlas,
        shape: VideoShape,
        device: str = "cpu",
        size: tuple[float, float] = (0.35, 0.45),
        variants: int = 6,
        kinds: Mapping[str, str] | None = None,
    ):
        self.atlas, self.shape, self.device = atlas, shape, torch.device(device)
        self.size, self.variants = size, variants
        self.kinds = kinds or {}
        self.chunk = 2 if self.device.type == "cpu" else 64
        self._members = {name: index for index, name in enumerate(atlas.ids)}
        self._sets: dict[tuple[str, str, str, int], Scenery] = {}
        self._textures: dict[str, Tensor] = {}
        self._times = frame_times(shape)

    @torch.no_grad()
    def render(
        self, takes: Sequence[Take], masks: bool = False
    ) -> tuple[UInt8[Tensor, "batch frames 3 height width"], tuple[Truth, ...]]:
        """Return the takes as pictures on the theatre's device, and what is true about them.

        With `masks` every truth also says which pixels are the toy. Raises KeyError for a subject that is not
        in the atlas.
        """
        staged = [self.stage(take) for take in takes]
        truths = [one.truth for one in staged]
        shape = (len(takes), self.shape.num_frames, 3, self.shape.height, self.shape.width)
        out = torch.empty(shape, dtype=torch.uint8, device=self.device)
        still = np.array([one.still for one in staged])
        for group in (np.flatnonzero(still), np.flatnonzero(~still)):
            for at in range(0, len(group), self.chunk):
                places = group[at : at + self.chunk]
                part = [staged[i] for i in places]
                pictures, cover = self.compose(part)
                pictures = self.finish(pictures, part)
                out[torch.from_numpy(places).to(self.device)] = to_bytes(pictures).transpose(1, 2)
                if masks:
                    for i, mask in zip(places, to_bytes(cover)[:, 0].cpu().numpy(), strict=True):
                        truths[i] = replace(truths[i], masks=mask)
        return out, tuple(truths)

    def stage(self, take: Take) -> Staged:
        """Work out everything about a take but its pixels."""
        plan, scene, shape = layout(take), take.scene, self.shape
        scenery = self.scenery(scene.set, scene.time, scene.season, int(plan.variant * self.variants))
        played = [(role, *self.play(take, role, scenery)) for role in replace(take, empty=False).roles]
        filmed = film_take(take, shape, played[0][2].x)
        told, camera = filmed.path, filmed.camera
        world = screen_to_world(camera, shape, 1.0)
        toys = [self.toy(*one, scenery, world) for one in ([] if take.empty else played)]
        layers = np.stack(
            [
                drifted(layer_map(filmed, shape, depth), drift, self._times + take.begin, shape)
                for depth, drift in zip(scenery.depths, scenery.drifts, strict=True)
            ]
        )
        own = toys[0].appearance if toys else self.nobody(scene.subject)
        events = tuple(event for toy in toys for event in toy.events) + ambience(scene)
        events += thunder(take, float(self._times[-1]) or 1.0)
        behind = tuple(sorted(toys, key=lambda toy: toy.floor))
        cast = tuple(toy.appearance for toy in reversed(behind))
        depth = filmed.depth if filmed.depth.any() else None
        truth = Truth(scene, own.boxes, told, own.maps, own.loops, events, depth=depth, cast=cast)
        return Staged(take, scenery, layers, behind, camera, truth)

    def play(self, take: Take, role: Role, scenery: Scenery) -> tuple[Spot, Motion]:
        """Return where one subject of a take stands and how it moves."""
        scene = replace(take.scene, action=role.action)
        plan = layout(replace(take, seed=role.seed, scene=scene, facing=role.facing or take.facing))
        if role.floor is not None:
            plan = replace(plan, depth=(role.floor - 0.45) / 0.4)
        if role.pace is not None:
            plan = replace(plan, chance=layout(replace(take, seed=role.pace)).chance)
        spot = self.spot(plan, scenery, self._members[role.subject], role.scale)
        motion = perform(role.action, self._times, spot, take.begin)
        motion = replace(motion, x=motion.x + role.offset)
        if take.route and role.seed == take.seed:
            motion = routed(motion, take.route)
        if take.carried and role == take.lead:
            return self.carry(take, spot, motion, scenery)
        return spot, motion

    def carry(self, take: Take, spot: Spot, motion: Motion, scenery: Scenery) -> tuple[Spot, Motion]:
        """Return a subject that stands on the first of the others, and goes where that goes."""
        under, way = self.play(take, take.others[0], scenery)
        high = 0.86 * (1 - way.anchor) * under.height * np.abs(way.tall)
        x = way.x + high * np.sin(way.angle) / under.aspect
        y = way.y - high * np.cos(way.angle)
        spot = replace(spot, floor=under.floor + 1e-6, facing=under.facing)
        return spot, replace(motion, x=x, y=y, angle=way.angle, lift=None, anchor=0.0)

    def toy(self, role: Role, spot: Spot, motion: Motion, scenery: Scenery, world: Maps) -> Toy:
        """Work out one subject of a take, as the camera sees it whose map to the set is `world`."""
        shape = self.shape
        pictures, corners = self.pictures_of(role.subject, motion)
        upright = toy_map(motion, spot, shape)
        to_toy, mirror = upright @ world, upright @ mirror_at(spot.floor, shape) @ world
        shadow, shade = shadow_map(motion, spot, scenery.light, shape)
        boxes = box_on_screen(corners, np.linalg.inv(to_toy), shape)
        maps = (to_toy @ scale(float(shape.width), float(shape.height)))[:, :2].astype(np.float32)
        there = Appearance(role.subject, boxes, maps, motion.loop.astype(np.float32))
        shade = shade * np.float32(scenery.shade)
        return Toy(pictures, to_toy, mirror, shadow @ world, shade, spot.floor, there, motion.events)

    def nobody(self, subject: str) -> Appearance:
        """Return a subject that is in no frame."""
        frames = len(self._times)
        maps = np.full((frames, 2, 3), np.nan, np.float32)
        return Appearance(subject, np.zeros((frames, 4), np.float32), maps, np.zeros(frames, np.float32))

    def sprites(self, subject: str) -> UInt8[np.ndarray, "frames 4 size size"]:
        """Return the pictures of a subject of the atlas."""
        return self.atlas.sprites[self._members[subject]]

    def recast(self, atlas: Atlas) -> None:
        """Let the toys of another atlas play; painted sets are kept."""
        self.atlas = atlas
        self._members = {name: index for index, name in enumerate(atlas.ids)}
        self._textures.clear()

    def scenery(self, name: str, time: str, season: str, variant: int) -> Scenery:
        """Return a set built up on the device; it is painted once and kept."""
        key = (name, time, season, variant)
        if key not in self._sets:
            rng = np.random.Generator(np.random.Philox(key=variant))
            painted = paint(name, time, season, rng, self.shape.height, self.shape.width)
            strips = premultiplied(torch.from_numpy(np.stack([layer.rgba for layer in painted.layers])))
            depths = tuple(layer.depth for layer in painted.layers)
            drifts = tuple(layer.drift for layer in painted.layers)
            self._sets[key] = Scenery(
                strips.to(self.device),
                depths,
                painted.ground,
                painted.light,
                drifts,
                painted.gloss,
                painted.shade,
                painted.medium,
            )
        return self._sets[key]

    def spot(self, plan: Layout, scenery: Scenery, member: int, times: float = 1.0) -> Spot:
        """Return where and how big a toy stands: on the set's ground, and never wider than half.

        It is `times` as large as usual.
        """
        near, far = scenery.ground
        floor = far + (near - far) * (0.45 + 0.4 * plan.depth)
        low, high = self.size
        own = float(np.clip(self.atlas.height[member] / 0.4, 0.6, 1.4)) ** 0.2
        height = (low + (high - low) * plan.size) * own * times
        aspect = self.shape.width / self.shape.height
        width = height * float(self.atlas.aspect[member]) / aspect
        shrink = min(1.0, MAX_WIDTH / width)
        seconds = float(self._times[-1]) or 1.0
        return Spot(
            floor, width * shrink, height * shrink, plan.facing, plan.chance, aspect, seconds,
            kind=self.kinds.get(self.atlas.ids[member], ""),
            still=int(self.atlas.loop_frames[member]) == 1,
            medium=scenery.medium,
        )  # fmt: skip

    def pictures_of(self, subject: str, motion: Motion) -> tuple[Tensor, Float64[np.ndarray, "frames 4 2"]]:
        """Return the toy's pictures as shown, and the corners of what is in them (x and y in -1..1)."""
        member = self._members[subject]
        if subject not in self._textures:
            self._textures[subject] = textures(self.atlas.sprites[member], self.shape.height).to(self.device)
        loop = int(self.atlas.loop_frames[member])
        frame = (np.floor(motion.loop * loop + 1e-6).astype(int)) % loop
        small = (np.abs(motion.tall) < 0.65).astype(int)
        picked = self._textures[subject][torch.from_numpy(small), torch.from_numpy(frame)]
        return picked.float() / 255, extents(self.atlas.sprites[member][frame])

    def compose(
        self, staged: Sequence[Staged]
    ) -> tuple[Pictures, Float[Tensor, "batch 1 frames height width"]]:
        """Draw the layers behind, the shadows, the toys and the layers in front; also where toys show."""
        frames, height, width = self.shape.num_frames, self.shape.height, self.shape.width
        still = all(one.still for one in staged)
        behind = [[i for i, depth in enumerate(one.scenery.depths) if depth <= 1.0] for one in staged]
        front = [[i for i, depth in enumerate(one.scenery.depths) if depth > 1.0] for one in staged]
        background = torch.zeros(len(staged), 3, 1 if still else frames, height, width, device=self.device)
        for layer in self.layers(staged, behind, still):
            background = layer[:, :3] + background * (1 - layer[:, 3:])
        pictures = background.expand(-1, -1, frames, -1, -1)
        steps = range(max(len(one.toys) for one in staged))
        for step in steps:
            pictures = pictures * (1 - self.shadows([one.toys[step : step + 1] for one in staged]))
        gloss = [one.scenery.gloss for one in staged]
        for step in steps if any(gloss) else ():
            mirrored = self.draw_toys(
                [(one.scenery.light, one.toys[step : step + 1]) for one in staged], True
            )
            mirrored = mirrored * torch.tensor(gloss, device=self.device).view(-1, 1, 1, 1, 1)
            pictures = mirrored[:, :3] + pictures * (1 - mirrored[:, 3:])
        cover = torch.zeros_like(pictures[:, :1])
        for step in steps:
            toys = self.draw_toys([(one.scenery.light, one.toys[step : step + 1]) for one in staged])
            cover = toys[:, 3:] + cover * (1 - toys[:, 3:])
            pictures = toys[:, :3] + pictures * (1 - toys[:, 3:])
        for layer in self.layers(staged, front, still):
            pictures = layer[:, :3] + pictures * (1 - layer[:, 3:])
            cover = cover * (1 - layer[:, 3:])
        return pictures, cover

    def layers(self, staged: Sequence[Staged], chosen: list[list[int]], still: bool) -> Iterator[Tensor]:
        """Yield, back to front, layers as seen by the camera [batch 4 frames height width]; missing ones are empty.

        There is one frame for all where neither the camera nor the layer moves.
        """
        for step in range(max(map(len, chosen))):
            strips, maps = [], []
            fixed = still and not any(
                one.scenery.drifts[indices[step]]
                for one, indices in zip(staged, chosen, strict=True)
                if step < len(indices)
            )
            for one, indices in zip(staged, chosen, strict=True):
                there = step < len(indices)
                index = indices[step] if there else 0
                strip = one.scenery.strips[index]
                strips.append(strip if there else torch.zeros_like(strip))
                high, wide = strip.shape[-2:]
                maps.append(scale(2 / wide, 2 / high) @ one.layers[index, : 1 if fixed else None])
            grid = grids(self.tensor(maps), self.shape.height, self.shape.width)
            source = torch.stack(strips).float() / 255
            drawn = F.grid_sample(source, grid, padding_mode="border", align_corners=False)
            yield drawn.unflatten(2, (-1, self.shape.height))

    def shadows(self, toys: Sequence[tuple[Toy, ...]]) -> Float[Tensor, "batch 1 frames height width"]:
        """Return how much light the shadows of at most one toy a clip take: soft ellipses on the ground."""
        height, frames = self.shape.height, self.shape.num_frames
        none = np.broadcast_to(np.eye(3), (frames, 3, 3)), np.zeros(frames, np.float32)
        pairs = [(toy[0].shadow, toy[0].shade) if toy else none for toy in toys]
        grid = grids(self.tensor([maps for maps, _ in pairs]), height, self.shape.width)
        shade = torch.from_numpy(np.stack([shade for _, shade in pairs])).to(self.device)
        soft = torch.exp(-grid.square().sum(-1).square()).unflatten(1, (-1, height))
        return (soft * shade[..., None, None])[:, None]

    def draw_toys(
        self, toys: Sequence[tuple[Light, tuple[Toy, ...]]], mirrored: bool = False
    ) -> Float[Tensor, "batch 4 frames height width"]:
        """Return at most one toy a clip in the light of its set, or as a gloss mirrors it, colours times cover."""
        height, width, frames = self.shape.height, self.shape.width, self.shape.num_frames
        out = torch.zeros(len(toys), 4, frames, height, width, device=self.device)
        there = [(i, light, toy[0]) for i, (light, toy) in enumerate(toys) if toy]
        if not there:
            return out
        grid = grids(
            self.tensor([toy.mirror if mirrored else toy.screen for _, _, toy in there]), height, width
        )
        grid = grid.unflatten(1, (-1, height)).flatten(0, 1)
        pictures = torch.cat([toy.textures for _, _, toy in there])
        drawn = F.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)
        drawn = drawn.unflatten(0, (len(there), -1)).transpose(1, 2)
        colours = np.stack([(*light.colour, 1.0) for _, light, _ in there]).astype(np.float32)
        places = torch.tensor([i for i, _, _ in there], device=self.device)
        out[places] = drawn * torch.from_numpy(colours).to(self.device)[:, :, None, None, None]
        return out

    def finish(self, pictures: Pictures, staged: Sequence[Staged]) -> Pictures:
        """Add the weather to each picture and draw it in its style."""
        times = torch.from_numpy(self._times).float().to(self.device)
        camera = torch.from_numpy(np.stack([one.camera for one in staged])).to(self.device)
        for weather in sorted({one.take.scene.weather for one in staged} - {"clear"}):
            places = [i for i, one in enumerate(staged) if one.take.scene.weather == weather]
            seeds = [staged[i].take.seed for i in places]
            seasons = [staged[i].take.scene.season for i in places]
            pictures[places] = weathered(pictures[places], weather, seeds, times, camera[places], seasons)
        for style in sorted({one.take.scene.style for one in staged}):
            places = [i for i, one in enumerate(staged) if one.take.scene.style == style]
            flat = pictures[places].transpose(1, 2).flatten(0, 1)
            pictures[places] = STYLES[style](flat).unflatten(0, (len(places), -1)).transpose(1, 2)
        return pictures

    def tensor(self, maps: Sequence[Maps]) -> Float[Tensor, "batch frames 3 3"]:
        """Put the maps of several takes on the device."""
        return torch.from_numpy(np.stack(maps).astype(np.float32)).to(self.device)


def premultiplied(rgba: UInt8[Tensor, "n 4 height width"]) -> UInt8[Tensor, "n 4 height width"]:
    """Return pictures whose colours are multiplied by their alpha, so scaling leaves no dark fringes."""
    alpha = rgba[:, 3:].float() / 255
    return torch.cat([(rgba[:, :3].float() * alpha).round().to(torch.uint8), rgba[:, 3:]], 1)


def textures(
    sprites: UInt8[np.ndarray, "frames 4 size size"], height: int
) -> UInt8[Tensor, "2 frames 4 side side"]:
    """Return a toy's pictures at about the size shown, sharp and for small toys, premultiplied."""
    full = premultiplied(torch.from_numpy(np.array(sprites)))
    side = min(full.shape[-1], int(height * 0.52))
    sharp = F.interpolate(full.float(), (side, side), mode="area")
    soft = F.interpolate(F.interpolate(sharp, scale_factor=0.5, mode="area"), (side, side), mode="bilinear")
    return torch.stack([sharp, soft]).round().to(torch.uint8)


def extents(sprites: UInt8[np.ndarray, "frames 4 size size"]) -> Float64[np.ndarray, "frames 4 2"]:
    """Return the four corners of the box around what can be seen in each picture, x and y in -1..1."""
    size = sprites.shape[-1]
    seen = sprites[:, 3] > 32
    columns, rows = np.any(seen, axis=1), np.any(seen, axis=2)
    x0, x1 = columns.argmax(1), size - columns[:, ::-1].argmax(1)
    y0, y1 = rows.argmax(1), size - rows[:, ::-1].argmax(1)
    corners = np.stack([np.stack(pair, -1) for pair in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], 1)
    return corners / size * 2.0 - 1


def routed(motion: Motion, route: tuple[tuple[float, float], ...]) -> Motion:
    """Return the same motion along a route of the toy's middle, smooth at its places and off the ground."""
    share = np.linspace(0, len(route) - 1, len(motion.x))
    leg = np.minimum(share.astype(int), len(route) - 2)
    part = share - leg
    ease = part * part * (3 - 2 * part)
    places = np.array(route)
    x, y = (places[leg] + ease[:, None] * (places[leg + 1] - places[leg])).T
    return replace(motion, x=x, y=y, anchor=0.5, lift=None)


def toy_map(motion: Motion, spot: Spot, shape: VideoShape) -> Maps:
    """Return the maps from the world (in pixels) to the toy's picture, whose edges are at -1 and 1."""
    x, y = (motion.x - 0.5) * shape.width, (motion.y - 0.5) * shape.height
    wide = spot.facing * motion.wide * spot.width * shape.width / 2
    tall = motion.tall * spot.height * shape.height / 2
    upright = turn(-motion.angle) @ shift(-x, -y)
    return shift(0 * x, 0 * x + 1 - 2 * motion.anchor) @ scale(1 / wide, 1 / tall) @ upright


def drifted(maps: Maps, drift: Drift | None, times: np.ndarray, shape: VideoShape) -> Maps:
    """Return the maps from the screen to a layer that moves by itself; halfway through the clip clouds are at home."""
    if drift is None:
        return maps
    x, y = (drift.offset(times) - [drift.speed * (times[0] + times[-1]) / 2, 0]).T * shape.height
    return shift(-x, -y) @ maps


def mirror_at(floor: float, shape: VideoShape) -> Maps:
    """Return the map that turns the world upside down about the height of a toy's feet."""
    return shift(0.0, 2 * (floor - 0.5) * shape.height) @ scale(1.0, -1.0)


def shadow_map(
    motion: Motion, spot: Spot, light: Light, shape: VideoShape
) -> tuple[Maps, Float32[np.ndarray, " frames"]]:
    """Return the maps from the world to a shadow of radius 1, and how dark it is: paler under a leap."""
    if motion.lift is None:
        return scale(np.ones_like(motion.x), 1.0), np.zeros(len(motion.x), np.float32)
    high = np.clip(motion.lift, 0, 0.6)
    wide = np.abs(motion.wide) * spot.width * (0.52 + 0.4 * high)
    flat = 0.085 * motion.tall * spot.height + 0.012
    x = motion.x + light.direction * (0.16 * wide + 0.5 * high)
    y = spot.floor - 0.25 * flat
    to_shadow = scale(1 / (wide * shape.width), 1 / (flat * shape.height))
    to_shadow = to_shadow @ shift((0.5 - x) * shape.width, (0.5 - y) * shape.height)
    return to_shadow, (SHADOW / (1 + 5 * high)).astype(np.float32)


def to_bytes(pictures: Tensor) -> Tensor:
    """Return values 0..1 as bytes."""
    return pictures.clamp(0, 1).mul(255).add(0.5).to(torch.uint8)

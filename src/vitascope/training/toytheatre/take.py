"""A take: a scene and a seed, and everything that follows from the two before a pixel is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from vitascope.camera.path import scene_camera
from vitascope.toybox.language.instructions import addition, change_of, removal, replacement
from vitascope.toybox.motion.trajectory import CROSSING
from vitascope.toybox.scene import STYLES, Scene, seasons_of, sets_of, times_of, weathers_of
from vitascope.toybox.world import FULL, World, cast, is_held_out, sample_scene
from vitascope.training.toytheatre.filming import Filmed, film, sample_moves
from vitascope.training.toytheatre.truth import SoundEvent
from vitascope.training.toytheatre.weather import flash_times
from vitascope.types import CameraMove, VideoShape

AMBIENCE = {
    "garden": "birds", "meadow": "wind", "forest": "birds", "beach": "waves", "underwater": "bubbles",
    "desert": "wind", "snow": "wind", "city": "traffic", "space": "hum", "room": "clock", "stage": "crowd",
    "farm": "birds", "mountains": "wind", "castle": "birds", "sea": "waves", "lake": "birds", "rink": "wind",
    "street": "traffic", "road": "traffic", "playground": "birds", "kitchen": "clock", "table": "clock",
}  # fmt: skip
"""What a set sounds like, all through the clip."""
WEATHER_SOUNDS = {"rain": "rain", "storm": "rain", "snow": "wind", "wind": "wind", "sparkles": "chime"}
"""What a weather sounds like, all through the clip; lightning is followed by thunder."""


@dataclass(frozen=True)
class Role:
    """One subject of a take: whose page it shows, what it does, and the seed of its own place, size and way.

    It stands `offset` picture widths further right than its action alone would put it, `scale` times as large.
    Where they are not None, `facing` is which way it looks, `floor` where it stands between the far (0) and the
    near end (1) of the ground, and `pace` the seed of its action in place of its own.
    """

    subject: str
    action: str
    seed: int
    offset: float = 0.0
    scale: float = 1.0
    facing: str | None = None
    floor: float | None = None
    pace: int | None = None


@dataclass(frozen=True)
class Take:
    """A scene filmed once: the same scene and seed always give the same clip.

    The seed alone decides the layout (places, sizes, speeds, the set's variant), so takes that differ only in
    time, season, weather or style are the same clip otherwise. `facing` overrides which way the toy looks,
    `route` where it goes: places (x, y) of its middle, passed at equal intervals. An `empty` take has no toy.
    `moves` are the camera's where it makes others than its scene's label says; it keeps `follow` of the toy's way
    beside it (0 none, 1 all). The clip begins `begin` seconds after the action has.
    `others` are further subjects; the scene's own has `offset`, `scale` and `floor` as in `Role`, and is `carried` by
    the first of them where it rides.
    """

    scene: Scene
    seed: int
    facing: str | None = None
    route: tuple[tuple[float, float], ...] = ()
    empty: bool = False
    moves: tuple[CameraMove, ...] | None = None
    follow: float = 0.0
    begin: float = 0.0
    others: tuple[Role, ...] = ()
    offset: float = 0.0
    scale: float = 1.0
    floor: float | None = None
    carried: bool = False

    @property
    def roles(self) -> tuple[Role, ...]:
        """The scene's own subject, and after it the others; nobody in an empty take."""
        if self.empty:
            return ()
        return (self.lead, *self.others)

    @property
    def lead(self) -> Role:
        """The scene's own subject."""
        scene = self.scene
        return Role(scene.subject, scene.action, self.seed, self.offset, self.scale, self.facing, self.floor)


@dataclass(frozen=True)
class Layout:
    """What a take's seed decides: numbers in 0..1, `facing` (-1 or 1), and the seed of the weather.

    `strength` is how far the camera goes, as a share of an ordinary move: what words ask for (0.6 to 1.4).
    """

    variant: float
    facing: int
    depth: float
    size: float
    light: float
    chance: tuple[float, ...]
    strength: float
    seed: int


def layout(take: Take) -> Layout:
    """Return what follows from a take's seed. The draws never depend on the scene."""
    rng = np.random.Generator(np.random.Philox(key=take.seed))
    draws = rng.random(16)
    facing = 1 if draws[1] < 0.5 else -1
    if take.facing is not None:
        facing = 1 if take.facing == "right" else -1
    elif take.scene.action in CROSSING and take.scene.camera.startswith("pan-"):
        facing = 1 if take.scene.camera == "pan-right" else -1
    chance = tuple(float(x) for x in draws[5:13])
    strength = 0.6 + 0.8 * float(draws[13])
    return Layout(
        float(draws[0]),
        facing,
        float(draws[2]),
        float(draws[3]),
        float(draws[4]),
        chance,
        strength,
        take.seed,
    )


def frame_times(shape: VideoShape) -> Float64[np.ndarray, " frames"]:
    """Return the second at which each frame is shown."""
    return np.arange(shape.num_frames) / shape.fps


def told_camera(take: Take, shape: VideoShape) -> Float32[np.ndarray, "frames 4"]:
    """Return the camera path of a take: all 0 in the first frame or at rest. What is filmed is `centred`."""
    return film_take(take, shape).path


def film_take(
    take: Take, shape: VideoShape, followed: Float64[np.ndarray, " frames"] | None = None
) -> Filmed:
    """Return how a take is filmed; `followed` is where its toy goes (picture widths), for a camera that follows."""
    moves = take.moves
    if moves is None:
        moves = scene_camera(take.scene.camera, layout(take).strength)
    way = take.follow * followed if followed is not None and take.follow else None
    return film(moves, frame_times(shape), way)


def ambience(scene: Scene) -> tuple[SoundEvent, ...]:
    """Return the sounds that last all through a clip."""
    weather = WEATHER_SOUNDS.get(scene.weather)
    kinds = dict.fromkeys([AMBIENCE[scene.set]] + ([weather] if weather else []))
    return tuple(SoundEvent(kind, 0.0) for kind in kinds)


def thunder(take: Take, seconds: float) -> tuple[SoundEvent, ...]:
    """Return the thunder of a take: half a second after each flash of lightning."""
    if take.scene.weather != "storm":
        return ()
    claps = (strike + 0.5 for strike in flash_times(take.seed, seconds))
    return tuple(SoundEvent("thunder", round(clap, 4)) for clap in claps if clap < seconds)


def sample_take(rng: np.random.Generator, world: World = FULL, held_out: bool = False) -> Take:
    """Draw a sensible scene of a world and a seed for it; see `sample_scene`."""
    return Take(sample_scene(rng, world, held_out), int(rng.integers(2**62)))


FOLLOWED = 0.25
"""Share of freely filmed takes of a toy that goes somewhere in which the camera follows it."""


def filmed_freely(rng: np.random.Generator, take: Take, seconds: float) -> Take:
    """Return a take as somebody would film it who is already there: begun anywhere, with any moves of the camera.

    What happens once (a fall, growing) begins with the clip, or nearly.
    """
    once = take.scene.action in ("fall", "grow")
    begin = float(rng.uniform(0, 0.15 if once else 2 * seconds))
    moves = sample_moves(rng, take.scene.set)
    goes = take.scene.action in CROSSING and not take.route
    if goes and rng.random() < FOLLOWED:
        moves = tuple(move for move in moves if move.kind not in ("pan", "truck", "orbit"))
        return replace(take, begin=begin, moves=moves, follow=float(rng.uniform(0.6, 1.0)))
    return replace(take, begin=begin, moves=moves)


COUNTS = (0.55, 0.3, 0.15)
"""How often a take of an open cast has one, two and three subjects."""
OFTEN = {"day": 1.5, "clear": 3.0, "clay": 1.5, "static": 2.0, "garden": 2.0}
"""Labels of such takes that are drawn more often than their neighbours (weight 1)."""
SPREAD = 0.3
"""How far from the middle, in picture widths, the subjects of such a take may stand."""
SCALES = (0.45, 1.25)
"""Sizes of the subjects of such a take, against their usual one."""


def sample_open_take(rng: np.random.Generator, world: World, pages: Sequence[str]) -> Take:
    """Draw a take that shows any of the `pages` doing anything: one to three of them, anywhere and of any size.

    Who does what is left to chance, so that looks are learned apart from motion.
    """
    count = 1 + int(rng.choice(len(COUNTS), p=COUNTS))
    subjects = [pages[int(i)] for i in rng.integers(len(pages), size=count)]
    place = _drawn(rng, world.sets, world.sets)
    actions = [action for action in world.actions if place in sets_of(action)]
    season = _drawn(rng, seasons_of(place), world.seasons)
    scene = Scene(
        subjects[0],
        str(rng.choice(actions)),
        place,
        season,
        _drawn(rng, times_of(place), world.times),
        _drawn(rng, weathers_of(place, season), world.weathers),
        _drawn(rng, world.styles, world.styles),
        _drawn(rng, world.cameras, world.cameras),
    )
    spread = SPREAD if count > 1 else SPREAD / 2
    offsets = rng.uniform(-spread, spread, count) * (rng.random() < 0.8)
    least, most = (float(value) for value in np.log(SCALES))
    scales = np.exp(rng.uniform(least, most, count)) if rng.random() < 0.6 else np.ones(count)
    others = tuple(
        Role(name, str(rng.choice(actions)), int(rng.integers(2**62)), float(offset), float(scale))
        for name, offset, scale in zip(subjects[1:], offsets[1:], scales[1:], strict=True)
    )
    seed = int(rng.integers(2**62))
    return Take(scene, seed, others=others, offset=float(offsets[0]), scale=float(scales[0]))


def _drawn(rng: np.random.Generator, possible: Sequence[str], known: Sequence[str]) -> str:
    """Draw one of the possible labels that are known, common ones more often; the first if none is."""
    labels = [label for label in possible if label in known] or list(possible[:1])
    weights = np.array([OFTEN.get(label, 1.0) for label in labels])
    return labels[int(rng.choice(len(labels), p=weights / weights.sum()))]


Change = tuple[Scene, str]


def _other_time(scene: Scene, world: World) -> list[Change]:
    return [
        (replace(scene, time=time), change_of("time", time))
        for time in times_of(scene.set)
        if time in world.times and time != scene.time
    ]


def _other_season(scene: Scene, world: World) -> list[Change]:
    return [
        (replace(scene, season=season), change_of("season", season))
        for season in seasons_of(scene.set)
        if season in world.seasons
        and season != scene.season
        and scene.weather in weathers_of(scene.set, season)
    ]


def _other_weather(scene: Scene, world: World) -> list[Change]:
    return [
        (replace(scene, weather=weather), change_of("weather", weather))
        for weather in weathers_of(scene.set, scene.season)
        if weather in world.weathers and weather != scene.weather
    ]


def _other_style(scene: Scene, world: World) -> list[Change]:
    return [
        (replace(scene, style=style), change_of("style", style))
        for style in STYLES
        if style in world.styles and style != scene.style
    ]


def _other_set(scene: Scene, world: World) -> list[Change]:
    possible = set(cast()[scene.subject].sets) & set(sets_of(scene.action)) & set(world.sets) - {scene.set}
    fits = [
        replace(scene, set=name)
        for name in sorted(possible)
        if scene.time in times_of(name)
        and scene.season in seasons_of(name)
        and scene.weather in weathers_of(name, scene.season)
    ]
    return [(new, change_of("set", new.set)) for new in fits if not is_held_out(new)]


def _other_subject(scene: Scene, world: World) -> list[Change]:
    fits = [
        cast()[name]
        for name in world.subjects
        if name != scene.subject and scene.action in cast()[name].actions and scene.set in cast()[name].sets
    ]
    changes = [(replace(scene, subject=new.id), replacement(scene.subject, new.id)) for new in fits]
    return [change for change in changes if not is_held_out(change[0])]


def sample_route(rng: np.random.Generator, world: World = FULL) -> Take:
    """Draw a take under a camera that stands still, whose toy goes along a route of its own."""
    take = sample_take(rng, world)
    count = int(rng.integers(2, 5))
    places = rng.uniform((0.15, 0.35), (0.85, 0.75), (count, 2))
    route = tuple((float(x), float(y)) for x, y in places)
    facing = "right" if route[-1][0] > route[0][0] else "left"
    return replace(take, scene=replace(take.scene, camera="static"), route=route, facing=facing)


CHANGES: tuple[Callable[[Scene, World], list[Change]], ...] = (
    _other_time, _other_season, _other_weather, _other_style, _other_set, _other_subject,
)  # fmt: skip


EMPTIED = 0.12
"""Share of edits that take the toy away."""


def edit_pair(rng: np.random.Generator, take: Take, world: World = FULL) -> tuple[Take, str]:
    """Return the same take with one thing changed, and the instruction that asks for the change.

    The take of a toy may also lose it, and an empty take get it. Raises ValueError if the world holds nothing that
    could be changed.
    """
    if take.empty:
        return replace(take, empty=False), addition(take.scene.subject)
    if rng.random() < EMPTIED:
        return replace(take, empty=True), removal(take.scene.subject)
    kinds = [changes for change in CHANGES if (changes := change(take.scene, world))]
    if not kinds:
        raise ValueError(f"nothing to change about {take.scene} in this world")
    changes = kinds[rng.integers(len(kinds))]
    scene, instruction = changes[rng.integers(len(changes))]
    return replace(take, scene=scene), instruction

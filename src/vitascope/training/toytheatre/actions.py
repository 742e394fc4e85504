"""How a toy moves: one plain function per action, from the times of the frames to a motion.

Lengths across are in picture widths, lengths up and down in picture heights, angles in radians (+ clockwise
on screen), times in seconds. Adding an action? Copy `walk`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from vitascope.training.toytheatre.truth import SoundEvent

GRAVITY = 2.6
"""Picture heights per second squared: a toy's world is small, so things fall slowly enough to be seen."""

Line = Float64[np.ndarray, " frames"]


@dataclass(frozen=True)
class Spot:
    """What an action must know about its toy: where it stands, how big it is, which way it faces (+1 right).

    `floor` is the height of its feet on the picture, 0 at the top; `width` and `height` are its size;
    `chance` is eight uniform numbers that vary an action a little; `aspect` is picture width / picture
    height. `kind` is one of `toybox/cast` ("" for the earlier cast, which all moves alike), `still` says that its
    picture never changes, and `medium` is what is around it: `air`, `water`, `surface` (it floats on water) or `space`.
    """

    floor: float
    width: float
    height: float
    facing: int
    chance: tuple[float, ...]
    aspect: float
    seconds: float
    kind: str = ""
    still: bool = False
    medium: str = "air"

    def vary(self, index: int, low: float, high: float) -> float:
        """Return the spot's own number between `low` and `high`."""
        return low + (high - low) * self.chance[index]


@dataclass(frozen=True)
class Motion:
    """Where the toy is in each frame.

    `x`, `y` is where its anchor is on the picture (`anchor` 0 = feet, 0.5 = middle of the body); `wide` and
    `tall` stretch it (a negative `wide` shows it mirrored); `angle` turns it about the anchor; `loop` is how
    many turns of its own animation have passed; `lift` is its height over the ground in picture heights, or
    None where it casts no shadow.
    """

    x: Line
    y: Line
    wide: Line
    tall: Line
    angle: Line
    loop: Line
    lift: Line | None
    anchor: float = 0.0
    events: tuple[SoundEvent, ...] = ()


def at_rest(t: Line, spot: Spot) -> Motion:
    """Return a toy that stands still, near the middle: what most actions start from."""
    zero = np.zeros_like(t)
    x = zero + 0.5 + spot.vary(0, -0.08, 0.08)
    return Motion(x, zero + spot.floor, zero + 1, zero + 1, zero, zero, zero)


def across(t: Line, spot: Spot, way: float) -> Line:
    """Return a steady path of length `way` across the picture, in the middle at half time or nearly."""
    return 0.5 + spot.vary(0, -0.04, 0.04) + spot.facing * way * (t / spot.seconds - 0.5)


def beats(rate: float, seconds: float, first: float = 0.0) -> list[float]:
    """Return the times of a regular beat within a clip."""
    return [float(s) for s in np.arange(first, seconds, 1 / rate)]


def heard(kind: str, times: list[float]) -> tuple[SoundEvent, ...]:
    """Return one sound event per time."""
    return tuple(SoundEvent(kind, round(s, 4)) for s in times)


def stand(t: Line, spot: Spot) -> Motion:
    """Stand still: not even the toy's own animation plays."""
    return at_rest(t, spot)


def walk(t: Line, spot: Spot) -> Motion:
    """Walk a third of the picture: two steps a second, a slight waddle."""
    steps = 2.0
    hop = np.abs(np.sin(np.pi * steps * t))
    lift = 0.05 * spot.height * hop
    return replace(
        at_rest(t, spot),
        x=across(t, spot, spot.vary(1, 0.29, 0.35)),
        y=spot.floor - lift,
        angle=0.05 * np.sin(np.pi * steps * t),
        loop=0.6 * t,
        lift=lift,
        events=heard("step", beats(steps, spot.seconds)),
    )


def run(t: Line, spot: Spot) -> Motion:
    """Run nearly all across the picture, leaning forward, in low leaps."""
    strides = 2.8
    leap = np.abs(np.sin(np.pi * strides * t))
    lift = 0.17 * spot.height * leap
    return replace(
        at_rest(t, spot),
        x=across(t, spot, spot.vary(1, 0.68, 0.74)),
        y=spot.floor - lift,
        wide=1 + 0.05 * leap,
        angle=spot.facing * 0.13 + 0.04 * np.sin(2 * np.pi * strides * t),
        loop=1.3 * t,
        lift=lift,
        events=heard("step", beats(strides, spot.seconds)),
    )


def jump(t: Line, spot: Spot) -> Motion:
    """Jump in place: crouch, a parabola, a squashed landing, again and again."""
    crouch, air = 0.3, 0.72
    cycle = crouch + air
    phase = (t + spot.vary(1, 0.0, 0.12)) % cycle
    s = np.clip((phase - crouch) / air, 0, 1)
    height = spot.vary(2, 0.26, 0.32)
    lift = 4 * height * s * (1 - s)
    squash = np.where(phase < crouch, 0.26 * np.sin(np.pi * phase / crouch), 0.0)
    stretch = np.where(phase >= crouch, 0.14 * np.abs(1 - 2 * s), 0.0)
    tall = 1 - squash + stretch
    starts = np.arange(0, spot.seconds + cycle, cycle) - spot.vary(1, 0.0, 0.12)
    return replace(
        at_rest(t, spot),
        y=spot.floor - lift,
        wide=1 / np.sqrt(tall),
        tall=tall,
        lift=lift,
        events=heard("jump", [s + crouch for s in starts if 0 <= s + crouch < spot.seconds])
        + heard("land", [s for s in starts if 0 < s < spot.seconds]),
    )


def spin(t: Line, spot: Spot) -> Motion:
    """Turn about the upright axis, once in 1.3 s, as a flat toy on a turntable does."""
    turn = np.cos(2 * np.pi * (t / 1.3 + spot.vary(1, -0.06, 0.06)))
    return replace(
        at_rest(t, spot),
        wide=np.sign(turn + 1e-9) * np.maximum(np.abs(turn), 0.1),
        events=heard("whoosh", beats(1 / 1.3, spot.seconds, 0.3)),
    )


def dance(t: Line, spot: Spot) -> Motion:
    """Sway about the feet by 18 degrees, with a hop at each side."""
    sway = 2 * np.pi * 1.15 * (t + spot.vary(1, 0.0, 0.4))
    lift = 0.16 * spot.height * np.abs(np.sin(sway))
    rest = at_rest(t, spot)
    return replace(
        rest,
        x=rest.x + 0.04 * np.sin(sway),
        y=spot.floor - lift,
        angle=np.radians(18) * np.sin(sway),
        loop=0.8 * t,
        lift=lift,
        events=heard("step", beats(2 * 1.15, spot.seconds)),
    )


def grow(t: Line, spot: Spot) -> Motion:
    """Grow from less than half to more than full size."""
    s = np.clip(t / spot.seconds, 0, 1)
    size = 0.45 + 0.8 * s * s * (3 - 2 * s)
    return replace(at_rest(t, spot), wide=size, tall=size, events=heard("rise", [0.0]))


def fly(t: Line, spot: Spot) -> Motion:
    """Fly across high above the ground on a rising and sinking path, nose along it."""
    way, swing, turns = spot.vary(1, 0.46, 0.56), 0.06, 1.1
    phase = 2 * np.pi * (turns * t / spot.seconds + spot.vary(2, 0.0, 1.0))
    y = 0.34 + spot.vary(3, -0.03, 0.03) - swing * np.sin(phase)
    slope = -swing * np.cos(phase) * 2 * np.pi * turns / (way * spot.aspect)
    return replace(
        at_rest(t, spot),
        x=across(t, spot, way),
        y=y,
        angle=0.55 * spot.facing * np.arctan(slope),
        loop=1.2 * t,
        lift=None,
        anchor=0.5,
        events=heard("flap", beats(2.4, spot.seconds)),
    )


def swim(t: Line, spot: Spot) -> Motion:
    """Swim across the middle on a wave, nose along it."""
    way, swing, turns = spot.vary(1, 0.40, 0.48), 0.055, 1.3
    phase = 2 * np.pi * (turns * t / spot.seconds + spot.vary(2, 0.0, 1.0))
    y = 0.5 + spot.vary(3, -0.06, 0.06) - swing * np.sin(phase)
    slope = -swing * np.cos(phase) * 2 * np.pi * turns / (way * spot.aspect)
    return replace(
        at_rest(t, spot),
        x=across(t, spot, way),
        y=y,
        wide=1 + 0.05 * np.sin(2 * np.pi * 2.2 * t),
        angle=0.7 * spot.facing * np.arctan(slope),
        loop=t,
        lift=None,
        anchor=0.5,
        events=heard("swish", beats(1.6, spot.seconds)),
    )


def drive(t: Line, spot: Spot) -> Motion:
    """Drive across at one speed over small bumps."""
    bump = 0.012 * np.abs(np.sin(2 * np.pi * 1.7 * t + 6 * spot.chance[2]))
    return replace(
        at_rest(t, spot),
        x=across(t, spot, spot.vary(1, 0.48, 0.56)),
        y=spot.floor - bump,
        angle=0.02 * np.sin(2 * np.pi * 1.7 * t),
        loop=1.1 * t,
        lift=bump,
        events=heard("engine", [0.0]),
    )


def fall(t: Line, spot: Spot) -> Motion:
    """Drop in from the top, squash, rebound once and lie still."""
    height = max(spot.floor - 0.55 * spot.height, 0.4)
    start = spot.vary(1, 0.0, 0.15)
    down = np.sqrt(2 * height / GRAVITY)
    bounce = 0.11
    up = np.sqrt(2 * bounce / GRAVITY)
    since = t - start
    falling = height - 0.5 * GRAVITY * np.clip(since, 0, None) ** 2
    s = since - down
    rebound = np.sqrt(2 * GRAVITY * bounce) * s - 0.5 * GRAVITY * s**2
    lift = np.where(since < down, falling, np.where(s < 2 * up, np.maximum(rebound, 0.0), 0.0))
    hits = (start + down, start + down + 2 * up)
    squash = sum(
        depth * np.exp(-(((t - hit) / 0.08) ** 2)) for hit, depth in zip(hits, (0.3, 0.12), strict=True)
    )
    stretch = np.where((since > 0.2) & (since < down - 0.1), 0.1, 0.0)
    tall = 1 - squash + stretch
    return replace(
        at_rest(t, spot),
        y=spot.floor - lift,
        wide=1 / np.sqrt(tall),
        tall=tall,
        lift=lift,
        events=heard("bounce", [hit for hit in hits if hit < spot.seconds]),
    )


def roll(t: Line, spot: Spot) -> Motion:
    """Roll across without slipping: the angle is the way over the radius."""
    x = across(t, spot, spot.vary(1, 0.54, 0.62))
    return replace(
        at_rest(t, spot),
        x=x,
        y=np.zeros_like(t) + spot.floor - spot.height / 2,
        angle=(x - x[0]) * spot.aspect / (spot.height / 2) + 6 * spot.chance[2],
        anchor=0.5,
        events=heard("roll", [0.0]),
    )


def squashed(motion: Motion, tall: Line) -> Motion:
    """Return a motion whose toy is also pressed flat or drawn out, at the same volume."""
    return replace(motion, wide=motion.wide / np.sqrt(tall), tall=motion.tall * tall)


def hops(t: Line, rate: float, height: float, air: float = 0.72) -> tuple[Line, Line]:
    """Return how high a toy is that hops so often a second, and how tall it is: flat on the ground, long in the air.

    `air` is the share of each hop in the air, a parabola; the rest it crouches.
    """
    phase = (t * rate) % 1.0
    s = np.clip(phase / air, 0, 1)
    lift = 4 * height * s * (1 - s)
    crouch = np.where(phase > air, np.sin(np.pi * (phase - air) / (1 - air)), 0.0)
    return lift, 1 - 0.20 * crouch + 0.10 * np.where(phase <= air, np.abs(1 - 2 * s), 0.0)


def hop(t: Line, spot: Spot) -> Motion:
    """Hop across in small jumps, nose up on the way up and down on the way down."""
    rate = 2.0
    lift, tall = hops(t, rate, 0.26 * spot.height)
    phase = np.clip((t * rate) % 1.0 / 0.72, 0, 1)
    motion = replace(
        at_rest(t, spot),
        x=across(t, spot, spot.vary(1, 0.34, 0.42)),
        y=spot.floor - lift,
        angle=spot.facing * 0.14 * (2 * phase - 1) * (phase < 1),
        loop=0.9 * t,
        lift=lift,
        events=heard("land", beats(rate, spot.seconds, 0.72 / rate)),
    )
    return squashed(motion, tall)


def bounce(t: Line, spot: Spot) -> Motion:
    """Bounce on the spot as a rubber ball does: parabolas, pressed flat for a moment at each touch."""
    height = spot.vary(2, 0.20, 0.27)
    period = 2 * np.sqrt(2 * height / GRAVITY)
    first = spot.vary(1, 0.0, 1.0) * period
    since = (t + first) % period
    lift = np.maximum(np.sqrt(2 * GRAVITY * height) * since - 0.5 * GRAVITY * since**2, 0.0)
    touch = np.minimum(since, period - since)
    speed = np.abs(since / period - 0.5) * 2
    tall = 1 - 0.30 * np.exp(-((touch / 0.055) ** 2)) + 0.10 * speed * (touch > 0.08)
    motion = replace(
        at_rest(t, spot),
        y=spot.floor - lift,
        loop=0.7 * t,
        lift=lift,
        events=heard("bounce", beats(1 / period, spot.seconds, (period - first) % period)),
    )
    return squashed(motion, tall)


def float_(t: Line, spot: Spot) -> Motion:
    """Float above the ground, up and down and a little to the sides; on water, rock with the waves."""
    phase = 2 * np.pi * spot.chance[1]
    if spot.medium == "surface":
        wave = 2 * np.pi * 0.45 * t + phase
        return replace(
            at_rest(t, spot),
            x=0.5 + spot.vary(0, -0.08, 0.08) + 0.02 * np.sin(0.6 * wave),
            y=spot.floor + 0.10 * spot.height + 0.018 * np.sin(wave),
            angle=0.085 * np.cos(wave),
            loop=0.5 * t,
            lift=np.zeros_like(t),
            events=heard("splash", beats(0.45, spot.seconds, 0.4)),
        )
    slow = 2 * np.pi * 0.38 * t + phase
    middle = spot.floor - spot.height / 2 - spot.vary(2, 0.12, 0.2)
    y = middle - 0.045 * np.sin(slow)
    turns = 0.45 * (t - spot.seconds / 2) * spot.facing if spot.medium == "space" else 0.0
    return replace(
        at_rest(t, spot),
        x=0.5 + spot.vary(0, -0.08, 0.08) + 0.05 * np.sin(0.55 * slow),
        y=y,
        angle=0.09 * np.sin(0.8 * slow) + turns,
        loop=0.6 * t,
        lift=None if spot.medium in ("water", "space") else spot.floor - spot.height / 2 - y,
        anchor=0.5,
        events=heard("whoosh", [0.0]),
    )


def swing(t: Line, spot: Spot) -> Motion:
    """Swing like a pendulum on a rope that leaves the picture above."""
    rope = 0.62
    rate = np.sqrt(GRAVITY / rope) / (2 * np.pi) * 1.25
    angle = np.radians(24) * np.cos(2 * np.pi * (rate * t + spot.chance[1]))
    pivot = spot.floor - spot.height / 2 - 0.08 - rope
    y = pivot + rope * np.cos(angle)
    first = (0.25 - spot.chance[1]) % 0.5 / rate
    return replace(
        at_rest(t, spot),
        x=0.5 + spot.vary(0, -0.06, 0.06) + rope * np.sin(angle) / spot.aspect,
        y=y,
        angle=-angle,
        loop=0.6 * t,
        lift=spot.floor - spot.height / 2 - y,
        anchor=0.5,
        events=heard("whoosh", beats(2 * rate, spot.seconds, first)),
    )


def wave(t: Line, spot: Spot) -> Motion:
    """Greet: lean to one side and wag about the feet, with a little hop at each end."""
    wag = 2 * np.pi * 1.9 * t
    lift, tall = hops(t, 0.95, 0.05 * spot.height, 0.4)
    motion = replace(
        at_rest(t, spot),
        y=spot.floor - lift,
        angle=0.10 * np.sin(0.25 * wag) + 0.12 * np.sin(wag),
        loop=1.1 * t,
        lift=lift,
        events=heard("swish", beats(1.9, spot.seconds)),
    )
    return squashed(motion, 1 + 0.4 * (tall - 1))


def sleep(t: Line, spot: Spot) -> Motion:
    """Sleep: sunk down, breathing slowly, head heavy to one side; what moves of itself stands still."""
    breath = 0.5 - 0.5 * np.cos(2 * np.pi * (0.42 * t + spot.chance[1]))
    motion = replace(
        at_rest(t, spot),
        angle=spot.facing * (0.10 + 0.025 * breath),
        events=heard("breath", beats(0.42, spot.seconds, 0.3)),
    )
    return squashed(motion, 0.84 + 0.055 * breath)


def eat(t: Line, spot: Spot) -> Motion:
    """Eat: dip forward to the food, bite, come up and chew."""
    rate = 0.75
    phase = (rate * t + 0.3 * spot.chance[1]) % 1.0
    dip = np.where(phase < 0.45, np.sin(np.pi * phase / 0.45), 0.0)
    chew = np.where(phase >= 0.45, np.sin(2 * np.pi * 5.0 * (phase - 0.45)), 0.0)
    first = (0.22 - 0.3 * spot.chance[1]) % 1.0 / rate
    motion = replace(
        at_rest(t, spot),
        angle=spot.facing * 0.30 * dip,
        loop=0.3 * t,
        events=heard("bite", beats(rate, spot.seconds, first)),
    )
    return squashed(motion, 1 - 0.05 * dip + 0.035 * chew)


def orbit(t: Line, spot: Spot) -> Motion:
    """Go round and round the middle of the picture in the air: bigger in front, smaller behind, nose ahead."""
    angle = 2 * np.pi * (0.36 * t + spot.chance[1]) * spot.facing
    near = np.sin(angle)
    ahead = -np.sin(angle) * spot.facing
    size = 0.86 + 0.22 * near
    turned = np.clip(3.5 * -ahead, -1, 1)
    wide = np.sign(turned + 1e-9) * np.maximum(np.abs(turned), 0.18)
    return replace(
        at_rest(t, spot),
        x=0.5 + 0.27 * np.cos(angle),
        y=0.44 + 0.13 * near + spot.vary(3, -0.02, 0.02),
        wide=-wide * size,
        tall=size,
        angle=0.10 * np.cos(angle) * spot.facing,
        loop=1.1 * t,
        lift=None,
        anchor=0.5,
        events=heard("whoosh", beats(0.36, spot.seconds, 0.3)),
    )


ACTIONS: dict[str, Callable[[Line, Spot], Motion]] = {
    "stand": stand, "walk": walk, "run": run, "jump": jump, "spin": spin, "dance": dance,
    "grow": grow, "fly": fly, "swim": swim, "drive": drive, "fall": fall, "roll": roll,
    "hop": hop, "bounce": bounce, "float": float_, "swing": swing,
    "wave": wave, "sleep": sleep, "eat": eat, "orbit": orbit,
}  # fmt: skip

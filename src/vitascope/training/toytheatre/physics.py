"""How each kind moves: the actions of `actions.py`, as a bird, a car, a house or a still picture would do them.

Stills have no legs that move: they walk by hopping, drive by rocking on their wheels and dance by being squashed.
Adding a way? Write a function like those of `actions.py` and name it in `WAYS`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vitascope.toybox.motion.trajectory import CROSSING
from vitascope.training.toytheatre.actions import (
    ACTIONS,
    GRAVITY,
    Line,
    Motion,
    Spot,
    across,
    at_rest,
    beats,
    heard,
    hops,
    roll,
    squashed,
)
from vitascope.training.toytheatre.truth import SoundEvent

HEAVY = ("building", "vehicle", "boat", "aircraft")
"""Kinds that jump low and land hard."""
LEGLESS = ("thing", "face", "plant", "building", "vehicle", "boat", "swimmer")
"""Kinds that hop even where their picture moves."""

LASTING = ("engine", "roll", "whoosh", "rustle")
"""Sounds that begin with the clip because they never cease."""


def act(action: str, t: Line, spot: Spot) -> Motion:
    """Return the motion of an action as the spot's kind does it; without a kind, as `ACTIONS` has it.

    Raises KeyError for an unknown action.
    """
    way = WAYS.get(action) if spot.kind else None
    return way(t, spot) if way is not None else ACTIONS[action](t, spot)


def perform(action: str, t: Line, spot: Spot, begin: float = 0.0) -> Motion:
    """Return the motion of an action that began `begin` seconds before the clip: its way leads through the middle.

    `t` are the times of the frames; events are those within the clip, counted from its first frame.
    """
    if not begin:
        return act(action, t, spot)
    motion = act(action, t + begin, spot)
    lasting = [event for event in motion.events if event.seconds == 0.0]
    later = act(action, t + begin, replace(spot, seconds=spot.seconds + begin)).events
    heard_now = [
        SoundEvent(event.kind, round(event.seconds - begin, 4))
        for event in later
        if begin <= event.seconds < begin + spot.seconds
    ]
    events = tuple(event for event in lasting if event.kind in LASTING) + tuple(heard_now)
    x = motion.x
    if action in CROSSING:
        x = x - (x[0] + x[-1]) / 2 + 0.5 + spot.vary(0, -0.1, 0.1)
    return replace(motion, x=x, events=events)


def hopping(t: Line, spot: Spot, way: float, rate: float, height: float, lean: float) -> Motion:
    """Go `way` in hops, leaning forward, pressed flat at each landing."""
    lift, tall = hops(t, rate, height * spot.height)
    phase = np.clip((t * rate) % 1.0 / 0.72, 0, 1)
    motion = replace(
        at_rest(t, spot),
        x=across(t, spot, way),
        y=spot.floor - lift,
        angle=spot.facing * (lean + 0.10 * (2 * phase - 1) * (phase < 1)),
        loop=0.8 * t,
        lift=lift,
        events=heard("land", beats(rate, spot.seconds, 0.72 / rate)),
    )
    return squashed(motion, tall)


def walk(t: Line, spot: Spot) -> Motion:
    """Walk: legs that move walk, a bird waddles, the rest hops; houses heavily."""
    if spot.kind == "building":
        return hopping(t, spot, spot.vary(1, 0.18, 0.24), 1.4, 0.07, 0.0)
    if spot.still or spot.kind in LEGLESS:
        return hopping(t, spot, spot.vary(1, 0.28, 0.34), 2.0, 0.13, 0.03)
    motion = ACTIONS["walk"](t, spot)
    if spot.kind == "bird":
        return replace(motion, angle=0.11 * np.sin(2 * np.pi * t), loop=0.4 * t)
    return motion


def run(t: Line, spot: Spot) -> Motion:
    """Run: what has no legs that move goes in long, flat hops."""
    if spot.still or spot.kind in LEGLESS:
        return hopping(t, spot, spot.vary(1, 0.64, 0.72), 2.8, 0.20, 0.13)
    return ACTIONS["run"](t, spot)


def jump(t: Line, spot: Spot) -> Motion:
    """Jump: heavy kinds lower, and they sag as they land."""
    motion = ACTIONS["jump"](t, spot)
    if spot.kind in HEAVY and motion.lift is not None:
        lift = 0.5 * motion.lift
        return replace(motion, y=spot.floor - lift, lift=lift)
    return motion


def dance(t: Line, spot: Spot) -> Motion:
    """Dance: stills and what has no legs are squashed to the beat and sway; animals and people as they do."""
    if not (spot.still or spot.kind in LEGLESS):
        return ACTIONS["dance"](t, spot)
    beat = 2.3
    phase = 2 * np.pi * beat * t
    sway = np.sin(phase / 2 + 2 * np.pi * spot.chance[1])
    rest = at_rest(t, spot)
    lift = 0.07 * spot.height * np.maximum(np.sin(phase), 0) * (0.4 if spot.kind in HEAVY else 1.0)
    motion = replace(
        rest,
        x=rest.x + 0.025 * sway,
        y=spot.floor - lift,
        angle=np.radians(6 if spot.kind in HEAVY else 13) * sway,
        loop=0.8 * t,
        lift=lift,
        events=heard("step", beats(beat, spot.seconds)),
    )
    return squashed(motion, 1 + (0.07 if spot.kind in HEAVY else 0.13) * np.sin(phase))


def drive(t: Line, spot: Spot) -> Motion:
    """Drive: wheels rumble over the ground; what has none slides along and rocks."""
    if spot.medium == "surface":
        return sail(t, spot)
    motion = ACTIONS["drive"](t, spot)
    if spot.kind == "vehicle" and not spot.still:
        return motion
    rock = np.sin(2 * np.pi * 2.6 * t + 6 * spot.chance[2])
    lift = 0.010 * np.abs(rock)
    tall = 1 + 0.018 * np.sin(2 * np.pi * 5.2 * t)
    return squashed(replace(motion, y=spot.floor - lift, lift=lift, angle=0.028 * rock), tall)


def fly(t: Line, spot: Spot) -> Motion:
    """Fly: birds bob with their wings, aircraft keep a straight line and bank, the rest stretches out and sways."""
    motion = ACTIONS["fly"](t, spot)
    if spot.kind == "bird":
        beat = np.sin(2 * np.pi * 2.4 * t)
        motion = replace(motion, y=motion.y - 0.014 * beat, loop=1.5 * t)
        return squashed(motion, 1 - 0.16 * beat) if spot.still else motion
    if spot.kind == "aircraft":
        climb = spot.vary(4, -0.06, 0.06)
        share = t / spot.seconds - 0.5
        angle = -spot.facing * np.arctan(climb / (spot.vary(1, 0.46, 0.56) * spot.aspect))
        return replace(
            motion,
            y=0.33 + spot.vary(3, -0.03, 0.03) - climb * share + 0.006 * np.sin(2 * np.pi * 1.3 * t),
            angle=angle + 0.03 * np.sin(2 * np.pi * 0.5 * t),
            events=heard("engine", [0.0]),
        )
    sway = np.sin(2 * np.pi * 0.9 * t + 6 * spot.chance[2])
    return replace(
        motion, angle=motion.angle + spot.facing * 0.12 + 0.06 * sway, events=heard("whoosh", [0.0])
    )


def sail(t: Line, spot: Spot) -> Motion:
    """Sail: go across on the waves, rocking with them, the lower part in the water."""
    deep = {"boat": 0.10, "bird": 0.16, "swimmer": 0.22}.get(spot.kind, 0.40)
    swell = 2 * np.pi * 0.5 * t + 2 * np.pi * spot.chance[2]
    return replace(
        at_rest(t, spot),
        x=across(t, spot, spot.vary(1, 0.30, 0.40)),
        y=spot.floor + deep * spot.height + 0.014 * np.sin(swell),
        angle=0.07 * np.cos(swell),
        loop=0.7 * t,
        lift=np.zeros_like(t),
        events=heard("splash", beats(0.9, spot.seconds, 0.2)),
    )


def swim(t: Line, spot: Spot) -> Motion:
    """Swim: under water on a wavy way, on water half in it; a still wriggles."""
    if spot.medium == "surface":
        return sail(t, spot)
    motion = ACTIONS["swim"](t, spot)
    if spot.still:
        wriggle = np.sin(2 * np.pi * 2.0 * t)
        return replace(motion, angle=motion.angle + 0.06 * wriggle, wide=motion.wide * (1 + 0.04 * wriggle))
    return motion


def tumble(t: Line, spot: Spot) -> Motion:
    """Roll: round things roll without slipping; what has corners turns over edge by edge."""
    if spot.kind in ("thing", "face"):
        return roll(t, spot)
    turns = 1.0
    way = spot.vary(1, 0.44, 0.52)
    x = across(t, spot, way)
    angle = spot.facing * 2 * np.pi * turns * (t / spot.seconds) + 0 * x
    # The corner that is lowest stays on the ground: half diagonal of the box against half its height.
    half_wide, half_tall = spot.width * spot.aspect / 2, spot.height / 2
    reach = np.abs(half_wide * np.sin(angle)) + np.abs(half_tall * np.cos(angle))
    return replace(
        at_rest(t, spot), x=x, y=spot.floor - reach, angle=angle, lift=reach - half_tall + 0 * x, anchor=0.5,
        events=heard("roll", beats(4 * turns / spot.seconds, spot.seconds)),
    )  # fmt: skip


def bounce(t: Line, spot: Spot) -> Motion:
    """Bounce: heavy kinds on their springs, without leaving the ground for long."""
    if spot.kind not in HEAVY:
        return ACTIONS["bounce"](t, spot)
    lift, tall = hops(t, 1.7, 0.09 * spot.height, 0.55)
    motion = replace(
        at_rest(t, spot),
        y=spot.floor - lift,
        angle=0.035 * np.sin(2 * np.pi * 0.85 * t),
        loop=0.6 * t,
        lift=lift,
        events=heard("thud", beats(1.7, spot.seconds, 0.55 / 1.7)),
    )
    return squashed(motion, tall)


def fall(t: Line, spot: Spot) -> Motion:
    """Fall: leaves and flowers sail down, swaying; everything else drops, rebounds and lies still."""
    if spot.kind != "plant" or not spot.still or spot.height > 0.5:
        return ACTIONS["fall"](t, spot)
    height = max(spot.floor - 0.4 * spot.height, 0.4)
    speed = 0.55 * np.sqrt(GRAVITY * height)
    lift = np.maximum(height - speed * t, 0.0)
    there = np.clip(lift / 0.12, 0, 1)
    sway = np.sin(2 * np.pi * 0.8 * t + 6 * spot.chance[2])
    rest = at_rest(t, spot)
    landing = height / speed
    return replace(
        rest,
        x=rest.x + 0.07 * sway * there,
        y=spot.floor - lift,
        angle=0.35 * np.cos(2 * np.pi * 0.8 * t + 6 * spot.chance[2]) * there,
        lift=lift,
        events=heard("rustle", [landing] if landing < spot.seconds else []),
    )


def swing(t: Line, spot: Spot) -> Motion:
    """Swing: plants sway in the wind about their roots, everything else like a pendulum."""
    if spot.kind not in ("plant", "building"):
        return ACTIONS["swing"](t, spot)
    gust = np.sin(2 * np.pi * 0.7 * t + 6 * spot.chance[1]) + 0.35 * np.sin(2 * np.pi * 1.9 * t)
    motion = replace(at_rest(t, spot), angle=0.13 * gust, loop=0.5 * t, events=heard("rustle", [0.0]))
    return squashed(motion, 1 - 0.02 * np.abs(gust))


WAYS: dict[str, Callable[[Line, Spot], Motion]] = {
    "walk": walk, "run": run, "jump": jump, "dance": dance, "drive": drive, "fly": fly, "swim": swim,
    "roll": tumble, "bounce": bounce, "fall": fall, "swing": swing,
}  # fmt: skip
"""What kinds do in ways of their own."""

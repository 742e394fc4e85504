"""Samplers for rectified flow: plain functions over one callable that predicts the clean latents.

Notation: x_t = (1 - t) x_0 + t noise, D(x_t, t) = the model's x_0, and the flow is dx/dt = (x_t - D) / t.
Each token has its own level: its initial level times the schedule's t. Written for D, that factor cancels,
and a step from t to s is

    x_s = (s / t) x_t + s ∫ D(u) / u² du  from s to t,

exact whatever D does; the samplers differ only in how D runs between t and s. Tokens of level 0 are given:
they stay, bit for bit, what they were.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from jaxtyping import Float32

C = TypeVar("C")

Model = Callable[[np.ndarray, np.ndarray, C], np.ndarray]
"""A network as samplers see it: `model(latents, levels, conditioning) -> clean`.

Latents and clean are float32[batch tokens dim], levels float32[batch tokens]; the conditioning is the model's
own affair.
"""


@dataclass(frozen=True)
class Step:
    """A step just made: `index` of `total`, the latents now at `level`, and the prediction that led there.

    It is all that a sampler needs to go on from there: given one as `start`, each of them makes the steps that are
    left and ends in the same bits as if it had made all of them.
    """

    index: int
    total: int
    level: float
    latents: Float32[np.ndarray, "batch tokens dim"]
    clean: Float32[np.ndarray, "batch tokens dim"]


Watch = Callable[[Step], None]
"""Called once after each step; what it raises ends the sampling."""


def euler(
    model: Model[C],
    latents: Float32[np.ndarray, "batch tokens dim"],
    levels: Float32[np.ndarray, "batch tokens"],
    schedule: Float32[np.ndarray, " points"],
    conditioning: C,
    watch: Watch | None = None,
    start: Step | None = None,
) -> Float32[np.ndarray, "batch tokens dim"]:
    """Return the clean latents, with D held still during each step (first order, one call a step).

    `latents` are noisy according to `levels` (see `add_noise`); `schedule` falls from 1 to 0. After `start`, a step of
    the same latents and schedule, only the steps that follow are made.
    Source: Euler's method on the flow of arXiv 2209.03003.
    """
    x, still = latents if start is None else start.latents, levels[..., None] == 0
    for i, t, s in _spans(schedule, start):
        clean = model(x, levels * t, conditioning)
        x = np.where(still, latents, (s / t) * x + (1 - s / t) * clean)
        _tell(watch, i, schedule, x, clean)
    return x


def ab2(
    model: Model[C],
    latents: Float32[np.ndarray, "batch tokens dim"],
    levels: Float32[np.ndarray, "batch tokens"],
    schedule: Float32[np.ndarray, " points"],
    conditioning: C,
    watch: Watch | None = None,
    start: Step | None = None,
) -> Float32[np.ndarray, "batch tokens dim"]:
    """Return the clean latents, with D on the line through its last two values (second order).

    One call a step. The first has no past and the last no future to lean on: both are Euler's. Arguments as
    for `euler`.
    Source: the exponential Adams-Bashforth idea of DPM-Solver++(2M) (arXiv 2211.01095), with D linear in t.
    """
    x, still = latents if start is None else start.latents, levels[..., None] == 0
    past = None if start is None else (schedule[start.index], start.clean)
    for i, t, s in _spans(schedule, start):
        clean = model(x, levels * t, conditioning)
        stepped = (s / t) * x + (1 - s / t) * clean
        if past is not None and s > 0:
            stepped += _bend(t, s) * (clean - past[1]) / (t - past[0])
        x, past = np.where(still, latents, stepped), (t, clean)
        _tell(watch, i, schedule, x, clean)
    return x


def heun(
    model: Model[C],
    latents: Float32[np.ndarray, "batch tokens dim"],
    levels: Float32[np.ndarray, "batch tokens"],
    schedule: Float32[np.ndarray, " points"],
    conditioning: C,
    watch: Watch | None = None,
    start: Step | None = None,
) -> Float32[np.ndarray, "batch tokens dim"]:
    """Return the clean latents, with D on the line from each step's start to its end (second order).

    Two calls a step, the second at Euler's guess of the end; the last step is Euler's. Arguments as for
    `euler`.
    Source: Heun's method as in arXiv 2206.00364, algorithm 1, with D linear in t.
    """
    x, still = latents if start is None else start.latents, levels[..., None] == 0
    for i, t, s in _spans(schedule, start):
        clean = model(x, levels * t, conditioning)
        stepped = (s / t) * x + (1 - s / t) * clean
        if s > 0:
            ahead = model(np.where(still, latents, stepped), levels * s, conditioning)
            stepped += _bend(t, s) * (ahead - clean) / (s - t)
        x = np.where(still, latents, stepped)
        _tell(watch, i, schedule, x, clean)
    return x


SAMPLERS = {"euler": euler, "ab2": ab2, "heun": heun}


def _spans(schedule: np.ndarray, start: Step | None) -> list[tuple[int, np.float32, np.float32]]:
    """Return the steps still to be made: index, level before, level after."""
    spans = [(i, t, s) for i, (t, s) in enumerate(pairwise(schedule))]
    return spans if start is None else spans[start.index + 1 :]


def _bend(t: np.float32, s: np.float32) -> np.float32:
    """Return s ∫ (u - t) / u² du from s to t: what one unit of D's slope adds to a step."""
    return s * np.log(t / s) - (t - s)


def _tell(watch: Watch | None, index: int, schedule: np.ndarray, x: np.ndarray, clean: np.ndarray) -> None:
    if watch is not None:
        watch(Step(index, len(schedule) - 1, float(schedule[index + 1]), x, clean))

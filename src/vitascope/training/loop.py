"""The time-boxed loop that every stage shares: schedule, log, checkpoints, interruption."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from vitascope.training.curves import draw_curves


@dataclass(frozen=True)
class LoopConfig:
    """How long and how hard a stage trains. Learning rates are those of the optimizers times `learning_rate(done)`."""

    minutes: float
    warmup: float = 0.02
    decay: float = 0.6
    save_minutes: float = 4.0
    log_seconds: float = 10.0
    max_steps: int | None = None


def learning_rate(done: float, warmup: float, decay: float) -> float:
    """Return the factor of the trapezoid schedule at a share `done` (0..1) of the run: up, level, down to 0."""
    return max(0.0, min(1.0, done / warmup if warmup else 1.0, (1 - done) / decay if decay else 1.0))


@dataclass
class Log:
    """What a run measured: rows of numbers in `log.jsonl`, drawn as `curves.png`."""

    folder: Path
    rows: list[dict[str, float | int]] = field(default_factory=list)

    def add(self, row: dict[str, float | int]) -> None:
        """Append a row, print it, and draw the curves anew."""
        self.rows.append(row)
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        print("  ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)
        draw_curves(self.rows, self.folder / "curves.png")


def run(
    config: LoopConfig,
    folder: Path,
    optimizers: list[torch.optim.Optimizer],
    step: Callable[[int, float], dict[str, float]],
    save: Callable[[int, float], None],
    start_step: int = 0,
    start_seconds: float = 0.0,
) -> int:
    """Call `step(number, done)` until the minutes are over, and `save(number, seconds)` now and then and at the end.

    `done` runs from 0 to 1 with the time, over resumed runs too. Returns the number of steps. Ctrl+C saves and ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder)
    began = time.monotonic() - start_seconds
    logged = saved = time.monotonic()
    base = [[group["lr"] for group in o.param_groups] for o in optimizers]
    number, seen = start_step, dict[str, list[float]]()
    try:
        while (seconds := time.monotonic() - began) < config.minutes * 60 and number != config.max_steps:
            done = seconds / (config.minutes * 60) if config.max_steps is None else number / config.max_steps
            factor = learning_rate(done, config.warmup, config.decay)
            for optimizer, rates in zip(optimizers, base, strict=True):
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * factor
            for name, value in step(number, done).items():
                if not math.isfinite(value):
                    raise FloatingPointError(f"{name} is {value} at step {number}")
                seen.setdefault(name, []).append(value)
            number, now = number + 1, time.monotonic()
            if now - logged > config.log_seconds or number == config.max_steps:
                means = {name: sum(values) / len(values) for name, values in seen.items()}
                log.add({"step": number, "minutes": (now - began) / 60, **means})
                seen, logged = {}, now
            if now - saved > config.save_minutes * 60:
                save(number, now - began)
                saved = now
    except KeyboardInterrupt:
        print("interrupted: saving", flush=True)
    save(number, time.monotonic() - began)
    return number

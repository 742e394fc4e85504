"""How long a clip takes on two cores, when its first frame can be seen, and what a long clip costs against a short one.

    python benchmarks/realtime.py [--seconds 4] [--long 60] [--rounds 3] [--threads 2] [--preset standard] [--json]

Every figure comes from a process of its own, held to so many cores, with the model loaded and one clip made before the
clock starts. The size is the largest that the model draws; where that is not the size of the goals, the table says so.
The short clip is made, encoded and written to a file. Streaming and the long clip are encoded and handed over as they
are made: the first frame is there when its pixels are, its bytes when a player could show it. Memory is the most that
the process ever held, and CPU time is told beside the clock's, for machines with other work beside.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PROMPT = "a cat walks in a garden, slow zoom in"
GOAL_SIZE = (256, 256)
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """What one process found: its clip's size, when what was there, and its peak memory in bytes."""

    seconds: float
    size: tuple[int, int]
    steps: int
    wall: float
    first_frame: float
    first_bytes: float
    first_cpu: float
    peak: int


@dataclass(frozen=True)
class Result:
    """A clip written to a file, the same streamed, and a long one streamed."""

    short: Run
    streamed: Run
    long: Run

    @property
    def cost(self) -> float:
        """What a second of the long clip costs, in seconds of the short one."""
        return (self.long.wall / self.long.seconds) / (self.streamed.wall / self.streamed.seconds)

    @property
    def memory(self) -> float:
        """The long clip's peak memory over the short one's."""
        return self.long.peak / self.streamed.peak

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the table: what, measured, goal."""
        short, stream, long = self.short, self.streamed, self.long
        return [
            ("", "measured", "goal"),
            (f"{short.seconds:.3g} s, to a file", f"{short.wall:.2f} s", "≤ 6 s (aim: 4 s)"),
            ("first frame, streaming", f"{stream.first_frame:.2f} s", "≤ 1.5 s (aim: 1 s)"),
            ("  in CPU time, all threads together", f"{stream.first_cpu:.2f} s", ""),
            ("  its bytes, encoded", f"{stream.first_bytes:.2f} s", ""),
            (f"{long.seconds:.3g} s, streaming", f"{long.wall:.1f} s", ""),
            ("  cost of a second against the short clip's", f"{self.cost:.2f}x", "≤ 1.05x"),
            ("  peak memory against the short clip's", f"{self.memory:.2f}x", "≤ 1.1x"),
            ("peak memory, short clip", f"{stream.peak / MEBIBYTE:.0f} MiB", "≤ 1145 MiB"),
        ]


@dataclass
class Stopwatch:
    """A sink for a stream that notes when its first frame was made, and when its first picture's bytes came."""

    start: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)
    first_frame: float = 0.0
    first_bytes: float = 0.0
    first_cpu: float = 0.0

    def watched(self, frames: Iterator[Any]) -> Iterator[Any]:
        """Yield the chunks of frames as they come."""
        for chunk in frames:
            self.first_frame = self.first_frame or self.passed
            self.first_cpu = self.first_cpu or time.process_time() - self.cpu
            yield chunk

    def write(self, data: memoryview) -> int:
        """Take bytes."""
        if b"mdat" in bytes(data):
            self.first_bytes = self.first_bytes or self.passed
        return len(data)

    def flush(self) -> None:
        """Pass nothing on."""

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start


def child(options: argparse.Namespace) -> Run:
    """Make clips in this process and measure the last ones."""
    from vitascope.api import make_shot
    from vitascope.backends.registry import backend
    from vitascope.deliver.stream import stream
    from vitascope.pipeline import deliver, generate, plan
    from vitascope.pipeline import stream as stream_frames
    from vitascope.progress import Progress

    toybox = backend("toybox")
    size = max(toybox.card.sizes, key=lambda each: each[0] * each[1])
    said = {"size": size, "preset": options.preset, "steps": options.steps, "seed": 7}

    def timed(seconds: float) -> tuple[float, float, float, float]:
        shot, watch = make_shot(PROMPT, seconds=seconds, **said), Stopwatch()
        if options.child == "file":
            with tempfile.TemporaryDirectory() as folder:
                deliver(generate(shot, toybox, Progress()), Path(folder) / "clip.mp4", Progress())
        else:
            showing = stream_frames(shot, toybox, Progress())
            stream(watch.watched(showing.frames), showing.fps, showing.record, watch)
        return watch.passed, watch.first_frame, watch.first_bytes, watch.first_cpu

    timed(options.warm_up)
    rounds = zip(*(timed(options.seconds) for _ in range(options.rounds)), strict=True)
    wall, first_frame, first_bytes, first_cpu = (statistics.median(each) for each in rounds)
    planned = plan(make_shot(PROMPT, seconds=options.seconds, **said), toybox).shot
    # Linux counts in kibibytes, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    made = planned.video_shape().seconds, size, planned.steps or 0
    return Run(*made, wall, first_frame, first_bytes, first_cpu, peak)


def measured(options: argparse.Namespace, kind: str, seconds: float, rounds: int) -> Run:
    """Return what a process of its own finds about clips of so many seconds."""
    command = [sys.executable, __file__, "--child", kind, "--seconds", str(seconds), "--rounds", str(rounds)]
    command += ["--threads", str(options.threads), "--preset", options.preset]
    command += ["--warm-up", str(min(seconds, options.seconds))]
    command += ["--steps", str(options.steps)] if options.steps else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return Run(**json.loads(done.stdout))


def hold(threads: int) -> None:
    """Keep this process to so many cores, and its libraries to so many threads."""
    names = ("VITASCOPE_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    os.environ |= dict.fromkeys(names, str(threads))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="the short clip")
    parser.add_argument("--long", type=float, default=60.0, help="the long clip, made once")
    parser.add_argument("--rounds", type=int, default=3, help="of the short clip; the median counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--steps", type=int, help="in place of the preset's, for a quick look")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=("file", "stream"), help=argparse.SUPPRESS)
    parser.add_argument("--warm-up", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        hold(options.threads)
        print(json.dumps(asdict(child(options))))
        return
    result = Result(
        measured(options, "file", options.seconds, options.rounds),
        measured(options, "stream", options.seconds, options.rounds),
        measured(options, "stream", options.long, 1),
    )
    if options.json:
        print(json.dumps(asdict(result) | {"cost": result.cost, "memory": result.memory}, indent=2))
        return
    width, height = result.short.size
    print(f"{width}x{height}, {result.short.steps} steps ({options.preset}), {options.threads} cores, warm")
    if (width, height) != GOAL_SIZE:
        share = width * height / (GOAL_SIZE[0] * GOAL_SIZE[1])
        print(f"not the goal's size: this model draws at most {share:.0%} of the pixels of 256x256")
    rows = result.rows()
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()

"""Hurt pictures and videos, thousands of them, through the process that looks at uploads.

    python benchmarks/fuzz_media.py [--count 5000] [--log fuzz.jsonl] [--jobs 2] [--only NUMBER]

Every one must be read or refused within 5 s by a process that stays below 1 GB, and none may take the process that
looks along. A line for each goes to the log; with the same log the next run goes on where the last one ended. Prints
one JSON object: how they ended, those that broke a fork, the slowest, and the most memory. Status 1 when a bound is
broken. `--only NUMBER` looks at one of them again, and leaves the file in the current folder.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vitascope.server.sandbox import inspect_file
from vitascope.testing.media import mutant, sources

MOST_SECONDS, MOST_BYTES = 5.0, 10**9


def look_at(found: dict[str, bytes], number: int, folder: Path) -> dict[str, Any]:
    """Return what came of a mutant."""
    one = mutant(found, number)
    file = folder / f"mutant-{number}"
    file.write_bytes(one.data)
    begun = time.perf_counter()
    look = inspect_file(file, "file")
    seconds = time.perf_counter() - begun
    file.unlink()
    told = {"number": number, "source": one.source, "how": one.how, "end": look.end, "signal": look.signal}
    told |= {"seconds": round(seconds, 3), "mib": round(look.peak_bytes / 2**20)}
    return told | {"problem": look.answer.get("problem", "").removeprefix("the file ")[:80]}


def done(log: Path) -> list[dict[str, Any]]:
    """Return what earlier runs have written; half a line at the end does not count."""
    lines = log.read_text("utf-8").splitlines(keepends=True) if log.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def run(told: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what came of each mutant that is not in the log yet, after those that are."""
    before = done(told.log)
    yield from before
    seen, found = {one["number"] for one in before}, sources(folder)
    numbers = [number for number in range(told.count) if number not in seen]
    with ThreadPoolExecutor(told.jobs) as pool, told.log.open("a", encoding="utf-8") as log:
        # The processes that look are started before anything is timed.
        list(pool.map(lambda name: inspect_file(folder / name, "file"), list(found)[: told.jobs]))
        for one in pool.map(lambda number: look_at(found, number, folder), numbers):
            log.write(json.dumps(one) + "\n")
            log.flush()
            yield one


def report(all: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what is worth knowing of them together."""
    slow = sorted(all, key=lambda one: -one["seconds"])
    problems = Counter(one["problem"].partition(" (")[0].partition(":")[0] for one in all if one["problem"])
    return {
        "files": len(all),
        "ends": Counter(one["end"] for one in all),
        "broken": [one for one in all if one["end"] == "broken"][:20],
        "refusals": dict(problems.most_common(8)),
        "slowest": [(one["number"], one["seconds"], one["end"]) for one in slow[:5]],
        "peak_mib": max(one["mib"] for one in all),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Look at them all, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--log", type=Path, default=Path("fuzz.jsonl"))
    parser.add_argument("--jobs", type=int, default=2, help="Looks at a time, two at most.")
    parser.add_argument("--only", type=int)
    told, began = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        if told.only is not None:
            one = mutant(sources(Path(name)), told.only)
            Path(f"mutant-{told.only}.{one.source.rpartition('.')[2]}").write_bytes(one.data)
            print(json.dumps(look_at(sources(Path(name)), told.only, Path(name))))
            return
        all = list(run(told, Path(name)))
    print(json.dumps(report(all, time.monotonic() - began)))
    sys.exit(any(one["seconds"] > MOST_SECONDS or one["mib"] * 2**20 > MOST_BYTES for one in all))


if __name__ == "__main__":
    main()

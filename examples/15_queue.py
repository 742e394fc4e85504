"""Hand in clips, let a worker make them, pick them up: `python examples/15_queue.py [PROMPT] [FILE]`.

Kill it while it works and start it again: the old job goes on where it was, to the same bytes; then comes the new one.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from vitascope import Shot
from vitascope.jobs.service import open_service
from vitascope.jobs.worker import Worker, WorkerOptions

HOME = Path(tempfile.gettempdir()) / "vitascope-example-queue"


def main(prompt: str = "a cat walks in a garden", path: str = "queued.mp4") -> None:
    """Hand one clip in, be the worker that makes it, and fetch the file. The queue stays, and so do its jobs."""
    service = open_service(HOME)
    job = service.submit(Shot(prompt=prompt, seed=7))
    Worker(service, WorkerOptions(once=True)).run()
    done = service.store.get(job.id)
    if done.failure is not None:
        raise SystemExit(f"{done.id}: {done.failure.message}")
    shutil.copyfile(service.file(done.id), path)
    print("saved", path, f"(attempt {done.attempt}, sha256 {done.outputs[0].sha256[:12]} …)")


if __name__ == "__main__":
    main(*sys.argv[1:])

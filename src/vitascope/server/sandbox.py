"""Looks at files from outside in processes of their own, `python -m vitascope.server.sandbox`, which may come to harm.

Decoders are large, and strangers write what they read. So the first look at an upload is taken by a fork of a process
that has the decoders loaded and has never seen a file: with little memory and little time, and confined by the kernel
where that can be (`confinement.py`), so that nothing can be written but one picture that was opened before. What is
left of a file that breaks it is an exit status, and the next one gets a fork that is as new.
"""

import atexit
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Literal, NoReturn

import numpy as np
from pydantic import TypeAdapter, ValidationError

from vitascope.errors import RequestError
from vitascope.media.info import MediaFacts
from vitascope.media.inspector import LOCAL, MOMENTS, Pictures
from vitascope.server.confinement import confine
from vitascope.types import Fit, VideoShape

MEMORY = 800 * 2**20
"""Bytes of private memory for one inspection; with the decoders' code it stays below 1 GB."""
CPU_SECONDS, WALL_SECONDS = 4, 60
MOMENTS_SECONDS = 10
"""CPU seconds for frames of a video that passed the first check; reaching them may need seconds of decoding."""
VERIFY_SECONDS = 30
"""CPU seconds for reading marks: every byte is hashed, and the watermark is searched at all scales."""
NICE = 5
"""By how much inspections give way to the server itself, which answers everybody."""
STILL_BYTES = 64 * 2**20
STILL_SIDE = 2048
"""Pixels that the longer side of a character's picture has at most."""
ANSWER_BYTES = 1 << 16
AT_ONCE = 2
"""Inspections at the same time; more would let many small requests take much memory."""

FORKS = sys.platform == "linux"
"""Whether a process with decoders in it can be forked; elsewhere each file gets a new process, which takes longer."""

_FACTS = TypeAdapter(MediaFacts)

TOO_LONG = "takes too long to read", "save it anew, shorter or smaller"
BROKEN = "could not be read within the limits", "save it anew"


@dataclass(frozen=True)
class Finding:
    """The content of a file: kind (`picture` or `video`), format, size (width, height), frames and seconds."""

    kind: str
    format: str
    size: tuple[int, int]
    num_frames: int
    seconds: float


SandboxTask = Literal["check", "facts", "picture", "moments", "beginning", "verify", "confinement"]
"""What a look is taken for: the first one at a file, one of those of `vitascope.media.inspector.Inspector`, its marks;
`confinement` looks at no file and says by what means it is confined."""


@dataclass(frozen=True)
class Inspection:
    """The end of an inspection, its answer (or the problem and the nearest legal value), and its resource use."""

    end: Literal["read", "refused", "too long", "broken"]
    answer: Mapping[str, Any]
    peak_bytes: int = 0
    signal: int = 0


def check(path: Path, argument: str, still: Path | None = None) -> Finding:
    """Return the content of an uploaded file; write its first frame to the file `still`, as PNG.

    Raises `RequestError` for `argument` when the file is no picture and no video, or breaks a limit.
    """
    facts = _read(inspect_file(path, argument, still), argument)
    return Finding(**{**facts, "size": tuple(facts["size"])})


def inspect_file(
    path: str | Path,
    argument: str,
    out: Path | None = None,
    task: SandboxTask = "check",
    options: Mapping[str, Any] | None = None,
) -> Inspection:
    """Run one task on a file and return how it ended; raw pixels go to the file `out`."""
    with _pool.borrow() as worker:
        return worker.look(argument, str(path), str(out or ""), task, options)


def _read(look: Inspection, argument: str) -> Mapping[str, Any]:
    """Return the answer of an inspection; raises `RequestError` for one that failed."""
    if look.end == "too long":
        raise RequestError(argument, *TOO_LONG)
    if look.end == "refused" and look.answer.get("problem"):
        raise RequestError(argument, str(look.answer["problem"]), look.answer.get("nearest"))
    if look.end != "read":
        raise RequestError(argument, *BROKEN)
    return look.answer


def verify_in_sandbox(
    path: Path, argument: str, anchors: bytes, keys: Mapping[str, bytes], models: Sequence[str]
) -> dict[str, Any]:
    """Return the report on the marks of an uploaded file, in the form of `provenance.verify.Report.to_json`.

    Raises `RequestError` for `argument` when the file cannot be read within the limits.
    """
    options = {
        "anchors": anchors.decode("utf-8", "replace"),
        "keys": {name: key.decode("utf-8", "replace") for name, key in keys.items()},
        "models": list(models),
    }
    return dict(_read(inspect_file(path, argument, task="verify", options=options), argument))


def confinement() -> str:
    """Return by what means of the kernel those who look at files are confined here, or that there are none."""
    means = inspect_file("", "file", task="confinement").answer.get("means", [])
    return ", ".join(map(str, means)) or "limits of memory and time alone: this system confines no process"


class SandboxInspector:
    """Inspects the files of one request in the sandbox (`vitascope.media.inspector.Inspector`).

    Answers are cached. A file may have taken the sandboxed process over, so every answer is validated.
    """

    def __init__(self) -> None:
        self._facts: dict[str, MediaFacts] = {}
        self._pictures: set[str] = set()

    def facts(self, path: str | Path, argument: str) -> MediaFacts:
        """Return the facts of a picture or video."""
        if str(path) not in self._facts:
            answer = _read(inspect_file(path, argument, task="facts"), argument)
            try:
                self._facts[str(path)] = _FACTS.validate_python(answer)
            except ValidationError:
                raise RequestError(argument, *BROKEN) from None
        return self._facts[str(path)]

    def check_picture(self, path: str | Path, argument: str) -> None:
        """Check that a file is a picture that can be decoded in full."""
        if str(path) not in self._pictures:
            _read(inspect_file(path, argument, task="picture"), argument)
            self._pictures.add(str(path))

    def moments(
        self, path: str | Path, kind: Literal["image", "video"], size: tuple[int, int], start: float | int
    ) -> Pictures:
        """Return a picture, or frames of a video from a second on, cropped to a `size` (width, height)."""
        options = {"kind": kind, "size": size, "start": start}
        return _read_pictures(path, kind, "moments", options, size, MOMENTS)

    def beginning(self, path: str | Path, shape: VideoShape, how: Fit, start: float | int) -> Pictures:
        """Return a video's first frames from a second on, fitted to a `shape`."""
        options = {"shape": asdict(shape), "how": how, "start": start}
        return _read_pictures(
            path, "video", "beginning", options, (shape.width, shape.height), shape.num_frames
        )


def _read_pictures(
    path: str | Path,
    argument: str,
    task: SandboxTask,
    options: Mapping[str, Any],
    size: tuple[int, int],
    most: int,
) -> Pictures:
    """Return at most `most` pictures of a `size` (width, height) from a file."""
    with TemporaryDirectory(prefix="vitascope-") as folder:
        out = Path(folder) / "shown"
        _read(inspect_file(path, argument, out, task, options), argument)
        pixels = _pixels(out, size, most) if out.is_file() else None
    if pixels is None or not len(pixels):
        raise RequestError(argument, *BROKEN)
    return pixels


def _pixels(file: Path, size: tuple[int, int], most: int) -> Pictures:
    """Return the complete pictures in a file of raw pixels, at most `most`."""
    width, height = size
    frame_bytes = width * height * 3
    with file.open("rb") as written:
        data = written.read(most * frame_bytes)
    return np.frombuffer(data, np.uint8, len(data) // frame_bytes * frame_bytes).reshape(-1, height, width, 3)


class SandboxWorker:
    """A process that inspects one file after another, each in a forked child; without fork it inspects one and ends."""

    program = "-m", "vitascope.server.sandbox"

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        if folders := os.environ.get("PYTHONPATH"):
            environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, folders.split(os.pathsep)))
        self._process = subprocess.Popen(
            # Not from the folder in which the server was started: nothing there is code, and nothing there is read.
            [sys.executable, "-P", *self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # That folder may also be gone by the time that a file comes in.
            cwd=Path(sys.executable).anchor or None,
            env=environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    @property
    def alive(self) -> bool:
        """Whether the process can inspect another file."""
        return self._process.poll() is None

    def look(
        self,
        argument: str,
        path: str,
        out: str,
        task: SandboxTask = "check",
        options: Mapping[str, Any] | None = None,
    ) -> Inspection:
        """Run one task; a process that does not answer is killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # A slow inspection ends by its own limits; this timer is for a process that cannot report that.
        patience = threading.Timer(WALL_SECONDS + MOMENTS_SECONDS, self._process.kill)
        patience.start()
        try:
            # The process has another working directory.
            places = [os.path.abspath(place) if place else "" for place in (path, out)]
            order = json.dumps([argument, *places, task, dict(options or {})])
            self._process.stdin.write(order.encode() + b"\n")
            self._process.stdin.flush()
            return Inspection(**json.loads(self._process.stdout.readline()))
        except (OSError, ValueError, TypeError):
            self.close()
            return Inspection("broken", {})
        finally:
            patience.cancel()
            if not FORKS:
                self.close()

    def close(self) -> None:
        """Kill the process."""
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate()


class SandboxPool:
    """A pool of sandbox processes, started on demand and kept for the next file."""

    def __init__(self, at_once: int = AT_ONCE):
        """Run at most `at_once` inspections at a time."""
        self._places = threading.BoundedSemaphore(at_once)
        self._idle: list[SandboxWorker] = []

    @contextmanager
    def borrow(self) -> Iterator[SandboxWorker]:
        """Wait for a free place and yield a process for one inspection."""
        with self._places:
            try:
                worker = self._idle.pop()
            except IndexError:
                worker = SandboxWorker()
            if not worker.alive:
                worker.close()
                worker = SandboxWorker()
            try:
                yield worker
            finally:
                self._idle.append(worker)

    def close(self) -> None:
        """Kill all idle processes."""
        while self._idle:
            self._idle.pop().close()


_pool = SandboxPool()
atexit.register(_pool.close)


def _serve() -> None:
    """Read one JSON task per line from stdin and answer each with a line: the main loop of a `SandboxWorker`."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    _load_decoders()
    for line in sys.stdin.buffer:
        order = json.loads(line)
        if not FORKS:
            sys.stdout.write(_confined(order))
            return
        sys.stdout.write(json.dumps(_fork_and_run(order)) + "\n")
        sys.stdout.flush()


def _fork_and_run(order: list[Any]) -> dict[str, Any]:
    """Run a task in a forked child and return how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _look_and_end(writing, order)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.read(ANSWER_BYTES)
    _, status, spent = os.wait4(child, 0)
    peak = spent.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if os.WIFSIGNALED(status):
        killer = os.WTERMSIG(status)
        late = killer in (signal.SIGALRM, signal.SIGXCPU)
        return {"end": "too long" if late else "broken", "answer": {}, "peak_bytes": peak, "signal": killer}
    try:
        return json.loads(answer) | {"peak_bytes": peak}
    except ValueError:
        return {"end": "broken", "answer": {}, "peak_bytes": peak}


def _look_and_end(writing: int, order: list[Any]) -> NoReturn:
    """Run a task in the forked child, write the answer to the pipe and exit; the parent's pipes stay untouched."""
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)
        os.write(writing, _confined(order).encode())
    finally:
        os._exit(0)


def _confined(order: list[Any]) -> str:
    """Look under confinement, and return what was seen; what is to be written is opened before."""
    argument, path, out, task, options = order
    with open(out, "wb") if out else io.BytesIO() as file:
        means = _confine(order)
        answer = {"means": means} if task == "confinement" else _run_task(argument, path, file, task, options)
    return json.dumps({"end": "refused" if "problem" in answer else "read", "answer": answer})


def _run_task(
    argument: str, path: str, out: BinaryIO, task: SandboxTask, options: Mapping[str, Any]
) -> dict[str, object]:
    """Return the answer to a task, or the problem, without the server's own path of the file."""
    try:
        match task:
            case "check":
                return _check(argument, path, out)
            case "facts":
                return asdict(LOCAL.facts(path, argument))
            case "picture":
                LOCAL.check_picture(path, argument)
            case "moments":
                width, height = options["size"]
                pixels = LOCAL.moments(path, options["kind"], (width, height), options["start"])
                out.write(pixels.tobytes())
            case "beginning":
                pixels = LOCAL.beginning(
                    path, VideoShape(**options["shape"]), options["how"], options["start"]
                )
                out.write(pixels.tobytes())
            case "verify":
                return _verify(argument, path, options)
        return {}
    except RequestError as error:
        return {"problem": error.problem.replace(path, "the file"), "nearest": error.nearest}


def _check(argument: str, path: str, still: BinaryIO) -> dict[str, object]:
    facts = LOCAL.facts(path, argument)
    if not isinstance(still, io.BytesIO):
        _save_still(argument, path, facts.kind, still)
    width, height = facts.size
    values = {"kind": facts.kind, "format": facts.format, "size": (width, height)}
    return values | {"num_frames": facts.num_frames, "seconds": facts.seconds}


def _verify(argument: str, path: str, options: Mapping[str, Any]) -> dict[str, object]:
    from vitascope.deliver.provenance.verify import verify

    keys = {name: key.encode() for name, key in options["keys"].items()}
    report = verify(Path(path), options["anchors"].encode(), keys, options["models"], argument).to_json()
    report["file"] = argument
    if len(json.dumps(report)) > ANSWER_BYTES // 2 and report["manifest"]:
        report["manifest"] |= {"record": None, "history": report["manifest"]["history"][:20]}
    return report


def _save_still(argument: str, path: str, kind: str, still: BinaryIO) -> None:
    from PIL import Image

    from vitascope.media.image import read_picture
    from vitascope.media.video import opened_video

    if kind == "picture":
        pixels = read_picture(path, argument).pixels
    else:
        with opened_video(path, argument) as reel:
            pixels = next(iter(reel.frames())).pixels()
    picture = Image.fromarray(pixels)
    picture.thumbnail((STILL_SIDE, STILL_SIDE))
    picture.save(still, "PNG")


def _load_decoders() -> None:
    """Load the decoders, so that forked children have them."""
    import PIL.AvifImagePlugin
    import PIL.Image
    import PIL.TiffImagePlugin
    import PIL.WebPImagePlugin

    PIL.Image.preinit()


def _confine(order: list[Any]) -> tuple[str, ...]:
    """Give up all but a little memory, time and room for files, for good; return what the kernel does beside that."""
    longer = {"moments": MOMENTS_SECONDS, "beginning": MOMENTS_SECONDS, "verify": VERIFY_SECONDS}
    seconds = longer.get(order[3], CPU_SECONDS)
    if sys.platform == "win32":
        return ()
    import resource

    most_bytes = STILL_BYTES if order[2] else 0

    limits = {
        resource.RLIMIT_DATA: (MEMORY, MEMORY),
        # The soft limit sends SIGXCPU, which says why the process ended; the hard one kills it.
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_FSIZE: (most_bytes, most_bytes),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (64, 64),
    }
    for limit, most in limits.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, most)
    signal.alarm(WALL_SECONDS)
    return confine(order[1] or None)


if __name__ == "__main__":
    _serve()

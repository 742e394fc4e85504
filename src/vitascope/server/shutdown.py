"""A server that always ends: a process beside it kills it when it has not ended some time after it was told to.

No thread of the server itself can promise that: one that holds Python's lock (in a regular expression, in a parser)
keeps all others waiting, those that would handle the signal among them. The number of a signal is written into a pipe
by the system's own handler, which needs no lock, and the process beside it reads it there.
"""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from types import FrameType

import uvicorn

STOP_SECONDS = 45.0
"""How long a server may take to end; less than the 60 s that our unit for systemd gives it."""

_WATCH = """
import os, select, signal, sys, time
pipe, server, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
while byte := os.read(pipe, 1):
    if byte[0] in (signal.SIGINT, signal.SIGTERM):
        break
else:
    sys.exit()
deadline = time.monotonic() + seconds
while (left := deadline - time.monotonic()) > 0:
    if select.select([pipe], [], [], left)[0] and not os.read(pipe, 512):
        sys.exit()
print(f"vitascope: the server has not ended {seconds:g} s after it was told to, and is killed", file=sys.stderr)
os.kill(server, signal.SIGKILL)
"""


class Server(uvicorn.Server):
    """A server that ends within so many seconds of SIGTERM or SIGINT, whatever its requests are doing."""

    def __init__(self, config: uvicorn.Config, seconds: float = STOP_SECONDS):
        """Serve as `config` says."""
        super().__init__(config)
        self._seconds = seconds
        self._watch: Watch | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes; the process beside is gone when this one is."""
        self._watch = start_watch(self._seconds)
        super().run(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; an event loop with a pipe of its own for signals has kept the number to itself."""
        if self._watch is not None:
            os.write(self._watch.pipe, bytes([sig]))
        super().handle_exit(sig, frame)


@dataclass(frozen=True)
class Watch:
    """The process that watches over this one, and the pipe that tells it of signals."""

    process: subprocess.Popen[bytes]
    pipe: int


def start_watch(seconds: float) -> Watch | None:
    """Start the process that watches over this one; None on Windows, which has no such signals."""
    if os.name != "posix":
        return None
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    arguments = [str(reading), str(os.getpid()), str(seconds)]
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCH, *arguments],
        pass_fds=[reading],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    os.close(reading)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return Watch(process, writing)

"""Nothing leaves the machine, and nothing is written but where a person expects it.

Each job runs in a process of its own with an empty HOME and temp folder. A `sitecustomize` records what Python code
does in it and in every process that it starts; the trees of HOME and TMPDIR show what native code writes; and strace,
where it is there and may trace, records every socket of native code.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from vitascope.privacy import OPT_OUTS, disable_reports

RECORDER = """
import os, sys

_LOG = os.environ["RECORDER_LOG"]
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
_PEERS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
_WRITES = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "sqlite3.connect": 0}


def _record(line):
    out = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(out, (line.replace("\\n", " ") + "\\n").encode("utf-8", "replace"))
    os.close(out)


def _hear(event, arguments):
    if event in _LOOKUPS:
        _record(f"lookup {arguments[0]}")
    elif event in _PEERS:
        address = arguments[1]
        if isinstance(address, tuple):
            _record(f"peer {address[0]}")
    elif event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if isinstance(flags, int) else False
        if writes and isinstance(path, (str, bytes)) and os.fsdecode(path) != _LOG:
            _record("write " + os.path.abspath(os.fsdecode(path)))
    elif event in _WRITES:
        _record("write " + os.path.abspath(os.fsdecode(arguments[_WRITES[event]])))


sys.addaudithook(_hear)
"""
LOOPBACK = re.compile(r"127\.|::1$|localhost$|0\.0\.0\.0$|None$")
GENERATE = """
import vitascope
clip = vitascope.generate("a cat in a garden", seconds=0.5, steps=1, size="128x128", seed=1)
clip.save("out/clip.mp4")
"""
FILM = """
size = "128x128"
[[shots]]
prompt = "a cat in a garden"
seconds = 0.5
[[shots]]
prompt = "a dog in the snow"
seconds = 0.5
"""


class Watched:
    """A place where programs run, and what they did there."""

    def __init__(self, root: Path):
        self.root, self.log = root, root / "recorder.log"
        for name in ("home", "temp", "work/out", "data", "hook"):
            (root / name).mkdir(parents=True)
        (root / "hook" / "sitecustomize.py").write_text(RECORDER)
        kept = {name: value for name, value in os.environ.items() if name not in OPT_OUTS}
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HF_HOME", "HF_HUB_OFFLINE"):
            kept.pop(name, None)
        folders = {"HOME": root / "home", "TMPDIR": root / "temp", "VITASCOPE_HOME": root / "data"}
        self.environ = {**kept, **{name: str(path) for name, path in folders.items()}}
        self.environ |= {"PYTHONPATH": str(root / "hook"), "RECORDER_LOG": str(self.log)}
        self.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "VITASCOPE_THREADS": "1"}

    def start(self, *command: str, **more) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *command], cwd=self.root / "work", env=self.environ, text=True, **more
        )

    def run(self, *command: str) -> None:
        process = self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0, out

    def check(self) -> None:
        """Ask that no name was looked up, nobody outside was talked to, and nothing lies where it should not."""
        lines = self.log.read_text("utf-8").splitlines()
        assert any(line.startswith("write ") for line in lines), "the recorder recorded nothing"
        outside = [line for line in lines if line.split()[0] in ("lookup", "peer")]
        assert [line for line in outside if not LOOPBACK.match(line.split(" ", 1)[1])] == []
        homes = [str(self.root / name) for name in ("data", "temp", "work/out")]
        written = {line.split(" ", 1)[1] for line in lines if line.startswith("write ")}
        assert [path for path in written if not path.startswith((*homes, "/dev/", "/proc/"))] == []
        # Native code is not recorded, but what it writes stays to be seen.
        for name in ("home", "temp"):
            assert sorted(path.name for path in (self.root / name).rglob("*")) == [], name
        assert [path.name for path in (self.root / "work").iterdir() if path.is_file()] == []


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_generating_leaves_no_trace_outside(watched):
    watched.run("-c", GENERATE)
    assert (watched.root / "work" / "out" / "clip.mp4").stat().st_size > 1000
    watched.check()


def test_a_film_leaves_no_trace_outside(watched):
    script = watched.root / "work" / "out" / "film.toml"
    script.write_text(FILM)
    watched.run("-m", "vitascope", "film", str(script), "-o", "out/film.mp4")
    watched.check()


def test_a_job_of_the_server_leaves_no_trace_outside(watched):
    process = watched.start("-m", "vitascope", "serve", "--port", "0", stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"serving at (http://\S+)", line)
        assert found, line + process.stderr.read()
        asked = {"prompt": "a cat in a garden", "seconds": 0.5, "num_inference_steps": 1, "size": "128x128"}
        name = call(f"{found[1]}/v1/videos", asked)["id"]
        deadline = time.monotonic() + 120
        while (video := call(f"{found[1]}/v1/videos/{name}"))["status"] in ("queued", "in_progress"):
            assert time.monotonic() < deadline, video
            time.sleep(0.1)
        assert video["status"] == "completed", video
    finally:
        process.terminate()
        process.communicate(timeout=60)
    watched.check()


def call(url: str, body: dict | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_native_code_opens_no_socket(watched):
    """What the recorder cannot hear: ONNX Runtime and FFmpeg do their own networking."""
    strace = shutil.which("strace")
    trace = watched.root / "trace"
    if strace is None or subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True).returncode:
        pytest.skip("strace is not here, or may not trace")
    tracing = (strace, "-f", "-qq", "-e", "trace=socket", "-e", "signal=none", "-o", str(trace))
    subprocess.run(
        [*tracing, sys.executable, "-c", GENERATE],
        cwd=watched.root / "work",
        env=watched.environ,
        check=True,
        timeout=300,
    )
    assert "AF_INET" not in trace.read_text()


def test_the_opt_outs_are_set_by_the_import_alone(watched):
    names = sorted(OPT_OUTS)
    watched.run("-c", f"import vitascope, os; assert all(os.environ[name] for name in {names})")


def test_what_the_environment_says_itself_stays_and_empty_is_nothing():
    environ = {"RAY_USAGE_STATS_ENABLED": "1", "ORT_DISABLE_TELEMETRY": ""}
    disable_reports(environ)
    assert environ["RAY_USAGE_STATS_ENABLED"] == "1"
    assert environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_the_hub_client_takes_the_opt_out(watched):
    pytest.importorskip("huggingface_hub", reason="the extra [open-weights] is not installed")
    program = (
        "import vitascope; from huggingface_hub import constants; assert constants.HF_HUB_DISABLE_TELEMETRY"
    )
    watched.run("-c", program)


def test_ray_takes_the_opt_out(watched):
    pytest.importorskip("ray", reason="the extra [cluster] is not installed")
    program = (
        "import vitascope; from ray._common.usage import usage_lib as u; assert not u.usage_stats_enabled()"
    )
    watched.run("-c", program)

"""The wall around those who look at hostile files: whoever has taken one over gets no further."""

import errno
import functools
import os
import platform
import sys

import pytest

from tests.server.conftest import png
from vitascope.server import confinement
from vitascope.server import sandbox as checking
from vitascope.server.confinement import ALLOW, call_filter
from vitascope.server.sandbox import SandboxWorker

HOSTILE = """
import ctypes, os, signal, socket, subprocess, sys, threading
import vitascope.server.sandbox as sandbox

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *values):
    if libc.syscall(number, *values) < 0:
        raise OSError(ctypes.get_errno(), "refused")

def write(path, mode="wb"):
    with open(path, mode) as file:
        file.write(b"pwned")

def start_thread():
    done = []
    thread = threading.Thread(target=lambda: done.append(1))
    thread.start()
    thread.join()
    assert done

def attempt(argument, path, out, task, options):
    folder, other = os.path.dirname(path), os.path.dirname(path) + "/other"
    try:
        exec(argument)
    except OSError as error:
        return {"refused": error.errno}
    except BaseException as error:
        return {"refused": repr(error)}
    return {"done": True}

sandbox._run_task = attempt
sandbox._serve()
"""

FORBIDDEN = {
    "make a file": "write(folder + '/new')",
    "overwrite the file": "write(path)",
    "overwrite another file": "write(other)",
    "add to another file": "write(other, 'ab')",
    "change in place": "write(other, 'r+b')",
    "make a file in the temporary folder": "write('/tmp/vitascope-pwned')",
    "make a file without a name": "os.open(folder, os.O_TMPFILE | os.O_WRONLY)",
    "remove a file": "os.unlink(other)",
    "rename a file": "os.rename(other, folder + '/new')",
    "cut a file": "os.truncate(other, 0)",
    "make a folder": "os.mkdir(folder + '/new')",
    "link a file": "os.link(other, folder + '/new')",
    "make a symbolic link": "os.symlink(other, folder + '/new')",
    "change rights": "os.chmod(other, 0o777)",
    "change times": "os.utime(other)",
    "change the owner": "os.chown(other, 1, 1)",
    "set an attribute": "os.setxattr(other, 'user.x', b'1')",
    "connect": "socket.create_connection(('127.0.0.1', 9), 1)",
    "listen": "socket.socket().bind(('127.0.0.1', 0))",
    "send a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "use a Unix socket": "socket.socket(socket.AF_UNIX)",
    "make a pair of sockets": "socket.socketpair()",
    "use a raw socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "start a program": "subprocess.run(['/bin/true'])",
    "become a program": "os.execv('/bin/true', ['true'])",
    "fork": "os.fork()",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "make a process by clone3": "call(435, 0, 0)",
    "see whether its parent lives": "os.kill(os.getppid(), 0)",
    "stop its parent": "os.kill(os.getppid(), signal.SIGSTOP)",
    "signal all": "os.kill(-1, 0)",
    "hold another process by a descriptor": "os.pidfd_open(os.getppid())",
    "change the limits of its parent": "__import__('resource').prlimit(os.getppid(), 7, (9, 9))",
    "make memory that is a file": "os.memfd_create('x')",
    "open by a newer call": "call(437, -100, other.encode(), 0, 0)",
    "set up io_uring": "call(425, 1, 0)",
    "leave its namespace": "os.unshare(0) if hasattr(os, 'unshare') else call(272, 0x10000000)",
    "change its root": "os.chroot(folder)",
}
FORBIDDEN_READS = {
    "read another file": "open(other, 'rb').read()",
    "list the folder of its file": "os.listdir(folder)",
    "read the passwords": "open('/etc/passwd').read()",
    "read what its parent was told": "open(f'/proc/{os.getppid()}/environ', 'rb').read()",
    "leave by a path": "open(folder + '/../' + os.path.basename(folder) + '/other').read()",
}
ALLOWED = {
    "read the file": "assert open(path, 'rb').read(4) == b'\\x89PNG'",
    "start a thread": "start_thread()",
    "take memory": "bytearray(100 * 2**20)",
    "load a library": "import sqlite3, wave, PIL.SgiImagePlugin",
    "write what it was given": "out.write(b'x' * 1000)",
    "say that it lives": "os.kill(os.getpid(), 0)",
    "draw a number": "os.urandom(9)",
}


@functools.cache
def means_here() -> str:
    return checking.confinement()


def test_a_kernel_that_can_confines():
    """Else every test below would be skipped, whatever is wrong."""
    told = checking.inspect_file("", "file", task="confinement")
    assert told.end == "read", told
    if sys.platform == "linux":
        assert "no_new_privs" in told.answer["means"]


def needs(means: str) -> None:
    if means not in means_here():
        pytest.skip(f"this kernel has no {means}: docs/server.md says what that means")


@pytest.fixture(scope="module")
def hostile():
    """A process that looks and does what a file asks it to."""
    program = SandboxWorker.program
    SandboxWorker.program = ("-c", HOSTILE)
    try:
        lookout = SandboxWorker()
        yield lookout
        lookout.close()
    finally:
        SandboxWorker.program = program


@pytest.fixture
def attempt(hostile, tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "other").write_bytes(b"mine")

    def attempt(deed: str, out: str = ""):
        assert hostile.alive
        return hostile.look(deed, str(tmp_path / "a.png"), out)

    return attempt


@pytest.mark.parametrize("deed", FORBIDDEN)
def test_who_looks_at_a_file_cannot(attempt, tmp_path, deed):
    """S15: from inside a look files were made and overwritten, sockets opened, programs started, parents signalled."""
    needs("seccomp")
    look = attempt(FORBIDDEN[deed])
    refused = look.answer.get("refused")
    assert refused in (errno.EPERM, errno.EACCES, errno.ENOSYS), look
    assert sorted(os.listdir(tmp_path)) == ["a.png", "other"]
    assert (tmp_path / "other").read_bytes() == b"mine"
    assert (tmp_path / "a.png").read_bytes() == png()


@pytest.mark.parametrize("deed", FORBIDDEN_READS)
def test_who_looks_at_a_file_cannot_read_others(attempt, deed):
    needs("landlock")
    assert attempt(FORBIDDEN_READS[deed]).answer.get("refused") == errno.EACCES


@pytest.mark.parametrize("deed", ALLOWED)
def test_who_looks_at_a_file_can(attempt, tmp_path, deed):
    look = attempt(ALLOWED[deed], str(tmp_path / "out"))
    assert look.answer == {"done": True}, look


def test_what_is_written_has_an_end(attempt, tmp_path):
    look = attempt("out.write(bytes(sandbox.STILL_BYTES + 2**20)); out.flush()", str(tmp_path / "out"))
    assert look.answer.get("refused") == errno.EFBIG, look
    assert (tmp_path / "out").stat().st_size <= checking.STILL_BYTES


def test_a_check_says_what_confines_those_who_look(client, monkeypatch):
    told = client.get("/api/v1/check").json()
    assert told["queue"] == "ok"
    assert told["confinement"] == checking.confinement()
    monkeypatch.setattr(SandboxWorker, "look", lambda *_, **__: checking.Inspection("read", {"means": []}))
    assert "limits of memory and time alone" in client.get("/api/v1/check").json()["confinement"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")
def test_nothing_of_the_folder_of_the_server_is_code(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", *sys.path])
    folders = confinement.code_folders()
    assert str(tmp_path) not in folders
    assert "" not in folders


def answer(machine: str, number: int, *values: int, architecture: int | None = None) -> int:
    """What the filter says to a call: the instructions are done one by one, as the kernel does them."""
    known = confinement._TABLES[machine][0]
    words = {0: number, 4: known if architecture is None else architecture}
    words |= {16 + 8 * place: value & 0xFFFFFFFF for place, value in enumerate(values)}
    program, at, loaded = call_filter(machine, 1234), 0, 0
    while True:
        code, then, otherwise, constant = program[at]
        at += 1
        if code == confinement.RETURN:
            return constant
        if code == confinement.LOAD:
            loaded = words.get(constant, 0)
            continue
        tests = {confinement.EQUAL: loaded == constant, confinement.AT_LEAST: loaded >= constant}
        at += then if tests.get(code, bool(loaded & constant)) else otherwise


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_of_calls_says_the_same_on_every_processor(machine):
    _, forbidden, some = confinement._TABLES[machine]
    refused = confinement.REFUSE | errno.EPERM
    assert {answer(machine, number) for number in forbidden.values()} == {refused}
    assert answer(machine, some["openat"], -100, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_CREAT, os.O_RDONLY | os.O_TRUNC):
        assert answer(machine, some["openat"], -100, 0, flags) == refused
    assert answer(machine, some["clone"], 0x3D0F00) == ALLOW
    assert answer(machine, some["clone"], 0x01200011) == refused
    assert answer(machine, some["clone3"]) == confinement.REFUSE | errno.ENOSYS
    assert (answer(machine, some["kill"], 1234), answer(machine, some["kill"], 1)) == (ALLOW, refused)
    assert answer(machine, some["kill"], -1) == refused
    assert (answer(machine, some["prlimit64"], 0), answer(machine, some["prlimit64"], 1)) == (ALLOW, refused)
    read, mmap = (0, 9) if machine == "x86_64" else (63, 222)
    assert {answer(machine, read), answer(machine, mmap)} == {ALLOW}
    assert answer(machine, read, architecture=0x40000003) == confinement.KILL_PROCESS
    if machine == "x86_64":
        assert answer(machine, 0x40000000 + read) == refused
        assert answer(machine, some["open"], 0, os.O_RDWR) == refused


def test_the_numbers_of_calls_are_those_of_this_machine():
    """The kernel's own table, where its headers are."""
    header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
    if platform.machine() != "x86_64" or not os.path.exists(header):
        pytest.skip("the headers of the kernel are not here")
    with open(header) as file:
        lines = (line.split() for line in file)
        known = {
            line[1].removeprefix("__NR_"): int(line[2])
            for line in lines
            if line[:1] == ["#define"] and line[2:]
        }
    _, forbidden, some = confinement._TABLES["x86_64"]
    assert {name: known.get(name, number) for name, number in {**forbidden, **some}.items()} == {
        **forbidden,
        **some,
    }
    assert confinement._SECCOMP["x86_64"] == known["seccomp"]

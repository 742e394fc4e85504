"""What a process gives up for good before it opens a file of a stranger's, by the means of the Linux kernel.

- seccomp: it can open nothing for writing, change no name or right of a file, make no socket, start no program and no
  process, signal none but itself, and look into no other. Threads of its own it may have.
- Landlock: it can read nothing but the file that it looks at and the code of Python and its libraries.
- `no_new_privs`: no program that it could start would have more rights than it has.

Both filters list what is forbidden. A list of what is allowed would be shorter, but depends on the versions of the C
library and of every decoder, and one call that is missing from it would refuse a good file. Sources: seccomp(2),
landlock(7), and the tables of calls in the kernel's sources (x86_64 and aarch64).
"""

import ctypes
import errno
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1
KILL_PROCESS, ALLOW, REFUSE = 0x80000000, 0x7FFF0000, 0x00050000

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""The instructions of a filter: load a word, compare it with a constant, return."""
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
"""Where a filter finds the number of a call, the processor's kind and the call's arguments."""
CLONE_THREAD = 0x00010000
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_LATER = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_open": 434, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    "quotactl_fd": 443, "memfd_secret": 447, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466,
    "open_tree_attr": 467, "file_setattr": 469,
}  # fmt: skip
"""Calls that have the same number on every processor."""
_X86_64 = {
    "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47,
    "bind": 49, "listen": 50, "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "semget": 64, "msgget": 68,
    "shmget": 29, "truncate": 76, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87,
    "symlink": 88, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "ptrace": 101, "syslog": 103,
    "rt_sigqueueinfo": 129, "utime": 132, "mknod": 133, "uselib": 134, "personality": 135, "pivot_root": 155,
    "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167,
    "swapoff": 168, "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173,
    "init_module": 175, "delete_module": 176, "quotactl": 179, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
    "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "tkill": 200, "clock_settime": 227, "utimes": 235,
    "mq_open": 240, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "mkdirat": 258,
    "mknodat": 259, "fchownat": 260, "futimesat": 261, "unlinkat": 263, "renameat": 264, "linkat": 265,
    "symlinkat": 266, "fchmodat": 268, "unshare": 272, "utimensat": 280, "accept4": 288, "rt_tgsigqueueinfo": 297,
    "perf_event_open": 298, "recvmmsg": 299, "fanotify_init": 300, "open_by_handle_at": 304, "clock_adjtime": 305,
    "sendmmsg": 307, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "finit_module": 313, "renameat2": 316, "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "execveat": 322,
    "userfaultfd": 323,
}  # fmt: skip
_AARCH64 = {
    "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
    "mknodat": 33, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38, "umount2": 39,
    "mount": 40, "pivot_root": 41, "truncate": 45, "chroot": 51, "fchmod": 52, "fchmodat": 53, "fchownat": 54,
    "fchown": 55, "quotactl": 60, "utimensat": 88, "acct": 89, "personality": 92, "unshare": 97, "kexec_load": 104,
    "init_module": 105, "delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "tkill": 130,
    "rt_sigqueueinfo": 138, "reboot": 142, "sethostname": 161, "setdomainname": 162, "settimeofday": 170,
    "adjtimex": 171, "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194, "socket": 198, "socketpair": 199,
    "bind": 200, "listen": 201, "accept": 202, "connect": 203, "sendto": 206, "recvfrom": 207, "sendmsg": 211,
    "recvmsg": 212, "add_key": 217, "request_key": 218, "keyctl": 219, "execve": 221, "swapon": 224, "swapoff": 225,
    "rt_tgsigqueueinfo": 240, "perf_event_open": 241, "accept4": 242, "recvmmsg": 243, "fanotify_init": 262,
    "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268, "sendmmsg": 269, "process_vm_readv": 270,
    "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "renameat2": 276, "memfd_create": 279, "bpf": 280,
    "execveat": 281, "userfaultfd": 282, "kexec_file_load": 294,
}  # fmt: skip
_SOME_X86_64 = {
    "open": 2,
    "openat": 257,
    "clone": 56,
    "clone3": 435,
    "kill": 62,
    "tgkill": 234,
    "prlimit64": 302,
}
_SOME_AARCH64 = {"openat": 56, "clone": 220, "clone3": 435, "kill": 129, "tgkill": 131, "prlimit64": 261}
"""Calls that are forbidden only with some arguments."""
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_TABLES: Mapping[str, tuple[int, Mapping[str, int], Mapping[str, int]]] = {
    "x86_64": (0xC000003E, _X86_64 | _LATER, _SOME_X86_64),
    "aarch64": (0xC00000B7, _AARCH64 | _LATER, _SOME_AARCH64),
}

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
READ_FILE, READ_DIR = 1 << 2, 1 << 3
_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files each version of Landlock knows; one that is not listed knows as many as that before it."""
TCP, SIGNALS_AND_SOCKETS = 0b11, 0b11

SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime",
          "/usr/share/zoneinfo", "/sys/devices/system/cpu", "/dev/null", "/dev/urandom")  # fmt: skip
"""What libraries read, beside their own code."""


def confine(file: str | Path | None) -> tuple[str, ...]:
    """Give up all but reading a file and the code of libraries, and return by what means; () where there are none."""
    if sys.platform != "linux":
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ()
    means = ["no_new_privs"]
    if (version := _restrict_files(libc, [*code_folders(), *([] if file is None else [file])])) > 0:
        means.append(f"landlock {version}")
    if _restrict_calls(libc):
        means.append("seccomp")
    return tuple(means)


def code_folders() -> list[str]:
    """Return where Python and the system keep code; the folder in which the server was started is none of these."""
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += [path for path in sys.path if path and Path(path).resolve() != Path.cwd().resolve()]
    return list(dict.fromkeys([*found, str(Path(__file__).parents[1]), *SYSTEM]))


def _restrict_files(libc: ctypes.CDLL, readable: Iterable[str | Path]) -> int:
    """Let nothing be opened but what lies in these folders, and that for reading; return Landlock's version, or 0."""
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return 0
    rights = (1 << max(number for known, number in _RIGHTS.items() if known <= version)) - 1
    words = [rights, *([TCP] if version >= 4 else []), *([SIGNALS_AND_SOCKETS] if version >= 6 else [])]
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return 0
    try:
        for path in readable:
            _allow_reading(libc, ruleset, path)
        return version if libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow_reading(libc: ctypes.CDLL, ruleset: int, path: str | Path) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = READ_FILE | (READ_DIR if Path(path).is_dir() else 0)
        libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", allowed, place), 0)
    finally:
        os.close(place)


def _restrict_calls(libc: ctypes.CDLL) -> bool:
    """Let the kernel refuse what only who wants to do harm would call; return whether it does."""
    machine = platform.machine()
    if machine not in _TABLES or struct.calcsize("P") != 8:
        return False
    program = call_filter(machine, os.getpid())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
    filters = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    return libc.syscall(_SECCOMP[machine], SECCOMP_SET_MODE_FILTER, 0, filters) == 0


def call_filter(machine: str, process: int) -> list[tuple[int, int, int, int]]:
    """Return the filter of calls for a kind of processor: instructions of BPF with two jumps and a constant."""
    architecture, forbidden, some = _TABLES[machine]
    refuse = REFUSE | errno.EPERM
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL_PROCESS)]
    program.append((LOAD, 0, 0, NUMBER))
    if machine == "x86_64":  # the calls of x32, which have numbers of their own
        program += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, refuse)]
    for number in sorted(forbidden.values()):
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, refuse)]
    # Without it the C library starts threads by the older call, whose flags a filter can see.
    program += [(EQUAL, 0, 1, some["clone3"]), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    for name, argument in (("open", 1), ("openat", 2)):
        if name in some:
            program += _checked(some[name], argument, (ANY_BIT, 0, 1, WRITING), refuse, ALLOW)
    program += _checked(some["clone"], 0, (ANY_BIT, 0, 1, CLONE_THREAD), ALLOW, refuse)
    for name in ("kill", "tgkill"):
        program += _checked(some[name], 0, (EQUAL, 0, 1, process), ALLOW, refuse)
    program += _checked(some["prlimit64"], 0, (EQUAL, 0, 1, 0), ALLOW, refuse)
    return [*program, (RETURN, 0, 0, ALLOW)]


def _checked(
    number: int, argument: int, test: tuple[int, int, int, int], then: int, otherwise: int
) -> list[tuple[int, int, int, int]]:
    """Return what answers one call by a test of the low half of an argument."""
    inner = [(LOAD, 0, 0, ARGUMENTS + 8 * argument), test, (RETURN, 0, 0, then), (RETURN, 0, 0, otherwise)]
    return [(EQUAL, 0, len(inner), number), *inner]

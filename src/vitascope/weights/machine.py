"""What this machine has to offer a model: free memory, of its GPU and of what this process may use of the rest."""

import ctypes
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """Free bytes of memory: of the GPU, 0 where there is none, and of the rest, under the container's limit."""

    gpu: int
    ram: int
    name: str = "this machine"

    @property
    def room(self) -> int:
        """Free bytes where networks compute."""
        return self.gpu or self.ram

    def __str__(self) -> str:
        """Say it in a line."""
        gpu = f"{self.gpu / GIB:.1f} GiB free on its GPU, " if self.gpu else "no GPU, "
        return f"{self.name} has {gpu}{self.ram / GIB:.1f} GiB of memory free"


def machine() -> Machine:
    """Return what is free now. The GPU is asked through torch, which is imported only where there may be one."""
    return Machine(gpu_memory(), free_memory())


def gpu_memory() -> int:
    """Return the free bytes of the GPU that torch would use, 0 where there is none or no torch."""
    if not _may_have_gpu() or find_spec("torch") is None:
        return 0
    import torch

    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else 0


def _may_have_gpu() -> bool:
    """Say whether it is worth importing torch to ask; a system that shows its devices as files knows at once."""
    if sys.platform != "linux":
        return sys.platform == "win32"
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists() or Path("/dev/dxg").exists()


def free_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process may still take: the machine's, or less where a container says so."""
    if sys.platform == "win32":
        return _windows_memory()
    free = _linux_memory(root) or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(0, min([free, *_limits(root)]))


def _linux_memory(root: Path) -> int | None:
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _limits(root: Path) -> list[int]:
    """Return what is left under each limit of the control groups, version 1 or 2, that this process is in."""
    left = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers == "":
            base, most, used = root / "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, most, used = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        folder = base / place.lstrip("/")
        # A container may show only its own group as the root, whatever its path is outside.
        for group in {base, folder, *(parent for parent in folder.parents if parent.is_relative_to(base))}:
            if (limit := _read(group / most).strip()).isdecimal():
                left.append(int(limit) - _in_use(group, used))
    return left


def _in_use(group: Path, used: str) -> int:
    """Return what a control group really holds: files that are only cached are given back when needed."""
    cached = 0
    for line in _read(group / "memory.stat").splitlines():
        name, _, count = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            cached = max(cached, int(count))
    usage = _read(group / used).strip()
    return max(0, int(usage) - cached) if usage.isdecimal() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def _windows_memory() -> int:
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("all", "free", "pages", "page", "virtual", "left", "extended")
        ]

    status: Any = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # pyright: ignore[reportAttributeAccessIssue]
    return int(status.free)

from pathlib import Path

import pytest

from vitascope.weights.machine import GIB, Machine, free_memory, gpu_memory


def write(root: Path, files: dict[str, object]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


MEMINFO = "MemTotal: 64000000 kB\nMemAvailable: 32000000 kB"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, 32_000_000 * 1024),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}, 32_000_000 * 1024),
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": 4 * GIB,
                "sys/fs/cgroup/memory.current": 3 * GIB,
                "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {2 * GIB}",
            },
            3 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "0::/pods/one",
                "sys/fs/cgroup/pods/memory.max": 2 * GIB,
                "sys/fs/cgroup/pods/memory.current": GIB // 2,
                "sys/fs/cgroup/pods/one/memory.max": 8 * GIB,
            },
            3 * GIB // 2,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/docker/abc",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": 6 * GIB,
                "sys/fs/cgroup/memory/memory.usage_in_bytes": GIB,
            },
            5 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": GIB,
                "sys/fs/cgroup/memory.current": 2 * GIB,
            },
            0,
        ),
    ],
    ids=["no limit", "limit max", "v2", "v2 of a parent", "v1", "over the limit"],
)
def test_the_limit_of_the_container_counts(tmp_path: Path, files: dict[str, object], free: int):
    assert free_memory(write(tmp_path, {"proc/meminfo": MEMINFO, **files})) == free


def test_this_machine_has_some_memory():
    assert 0 < free_memory() < 2**50
    assert gpu_memory() >= 0


def test_a_machine_says_what_it_has():
    assert str(Machine(0, 8 * GIB)) == "this machine has no GPU, 8.0 GiB of memory free"
    assert str(Machine(24 * GIB, 8 * GIB)).startswith("this machine has 24.0 GiB free on its GPU, 8.0")

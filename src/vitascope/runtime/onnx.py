"""The runtime that ships: ONNX Runtime on the CPU, with as many threads as this process may really use."""

import math
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np


class OnnxNetwork:
    """A `Network` read from an ONNX file, whose numbers lie in a safetensors file beside it.

    The same inputs give the same bytes on the same machine. Calls from several threads are safe.
    """

    def __init__(
        self, path: str | Path, threads: int | None = None, numbers: Mapping[str, np.ndarray] | None = None
    ):
        """Load a graph; `threads` is the most CPU threads that one call may use (None or 0: one per core).

        `numbers` take the place of those of the same names in the file beside the graph.
        """
        import onnxruntime

        # For programs that imported it before Vitascope, where the opt-out in the environment came too late.
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads or usable_cores()
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        # Threads may spin while a call runs, which is faster, but an idle network must not hold a core.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # Without this, CPUs that lack integer dot products let int8 sums overflow.
        options.add_session_config_entry("session.x64quantprecision", "1")
        if numbers:
            # ONNX Runtime reads these when the session is made, so they must outlive that.
            values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in numbers.values()]
            options.add_external_initializers(list(numbers), values)
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs: tuple[str, ...] = tuple(value.name for value in self._session.get_inputs())
        self.shapes: dict[str, list] = {value.name: value.shape for value in self._session.get_inputs()}
        """The shape of each input; a name stands for a size that is free."""
        self.outputs: tuple[str, ...] = tuple(value.name for value in self._session.get_outputs())

    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name. Raises `TypeError` naming inputs that are missing or not the network's."""
        check_names(self.inputs, arrays)
        results = self._session.run(None, arrays)
        return {name: np.asarray(result) for name, result in zip(self.outputs, results, strict=True)}


def check_names(expected: tuple[str, ...], arrays: dict[str, np.ndarray]) -> None:
    """Raise `TypeError` if the arrays are not exactly those that a network wants."""
    if missing := sorted(set(expected) - set(arrays)):
        raise TypeError(f"the network also wants {', '.join(missing)}")
    if extra := sorted(set(arrays) - set(expected)):
        raise TypeError(f"the network knows no {', '.join(extra)}; it wants {', '.join(expected)}")


@cache
def usable_cores() -> int:
    """Return how many physical cores this process may use: its affinity, less twin threads, within its quota."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = {_siblings(cpu) for cpu in allowed}
    return max(1, math.ceil(min(len(cores), _cgroup_quota())))


def _siblings(cpu: int) -> str:
    """Return a name that the hardware threads of one core share."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _cgroup_quota() -> float:
    """Return the CPUs' worth of time that a container may use, infinity where nothing limits it."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text()
            period = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text()
        except OSError:
            return math.inf
    try:
        share = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return math.inf
    return share if share > 0 else math.inf

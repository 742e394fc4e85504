"""Several machines, as far as one machine can play them."""

import json
import subprocess
import sys

import pytest


def test_each_device_has_a_worker_and_those_of_a_machine_that_dies_are_replaced(tmp_path):
    pytest.importorskip("ray", reason="the extra [cluster] is not installed")
    command = [sys.executable, "-m", "tests.jobs.ray.machines", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "one each": True,
        "devices": ["0", "0"],  # each sees the one of its own machine
        "left": True,
        "states": ["completed", "completed"],
        "lost": [0, 1],
        "first steps": [1, 1],  # the job of the dead machine goes on from its last step
        "check": "ok",
    }

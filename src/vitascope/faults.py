"""Places where a test may kill the process: every boundary where a crash could lose or double something.

`VITASCOPE_FAULT="finish: saved"` kills with SIGKILL when that place is reached, `"beat: saved:3"` when it is reached
for the third time. Without it a place costs one comparison.
"""

import os
import signal

POINTS = (
    "submit: begun",
    "submit: inserted",
    "submit: committed",
    "input: kept",
    "claim: begun",
    "claim: updated",
    "claim: committed",
    "beat: begun",
    "beat: saved",
    "beat: committed",
    "finish: saved",
    "finish: logged",
    "finish: posted",
    "finish: committed",
    "recover: saved",
    "recover: committed",
    "cancel: saved",
    "cancel: committed",
    "delete: committed",
    "delete: half removed",
    "move: half saved",
    "worker: started",
    "worker: folder made",
    "worker: loading",
    "worker: encoding",
    "worker: denoising",
    "worker: decoding",
    "worker: rendered",
    "worker: writing",
    "publish: written",
    "publish: synced",
    "publish: renamed",
    "publish: folder synced",
    "worker: all published",
    "worker: swept",
)

_armed: dict[str, int] = {}


def arm(fault: str) -> None:
    """Kill this process at a place, "NAME" or "NAME:COUNT"; raises `ValueError` for a name that is not known."""
    name, _, count = fault.rpartition(":") if fault.rpartition(":")[2].isdecimal() else (fault, "", "1")
    if name not in POINTS:
        raise ValueError(f"{name!r} is no fault point; known: {', '.join(POINTS)}")
    _armed[name] = int(count)


def FaultPoint(name: str) -> None:
    """Die here if that is what VITASCOPE_FAULT says."""
    if not _armed:
        return
    if name not in POINTS:
        raise ValueError(f"{name!r} is missing in POINTS")
    if name in _armed:
        _armed[name] -= 1
        if _armed[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if _fault := os.environ.get("VITASCOPE_FAULT"):
    arm(_fault)

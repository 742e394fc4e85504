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
    "adopt: committed",
    "backup: written",
    "migrate: begun",
    "migrate: stepped",
    "migrate: counted",
    "migrate: committed",
    "ballast: made",
    "input: kept",
    "file: made",
    "file: written",
    "file: synced",
    "file: renamed",
    "file: folder synced",
    "upload: written",
    "upload: checked",
    "upload: moved",
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
    "retry: committed",
    "pause: committed",
    "resume: committed",
    "delete: saved",
    "delete: committed",
    "delete: half removed",
    "delete: all removed",
    "prune: deleted one",
    "tidy: swept",
    "tidy: input removed",
    "move: half saved",
    "move: committed",
    "outbox: taken",
    "outbox: committed",
    "outbox: arrived",
    "presence: made",
    "presence: locked",
    "presence: left",
    "worker: started",
    "worker: claimed",
    "worker: folder made",
    "worker: loading",
    "worker: encoding",
    "state: opened",
    "state: kept",
    "state: read",
    "worker: denoising",
    "worker: decoding",
    "worker: rendered",
    "worker: writing",
    "publish: written",
    "publish: summed",
    "publish: synced",
    "publish: renamed",
    "publish: folder synced",
    "worker: found made",
    "worker: clip done",
    "worker: all published",
    "worker: broken off",
    "worker: told",
    "sweep: half swept",
    "worker: swept",
    "webhook: addressed",
    "webhook: sent",
)

_armed: dict[str, int] = {}


def arm(fault: str) -> None:
    """Kill this process at a place, "NAME" or "NAME:COUNT"; raises `ValueError` for a name that is not known."""
    name, _, count = fault.rpartition(":") if fault.rpartition(":")[2].isdecimal() else (fault, "", "1")
    if name not in POINTS:
        raise ValueError(f"{name!r} is no fault point; known: {', '.join(POINTS)}")
    _armed[name] = int(count)


def failpoint(name: str) -> None:
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

"""What is measured where a clip is given in part: who is in the part that was made, and how the two join."""

import numpy as np

from vitascope.evaluation.metrics.likeness import likeness
from vitascope.evaluation.metrics.luma import luma
from vitascope.evaluation.tasks.base import Case, Frames, Row, Studio, marked, median

STEP = 0.2
"""Picture widths that a toy may go from one frame to the next at a join: jumpers go 0.12, the judge is off by 0.07."""
LOOKS = 4
"""Made frames that are held against the given one next to them, evenly spread."""
QUIET = 0.002
"""Change from frame to frame, of full brightness, that is as good as none."""

ROWS = (
    Row("subject", "who was given is in the part that was made", 0.90, head="subject"),
    Row("kept", "  cosine to the given pictures'", percent=False, head="subject"),
    Row("joins", "  and goes on from where it was", head="subject"),
    Row("jump", "  change of the picture there, against that in what was made", percent=False, sum_up=median),
)


def measured(case: Case, frames: Frames, is_new: np.ndarray, studio: Studio) -> dict[str, np.ndarray]:
    """Return the values of `ROWS` for a clip of which the frames `wanted` (a mark for each) were made."""
    frame_numbers = np.flatnonzero(is_new)
    labels = studio.judge.judge(frames[frame_numbers]).labels
    values = {"subject": marked(labels["subject"] == case.scene.subject)}
    joints = np.flatnonzero(is_new[1:] != is_new[:-1])
    nearest = int(joints[0] + (1 if is_new[joints[0]] else 0))
    places = frame_numbers[np.linspace(0, len(frame_numbers) - 1, LOOKS).round().astype(int)]
    beside = np.stack([joints, joints + 1], axis=1).ravel()
    stills = studio.judge.stills(frames[[nearest, *places, *beside]])
    looks, middles = stills.embeddings[: 1 + LOOKS], stills.middles
    values["kept"] = np.array([likeness(looks[0], looks[1:])])
    if middles is not None:
        steps = np.diff(middles[1 + LOOKS :].reshape(-1, 2, 2), axis=1)[:, 0]
        values["joins"] = marked(bool((np.hypot(*steps.T) <= STEP).all()))
    values["jump"] = np.array([jump(frames, joints, is_new[1:] & is_new[:-1])])
    return values


def jump(frames: Frames, joints: np.ndarray, inside: np.ndarray) -> float:
    """Return how much the picture changes at joints, against its changes between the frames `inside`."""
    changes = np.abs(np.diff(luma(frames), axis=0)).mean(axis=(1, 2))
    return float(changes[joints].mean() / max(changes[inside].mean(), QUIET))

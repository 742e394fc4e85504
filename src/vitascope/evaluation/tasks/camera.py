"""Camera by numbers: the way that was asked for against the way that the ground moves in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitascope.camera.path import camera_path, centred
from vitascope.evaluation.metrics.flow import asked_flow, correlation, global_flow, in_pixels
from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.world import sample_scene
from vitascope.types import CameraMove

KINDS = ("pan", "tilt", "zoom")


def pooled(values: Sequence[np.ndarray]) -> float:
    """Return the correlation over all frames of all clips; each value is rows of (asked, measured)."""
    pairs = np.concatenate(values)
    return correlation(pairs[:, 0], pairs[:, 1])


def gain(values: Sequence[np.ndarray]) -> float:
    """Return how far the picture moves for each pixel that was asked for: the slope of the line through 0."""
    expected, measured = np.concatenate(values).T
    return float(expected @ measured / max(float(expected @ expected), 1e-9))


@dataclass(frozen=True)
class CameraByNumbers:
    """One or two moves by random amounts, up to the largest that the model has seen."""

    name: str = "camera"
    rows: tuple[Row, ...] = (
        Row("camera", "camera, correlation with the measured flow", 0.95, percent=False, sum_up=pooled),
        *(Row(kind, f"  {kind}", percent=False, sum_up=pooled) for kind in KINDS),
        Row("gain", "  how far of what was asked", percent=True, sum_up=gain),
    )

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene and moves. The subject stands, so that nothing but the camera moves the picture."""
        scene = replace(sample_scene(rng, studio.world), camera="static", action="stand")
        limits = studio.backend.card.camera_limits
        kinds = [kind for kind in KINDS if kind in limits]
        chosen = rng.permutation(kinds)[: rng.integers(1, 3)].tolist()
        moves = tuple(
            CameraMove(kind=kind, amount=float(rng.uniform(-limits[kind], limits[kind]))) for kind in chosen
        )
        return Case(canonical(scene), int(rng.integers(2**31)), scene, camera=moves)

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Make the clip and measure how the ground moves in it."""
        frames = studio.make(case, camera=case.camera)
        count, height, width, _ = frames.shape
        times = np.arange(count) / studio.fps
        path = centred(camera_path(case.camera, times, float(times[-1]) or 1.0))
        expected, measured = (
            in_pixels(flow, width) for flow in (asked_flow(path, width, height), global_flow(frames))
        )
        values = {kind: np.stack([expected[:, i], measured[:, i]], axis=1) for i, kind in enumerate(KINDS)}
        everything = np.concatenate(list(values.values()))
        return Outcome(frames, {"camera": everything, "gain": everything, **values})


CAMERA = CameraByNumbers()

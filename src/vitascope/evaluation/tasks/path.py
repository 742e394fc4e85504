"""The subject's path: where it was asked to go against where the judge sees it."""

from dataclasses import dataclass, replace

import numpy as np

from vitascope.evaluation.metrics.way import way_error
from vitascope.evaluation.metrics.whereabouts import whereabouts
from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, marked
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.motion.waypoints import path_positions
from vitascope.toybox.world import sample_scene

FIELD = ((0.15, 0.35), (0.85, 0.75))
"""Left and top, right and bottom of where paths go: the toy stays in the picture."""
NEAR = 0.10


@dataclass(frozen=True)
class SubjectPath:
    """Two to four places, passed at equal intervals under a camera that stands still."""

    name: str = "path"
    rows: tuple[Row, ...] = (
        Row("error", "path, mean error in picture widths", NEAR, at_most=True),
        Row("near", "  clips within that"),
    )

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene and places."""
        scene = replace(sample_scene(rng, studio.world), camera="static")
        places = rng.uniform(*FIELD, (int(rng.integers(2, 5)), 2))
        times = np.linspace(0, studio.seconds, len(places))
        path = tuple((float(t), float(x), float(y)) for t, (x, y) in zip(times, places, strict=True))
        return Case(canonical(scene), int(rng.integers(2**31)), scene, path=path)

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Make the clip and see where the subject is in each frame: roughly by the judge, then by the set behind."""
        frames = studio.make(case, path=case.path)
        rough = studio.judge.stills(frames).middles
        if rough is None:
            return Outcome(frames, {})
        expected = path_positions(case.path, np.arange(len(frames)) / studio.fps)
        error = way_error(whereabouts(frames, rough), expected, frames.shape[2] / frames.shape[1])
        return Outcome(frames, {"error": np.array([error]), "near": marked(error <= NEAR)})


PATH = SubjectPath()

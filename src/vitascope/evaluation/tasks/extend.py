"""Extension: a clip goes on after its end, or begins earlier, and its subject with it."""

from dataclasses import dataclass, replace

import numpy as np

from vitascope.evaluation.tasks import joins
from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, described

SECONDS = 2.0


@dataclass(frozen=True)
class Extend:
    """A clip of a scene, often with a camera that moves, and words for it; every other case is what comes before."""

    name: str = "extend"
    rows: tuple[Row, ...] = (
        *joins.ROWS,
        Row("after", "  subject, at the end", head="subject"),
        Row("before", "  subject, before the beginning", head="subject"),
    )

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene whose subject stays in sight, under whatever camera, and words that do not speak of that."""
        case = described(rng, studio.world, ("grow", "fall"))
        camera = studio.world.cameras[int(rng.integers(len(studio.world.cameras)))]
        field = ("after", "before")[int(rng.integers(2))]
        return replace(case, scene=replace(case.scene, camera=camera), field=field)

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Extend a clip of the scene, and look at what was added."""
        source = studio.sources.clip(case.scene, case.seed)
        before = case.field == "before"
        frames = studio.extend(case, source, SECONDS, before=before)
        count = len(frames) - len(source) + (1 if before else 0)
        is_new = np.arange(len(frames)) < count if before else np.arange(len(frames)) >= len(source)
        values = joins.measured(case, frames, is_new, studio)
        return Outcome(frames, values | {case.field: values["subject"]})


EXTEND = Extend()

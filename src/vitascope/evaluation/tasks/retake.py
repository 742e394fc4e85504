"""A retake: a span of a clip is made anew, and its subject goes from the one end of it to the other."""

from dataclasses import dataclass

import numpy as np

from vitascope.evaluation.tasks import joins
from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, described

SPAN = (0.3, 0.8)
"""Shares of the clip between which it is made anew."""


@dataclass(frozen=True)
class Retake:
    """A clip of a scene, and words for it."""

    name: str = "retake"
    rows: tuple[Row, ...] = joins.ROWS

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene whose subject stays in sight, and words for it."""
        return described(rng, studio.world, ("grow", "fall"))

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Make the middle of a clip anew, and look at it."""
        source = studio.sources.clip(case.scene, case.seed)
        start, end = (round(share * len(source)) for share in SPAN)
        frames = studio.edit(case, source, span=(start / studio.fps, end / studio.fps))
        places = np.arange(len(frames))
        return Outcome(frames, joins.measured(case, frames, (places >= start) & (places < end), studio))


RETAKE = Retake()

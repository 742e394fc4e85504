"""Keyframes: pictures at times, and the subject goes from one to the next."""

from dataclasses import dataclass, replace

import numpy as np

from vitascope import tasks
from vitascope.evaluation.sources import shape_of
from vitascope.evaluation.tasks import joins
from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, described
from vitascope.givens.load import keyframe
from vitascope.toybox.layout import TIME_STRIDE


@dataclass(frozen=True)
class Keyframes:
    """The first and the last frame of a scene, in every other case one between them as well, and words for it."""

    name: str = "keyframes"
    rows: tuple[Row, ...] = joins.ROWS

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene whose subject stays in sight, and words for it."""
        case = described(rng, studio.world, ("grow", "fall"))
        return replace(case, field=("two", "three")[int(rng.integers(2))])

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Give the pictures, and look at what is between them."""
        shape, source = shape_of(studio.backend), studio.sources.clip(case.scene, case.seed)
        last = len(source) - 1
        times = [keyframe(share * last / shape.fps, shape, TIME_STRIDE) for share in (0.5, 1.0)]
        times = times[1:] if case.field == "two" else times
        givens = [tasks.first_frame(studio.picture(source[0], "first"))]
        is_new = np.arange(len(source)) > 0
        for place in times:
            picture = studio.picture(source[place], f"at-{place}")
            givens.append(tasks.keyframe(picture, place / shape.fps))
            is_new[place - TIME_STRIDE + 1 : place + 1] = False
        frames = studio.make(case, tuple(givens))
        return Outcome(frames, joins.measured(case, frames, is_new, studio))


KEYFRAMES = Keyframes()

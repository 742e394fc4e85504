"""Adding by instruction: an empty set gets a subject."""

from dataclasses import dataclass, replace

import numpy as np

from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, marked
from vitascope.toybox.language.instructions import addition
from vitascope.toybox.world import sample_scene


@dataclass(frozen=True)
class Add:
    """A clip of a set where nobody is, and the instruction to add somebody who belongs there."""

    name: str = "add"
    rows: tuple[Row, ...] = (
        Row("present", "added object present", 0.75, head="subject"),
        Row("set", "  and the place is still the same", head="set"),
    )

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene."""
        scene = replace(sample_scene(rng, studio.world), camera="static")
        return Case(addition(scene.subject), int(rng.integers(2**31)), scene)

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Edit a clip of the empty set, and see who is there."""
        frames = studio.edit(case, studio.sources.clip(case.scene, case.seed, empty=True))
        labels = studio.judge.judge(frames).labels
        present = marked(labels["subject"] == case.scene.subject)
        return Outcome(frames, {"present": present, "set": marked(labels["set"] == case.scene.set)})


ADD = Add()

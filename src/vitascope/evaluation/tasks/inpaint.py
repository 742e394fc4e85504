"""Inpainting: a toy in a box of a clip that shows none."""

from dataclasses import dataclass, replace

import numpy as np

from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, described, marked

SIDES = (0.4, 0.65)
"""Width and height of a box, in shares of the picture."""
SLACK = 0.06
"""How far outside the box the judge may see the subject's middle: about as much as it is off by."""


@dataclass(frozen=True)
class Inpaint:
    """A clip of an empty set, a box, and words for who is to be there."""

    name: str = "inpaint"
    rows: tuple[Row, ...] = (
        Row("present", "who was asked for is there", 0.75, head="subject"),
        Row("inside", "  its middle in the box"),
        Row("set", "  and the place is still the same", head="set"),
    )

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene, and a box in the lower part of the picture."""
        case = described(rng, studio.world, ())
        wide, high = rng.uniform(*SIDES, 2)
        left, top = rng.uniform(0.05, 0.95 - wide), rng.uniform(0.95 - high, 1 - high)
        return replace(case, box=(float(left), float(top), float(wide), float(high)))

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Make the box of an empty clip anew, and see who is there, and where."""
        frames = studio.edit(case, studio.sources.clip(case.scene, case.seed, empty=True), box=case.box)
        labels, middles = studio.judge.judge(frames).labels, studio.judge.stills(frames).middles
        present = marked(labels["subject"] == case.scene.subject)
        values = {"present": present, "set": marked(labels["set"] == case.scene.set)}
        if middles is not None and case.box is not None:
            corner, size = np.array(case.box[:2]), np.array(case.box[2:])
            inside = (middles >= corner - SLACK) & (middles <= corner + size + SLACK)
            values["inside"] = marked(bool(inside.all(axis=1).mean() >= 0.5))
        return Outcome(frames, values)


INPAINT = Inpaint()

"""Image to video: the subject of the given picture stays the same one, and the clip moves."""

from dataclasses import dataclass

import numpy as np

from vitascope import tasks
from vitascope.evaluation.metrics.likeness import likeness
from vitascope.evaluation.metrics.motion import STILL, motion
from vitascope.evaluation.suites import SuitePrompt
from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, marked
from vitascope.toybox.language.captions import describe
from vitascope.toybox.world import sample_scene

LEFT_OUT = ("stand", "grow", "fall")
"""Actions that are not asked for: the first stands still, the others begin with a subject that is hardly in sight."""
LATER = 4
"""Later frames that are held against the given one, evenly spread, the last among them."""


@dataclass(frozen=True)
class ImageToVideo:
    """A first frame of a scene, with words for it."""

    name: str = "image"
    rows: tuple[Row, ...] = (
        Row("kept", "subject kept, cosine to the given picture's", 0.90, percent=False, head="subject"),
        Row("moves", "clips that move", 0.90),
    )

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene in which something happens, and words for it."""
        scene = sample_scene(rng, studio.world)
        while scene.action in LEFT_OUT:
            scene = sample_scene(rng, studio.world)
        words, seed = describe(scene, rng), int(rng.integers(2**31))
        # What the words leave out is told to the model as its usual: the picture shows nothing that contradicts it.
        scene_asked = SuitePrompt(words.text, scene, words.said, seed, "seen").asked()
        return Case(words.text, seed, scene_asked)

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Give the first frame, and look at what comes of it."""
        given = studio.sources.clip(case.scene, case.seed)[0]
        frames = studio.make(case, (tasks.first_frame(studio.picture(given)),))
        places = np.linspace(0, len(frames) - 1, LATER + 1).round().astype(int)[1:]
        embeddings = studio.judge.stills(np.concatenate([given[None], frames[places]])).embeddings
        # The given frame is sharper than those that are made: the step from it to the next would count as motion.
        lively = motion(studio.resize_for_judge(frames[1:]), studio.fps) > STILL
        return Outcome(
            frames, {"kept": np.array([likeness(embeddings[0], embeddings[1:])]), "moves": marked(lively)}
        )


IMAGE = ImageToVideo()

"""Edits by instruction: another style, time of day or season, and the rest as it was."""

from dataclasses import dataclass, replace

import numpy as np

from vitascope.evaluation.tasks.base import Case, Outcome, Row, Studio, marked
from vitascope.toybox.language.captions import pick
from vitascope.toybox.scene import Scene, seasons_of, times_of, weathers_of
from vitascope.toybox.world import World, sample_scene

WORDS = {
    "style": ("as {}", "turn it into {}"),
    "time": ("make it {}", "set it at {}"),
    "season": ("make it {}", "change the season to {}"),
}
SAID = {"day": "daytime", "noir": "film noir", "clay": "a clay film", "watercolour": "a watercolour painting",
        "pencil": "a pencil drawing"}  # fmt: skip


@dataclass(frozen=True)
class Restyle:
    """A clip, and an instruction that changes one thing about all of it."""

    name: str = "restyle"
    rows: tuple[Row, ...] = (
        Row("right", "restyled as asked", 0.85),
        Row("style", "  style", head="style"),
        Row("time", "  time of day", head="time"),
        Row("season", "  season", head="season"),
        Row("subject", "  and the subject is still there", head="subject"),
    )

    def draw(self, rng: np.random.Generator, studio: Studio) -> Case:
        """Draw a scene and a change that it allows."""
        while True:
            scene = replace(sample_scene(rng, studio.world), camera="static")
            alternatives = {
                name: labels for name in WORDS if (labels := other_labels(scene, name, studio.world))
            }
            if alternatives:
                break
        name = list(alternatives)[rng.integers(len(alternatives))]
        label = alternatives[name][rng.integers(len(alternatives[name]))]
        text = pick(rng, WORDS[name]).format(SAID.get(label, label))
        return Case(text, int(rng.integers(2**31)), scene, field=name, label=label)

    def run(self, case: Case, studio: Studio) -> Outcome:
        """Edit a clip of the scene, and see what it shows now."""
        frames = studio.edit(case, studio.sources.clip(case.scene, case.seed))
        labels = studio.judge.judge(frames).labels
        if case.field not in labels:
            return Outcome(frames, {})
        right = marked(labels[case.field] == case.label)
        same_subject = marked(labels["subject"] == case.scene.subject)
        return Outcome(frames, {"right": right, case.field: right, "subject": same_subject})


def other_labels(scene: Scene, field: str, world: World) -> list[str]:
    """Return the labels that a scene could have in a field in place of its own."""
    possible = {
        "style": world.styles,
        "time": [time for time in times_of(scene.set) if time in world.times],
        "season": [
            season
            for season in seasons_of(scene.set)
            if season in world.seasons and scene.weather in weathers_of(scene.set, season)
        ],
    }
    return [label for label in possible[field] if label != getattr(scene, field)]


RESTYLE = Restyle()

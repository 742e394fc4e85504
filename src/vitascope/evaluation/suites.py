"""Suites: prompts drawn by fixed seeds, so that every model is asked the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitascope.toybox.language.captions import describe
from vitascope.toybox.scene import FIELDS, Scene
from vitascope.toybox.world import World, sample_scene

SPLITS = ("seen", "held_out")
"""Compositions (subject, action, set) that training draws from, and those that it never sees."""


@dataclass(frozen=True)
class SuitePrompt:
    """One prompt: its words, the scene behind them, the fields that they say, the seed to render with."""

    text: str
    scene: Scene
    said: frozenset[str]
    seed: int
    split: str

    def asked(self) -> Scene:
        """Return the scene as far as the words say it, everything else at its default."""
        plain = Scene(self.scene.subject, self.scene.action, self.scene.set)
        unsaid = {field: getattr(plain, field) for field in FIELDS if field not in self.said}
        return replace(self.scene, **unsaid)


def draw_suite(world: World, split: str, count: int, seed: int = 0) -> tuple[SuitePrompt, ...]:
    """Draw `count` prompts of a split, all different; a longer suite starts with the shorter one.

    Raises ValueError if the world has no compositions of that split.
    """
    prompts: dict[str, SuitePrompt] = {}
    index = 0
    while len(prompts) < count and index < 20 * count + 100:
        rng = np.random.default_rng([seed, SPLITS.index(split), index])
        scene = sample_scene(rng, world, held_out=split == "held_out")
        words = describe(scene, rng)
        prompts.setdefault(
            words.text, SuitePrompt(words.text, scene, words.said, int(rng.integers(2**31)), split)
        )
        index += 1
    return tuple(prompts.values())


def suite(world: World, splits: Sequence[str], count: int, seed: int = 0) -> tuple[SuitePrompt, ...]:
    """Draw `count` prompts of each split, one split after the other."""
    return tuple(prompt for split in splits for prompt in draw_suite(world, split, count, seed))

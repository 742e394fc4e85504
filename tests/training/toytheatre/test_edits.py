"""Edits of takes of an open cast."""

from collections import Counter
from dataclasses import asdict

import numpy as np

from vitascope.toybox.scene import seasons_of, sets_of, times_of
from vitascope.toybox.world import FULL
from vitascope.training.toytheatre.edits import SHARES, sample_open_edit

PAGES = ("ox", "tram", "fox")
NAMES = {page: f"old {page}" for page in PAGES}


def test_an_edit_changes_one_thing_and_says_what():
    rng, kinds = np.random.default_rng(3), Counter[str]()
    for _ in range(200):
        before, after, words = sample_open_edit(rng, FULL, PAGES, NAMES)
        assert before.seed == after.seed
        if before.empty or after.empty:
            kinds["add" if before.empty else "remove"] += 1
            assert words.startswith("add a" if before.empty else "remove the ")
            assert before.scene == after.scene
            assert before.others == after.others == ()
            continue
        old, new = asdict(before.scene), asdict(after.scene)
        (changed,) = (name for name in old if old[name] != new[name])
        kinds[changed] += 1
        if changed == "subject":
            assert words.startswith("replace the ")
            names = {"the toy with a toy", f"the old {old[changed]} with an old {new[changed]}"}
            assert words.removeprefix("replace ") in names
        else:
            assert new[changed].split()[0] in words or changed in ("set", "time", "style")
    assert set(kinds) == set(SHARES)


def test_an_edit_leads_to_what_the_theatre_can_show():
    rng = np.random.default_rng(4)
    for _ in range(100):
        scene = sample_open_edit(rng, FULL, PAGES, NAMES)[1].scene
        assert scene.set in sets_of(scene.action)
        assert scene.time in times_of(scene.set)
        assert scene.season in seasons_of(scene.set)

import numpy as np
import pytest

from vitascope.tasks import edited
from vitascope.toybox.brief import Brief, Briefs
from vitascope.toybox.language.captions import canonical, read_canonical
from vitascope.toybox.language.instructions import (
    SET_WORDS,
    STYLE_WORDS,
    TIME_WORDS,
    WEATHER_WORDS,
    addition,
    change_of,
    instruction,
    read_instruction,
    removal,
    replacement,
)
from vitascope.toybox.language.parse import parse
from vitascope.toybox.scene import FIELDS, SEASONS, Scene
from vitascope.toybox.world import FULL, sample_scene
from vitascope.types import PlannedShot, Shot, VideoShape

LEFT = ("subject", "set", "season", "time", "weather", "style")


def scenes(count: int) -> list[Scene]:
    rng = np.random.default_rng(0)
    return [sample_scene(rng) for _ in range(count)]


def test_a_caption_is_read_back_to_the_labels_that_it_was_written_from():
    rng = np.random.default_rng(1)
    for scene in scenes(300):
        left = frozenset(name for name in LEFT if rng.random() < 0.3)
        labels = read_canonical(canonical(scene, left))
        assert labels is not None
        kept = [name for name in FIELDS if name != "camera" and name not in left]
        assert {name: labels[name] for name in kept if name in labels} == {
            name: getattr(scene, name) for name in kept if name != "season" or name in labels
        }
        assert not labels.keys() & left


def test_a_caption_stands_for_the_scene_that_a_reader_of_prompts_finds_in_it():
    for scene in scenes(60):
        caption = canonical(scene)
        brief, read = Brief.of(caption).scene, parse(caption).scene
        assert (brief.subject, brief.action, brief.set) == (read.subject, read.action, read.set)


def test_no_other_sentence_is_taken_for_a_caption():
    for text in (
        "a cat",
        "make it night",
        "a cat walks in a garden, day, hot",
        "",
        "a nobody walks in a garden",
    ):
        assert read_canonical(text) is None


@pytest.mark.parametrize(
    "text",
    [
        addition("dog"),
        removal("owl"),
        replacement("cat", "fish"),
        *(change_of("time", label) for label in TIME_WORDS),
        *(change_of("weather", label) for label in WEATHER_WORDS),
        *(change_of("style", label) for label in STYLE_WORDS),
        *(change_of("set", label) for label in SET_WORDS),
        *(change_of("season", label) for label in SEASONS),
    ],
)
def test_an_instruction_is_read_back_to_what_it_does(text: str):
    asked = read_instruction(text)
    assert asked is not None
    assert asked.text == text
    assert Brief.of(text).instruction == asked


def test_an_edit_is_recognised_by_what_it_does_and_not_by_how_it_begins():
    kinds = {text: instruction(text) for text in ("put a dog in", "get rid of the owl", "make it night")}
    assert [asked and asked.kind for asked in kinds.values()] == ["add", "remove", "change"]
    # A thing that is called by the word of an instruction is no instruction.
    for text in ("add is a word", "remove a doubt"):
        assert not Brief.of(text).adds
        assert not Brief.of(text).removes
    assert Brief.of(addition("dog")).adds
    assert Brief.of(removal("dog")).removes


def planned(**said) -> PlannedShot:
    shape = {"size": (64, 48), "num_frames": 17, "fps": 8.0, "seed": 1, "steps": 1, "guidance_scale": 1.0}
    return PlannedShot.of(Shot(**{"prompt": "a cat", "caption": "a cat walks", **shape, **said}))


def test_the_briefs_of_a_shot_hold_at_their_times():
    whole = planned(script=((0.5, "a cat jumps"), (0.75, "a cat spins")))
    briefs = Briefs.of(whole)
    assert whole.shape == VideoShape(17, 48, 64, 8.0)
    assert [briefs.at(share).scene.action for share in (0.0, 0.49, 0.5, 0.9)] == [
        "walk",
        "walk",
        "jump",
        "spin",
    ]
    assert [share for share, _ in briefs.ends] == [0.5, 0.75, 1.0]
    assert (briefs.source, briefs.photograph) == (None, None)


def test_what_a_source_shows_is_a_brief_of_its_own():
    given = edited("in.mp4").model_copy(update={"shows": "a cat walks in a garden"})
    briefs = Briefs.of(planned(givens=(given,)), FULL)
    assert briefs.source is not None
    assert (briefs.source.scene.subject, briefs.photograph) == ("cat", None)

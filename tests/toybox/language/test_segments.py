import pytest

from vitascope.camera.times import parse_at
from vitascope.errors import RequestError
from vitascope.toybox.language.segments import MOST_STAGES, stages


def actions(prompt: str) -> list[str]:
    return [stage.scene.action for stage in stages(prompt)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat walks // it jumps // it dances", ["walk", "jump", "dance"]),
        ("a cat walks, then jumps", ["walk", "jump"]),
        ("un gato camina y luego salta", ["walk", "jump"]),
        ("Eine Katze rennt, dann tanzt sie", ["run", "dance"]),
        ("猫在花园里散步,然后跳舞", ["walk", "dance"]),
        ("猫が歩いて、それから踊る", ["walk", "dance"]),
        ("кот идёт, потом прыгает", ["walk", "jump"]),
        ("قطة تمشي ثم تقفز", ["walk", "jump"]),
        ("a cat walks next to a dog", ["walk"]),
    ],
)
def test_then_sets_stages_apart(prompt: str, expected: list[str]):
    assert actions(prompt) == expected


def test_a_stage_keeps_what_it_does_not_say_anew():
    first, second, third = stages("a horse in a forest at night // it runs // a dog at sunset, pan left")
    assert (second.scene.subject, second.scene.set, second.scene.time) == ("horse", "forest", "night")
    assert (third.scene.subject, third.scene.set, third.scene.time) == ("dog", "forest", "sunset")
    assert (first.start, first.end, third.start, third.end) == (0, 1 / 3, 2 / 3, 1)
    assert [len(stage.parsed.camera) for stage in (first, second, third)] == [0, 0, 1]
    assert "horse" in second.caption


def test_the_camera_has_times_of_its_own():
    assert len(stages("a cat, slow zoom in, then the camera pans left")) == 1


@pytest.mark.parametrize("prompt", ["", "//", "// // //", "then", "then then, then", "\u202e//"])
def test_nothing_said_is_one_stage(prompt: str):
    assert len(stages(prompt)) == 1


def test_stages_are_bounded():
    assert len(stages("a cat jumps // " * 100)) == MOST_STAGES


@pytest.mark.parametrize(
    ("text", "expected"),
    [('4s="a cat jumps"', (4.0, "a cat jumps")), ("2.5=x=y", (2.5, "x=y")), (" 0 s = a ", (0.0, "a"))],
)
def test_a_time_and_what_is_then(text: str, expected: tuple[float, str]):
    assert parse_at(text) == expected


@pytest.mark.parametrize(
    "text", ["", "4s", "=a cat", "-1s=a", "nan=a", "1e3=a", "four=a", "4s=", '4s= "" ', "٣=a"]
)
def test_anything_else_is_refused_in_one_line(text: str):
    with pytest.raises(RequestError, match=r"^at: .*4s=") as caught:
        parse_at(text)
    assert "\n" not in str(caught.value)

import pytest

from vitascope.errors import RequestError
from vitascope.planning.prompt import MAX_PROMPT, clean
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.world import FULL
from vitascope.types import CameraMove, Shot


def test_the_prompt_fills_caption_camera_and_style():
    plan = resolve(Shot(prompt="a  noir cat walks\nin a garden, zoom in"), FULL)
    assert plan.shot.prompt == "a noir cat walks in a garden, zoom in"
    assert plan.shot.caption is not None
    assert "cat" in plan.shot.caption
    assert plan.shot.style == "noir"
    assert [move.kind for move in plan.shot.camera or ()] == ["zoom"]


def test_what_the_shot_says_goes_before_its_prompt():
    camera = (CameraMove(kind="pan", amount=0.1),)
    plan = resolve(Shot(prompt="a noir cat, zoom in", style="pencil", camera=camera), FULL)
    assert (plan.shot.style, plan.shot.camera) == ("pencil", camera)
    assert plan.shot.caption is not None
    assert "pencil" in plan.shot.caption
    assert resolve(Shot(prompt="a cat, zoom in", camera=()), FULL).shot.camera == ()


def test_a_resolved_shot_is_left_alone():
    shot = Shot(prompt="a kraken", caption="an octopus swims underwater")
    plan = resolve(shot, FULL)
    assert plan.shot is shot
    assert plan.notes == ()


def test_an_unknown_style_is_refused_with_the_known_ones():
    with pytest.raises(RequestError, match="it knows: clay"):
        resolve(Shot(prompt="a cat", style="cubist"), FULL)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  a \t cat\r\n ", "a cat"),
        ("👩🏽‍🚀🐈", "👩🏽‍🚀🐈"),
        ("\u202eقطة\u202c", "قطة"),
        ("cafe\u0301", "café"),
        ("x" * MAX_PROMPT, "x" * MAX_PROMPT),
        ("", ""),
    ],
)
def test_clean_text_is_one_line(text, kept):
    assert clean("prompt", text) == kept


@pytest.mark.parametrize("text", ["a\x00", "\x1b[2Jcat", "\x7f", "\ud800", "x" * (MAX_PROMPT + 1)])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(RequestError) as caught:
        clean("prompt", text)
    assert str(caught.value).isprintable()


def test_what_is_not_wanted_is_the_negative_prompt_unless_the_user_gave_one():
    plan = resolve(Shot(prompt="un gato en la playa, sin gente"), FULL)
    assert plan.shot.negative_prompt == "people"
    assert any('"people"' in note for note in plan.notes)
    assert (
        resolve(Shot(prompt="a cat without people", negative_prompt="fog"), FULL).shot.negative_prompt
        == "fog"
    )


def test_a_length_in_the_words_is_the_length_of_the_shot():
    assert resolve(Shot(prompt="a 2 second clip of a cat"), FULL).shot.seconds == 2
    assert resolve(Shot(prompt="a 2 second clip of a cat", seconds=1.0), FULL).shot.seconds == 1
    assert resolve(Shot(prompt="a 2 second clip of a cat", num_frames=9), FULL).shot.seconds is None

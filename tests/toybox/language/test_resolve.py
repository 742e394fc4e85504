from dataclasses import replace

import pytest

from vitascope.errors import RequestError
from vitascope.planning.prompt import MAX_PROMPT, clean
from vitascope.toybox.brief import Brief
from vitascope.toybox.language.captions import read_canonical
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


OPEN = replace(FULL, open_cast=True)


def cast_of(prompt, world=OPEN):
    return resolve(Shot(prompt=prompt), world).shot.cast


def test_any_page_is_cast_with_what_is_said_of_it():
    woman, dog, car = cast_of("a woman walks a small brown dog past a red car in a street")
    assert (woman.page, woman.action, woman.relation, woman.target) == ("woman", "walk", "beside", 1)
    assert (dog.page, dog.colour, dog.scale, dog.action, dog.target) == ("dog", "brown", 0.7, "walk", 2)
    assert (car.page, car.colour, car.action) == ("car", "red", "stand")


def test_the_caption_names_the_first_of_the_cast_and_is_read_back():
    plan = resolve(Shot(prompt="a tiger dances on a beach at night"), OPEN)
    assert plan.shot.caption == "a tiger dances on a beach, night, clear, clay style"
    plan = resolve(Shot(prompt="an astronaut floats in space"), OPEN)
    assert read_canonical(plan.shot.caption or "") == {
        "subject": "astronaut", "action": "float", "set": "space", "time": "day", "weather": "clear", "style": "clay",
    }  # fmt: skip


def test_where_nobody_is_named_nobody_is_cast():
    plan = resolve(Shot(prompt="a lake at sunset"), OPEN)
    assert plan.shot.cast == ()
    assert plan.shot.caption is not None
    assert plan.shot.caption.startswith("nobody stands")
    assert Brief.of(plan.shot.caption).scene.subject == ""


def test_worlds_without_pages_cast_nobody_and_know_their_own():
    assert cast_of("a cat walks", FULL) is None


@pytest.mark.parametrize("prompt", ["a flumph dances", "asdf qwer", "serene", "haunted"])
def test_what_cannot_be_shown_is_refused_in_one_line(prompt):
    with pytest.raises(RequestError) as refused:
        cast_of(prompt)
    assert refused.value.argument == "prompt"
    assert len(str(refused.value)) < 300


def test_who_is_named_only_later_is_left_out_with_a_note():
    plan = resolve(Shot(prompt="a cat walks in a garden, then a tiger jumps"), OPEN)
    assert [member.page for member in plan.shot.cast or ()] == ["cat"]
    assert 'who is to be seen is there from the start: leaving out "tiger"' in plan.notes


def test_a_thing_stands_where_nobody_says_what_it_does():
    (cake,) = cast_of("a birthday cake on a table") or ()
    assert (cake.page, cake.action) == ("cake", "stand")

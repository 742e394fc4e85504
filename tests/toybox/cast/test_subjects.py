import csv
from pathlib import Path

import pytest

from vitascope.backends.registry import backend
from vitascope.errors import RequestError
from vitascope.toybox.cast import LANGUAGES
from vitascope.toybox.cast.subjects import read_subjects, shipped_index

EVERYDAY = Path(__file__).with_name("everyday.tsv")


@pytest.fixture(scope="module")
def embed():
    return backend("toybox").embed


def shown(prompt, **options):
    return read_subjects(prompt, **options).subjects


def pages(prompt, **options):
    return [subject.page for subject in shown(prompt, **options)]


def test_three_subjects_with_what_is_said_of_each():
    woman, dog, car = shown("a woman walks a small brown dog past a red car in the rain")
    assert (woman.page, woman.action) == ("woman", "walk")
    assert (dog.page, dog.colour, dog.scale, dog.action) == ("dog", "brown", 0.7, "walk")
    assert (car.page, car.colour, car.action) == ("car", "red", "")
    assert (dog.relation, dog.target) == ("past", 2)


def test_who_chases_and_who_is_chased_run():
    turtle, rabbit = shown("the turtle chases the rabbit")
    assert (turtle.page, turtle.relation, turtle.target, turtle.action) == ("turtle", "chasing", 1, "run")
    assert (rabbit.page, rabbit.action, rabbit.target) == ("rabbit", "run", None)


@pytest.mark.parametrize(
    ("prompt", "count"),
    [("a cat", 1), ("two cats", 2), ("cats", 2), ("three cats", 3), ("a flock of sheep", 3)],
)
def test_as_many_as_are_said(prompt, count):
    assert len(shown(prompt)) == count


def test_more_than_three_are_three_and_a_note():
    casting = read_subjects("ten elephants in the savanna")
    assert pages("ten elephants in the savanna") == ["elephant"] * 3
    assert casting.notes == ('three subjects at most are shown: "elephants" 10 times is too many',)


@pytest.mark.parametrize(
    "prompt",
    ["a serene lake at sunset", "happiness", "the feeling of being in love", "abstract colorful shapes moving",
     "rain falling on a city street at night", "cozy lofi vibes", "", "...", "beautiful and sad"],
)  # fmt: skip
def test_where_nobody_is_named_nobody_is_shown(prompt):
    assert shown(prompt) == ()


def test_what_has_no_picture_is_shown_as_the_nearest_with_a_note():
    casting = read_subjects("a quokka in the desert")
    assert [subject.page for subject in casting.subjects] == ["kangaroo"]
    assert casting.notes == ('no picture of "quokka": showing "kangaroo"',)


def test_a_slip_of_the_pen_is_mended(embed):
    assert pages("a gorillla in the jungle", embed=embed) == ["gorilla"]


def test_what_is_far_from_every_picture_is_refused_with_the_nearest(embed):
    with pytest.raises(
        RequestError, match=r'no picture of "flumph".*the nearest are ".+", ".+", ".+"'
    ) as refused:
        read_subjects("a flumph dances", embed=embed)
    assert refused.value.exit_code == 2
    assert len(shown("a flumph dances", embed=embed, anyway=True)) == 1


def test_skin_is_not_painted():
    (woman,) = shown("a black woman smiling")
    assert (woman.page, woman.colour) == ("woman:dark", "")


def test_a_colour_in_the_name_is_not_painted_again():
    (cat,) = shown("a black cat")
    assert (cat.page, cat.colour) == ("black cat", "")


def test_who_rides_is_one_picture():
    assert pages("a man riding a horse through the desert") == ["jockey"]
    assert pages("a woman riding a bicycle") == ["woman biking"]


def test_what_is_denied_is_not_shown():
    assert pages("a dog without a cat") == ["dog"]


def test_verbs_that_are_spelled_like_things_are_verbs():
    assert pages("a dog drinks milk") == ["dog", "glass of milk"]
    assert pages("birds fly over the sea") == ["bird", "bird"]
    assert pages("an orange cat") == ["cat"]
    assert pages("an orange") == ["orange"]


def test_emoji_are_their_pages():
    assert pages("🦄 in space") == ["unicorn"]
    assert pages("👩🏿‍🚀") == ["woman astronaut"]


def test_every_name_of_every_page_finds_a_page_of_that_name():
    index = shipped_index()
    lost = []
    for entry in index.entries.values():
        for name in () if entry.tone else entry.names["en"]:
            tokens = name.lower().replace("'", " ").replace("-", " ").replace(",", " , ").split()
            hit = index.find_phrase(tokens, 0)
            if hit is None:
                lost.append(name)
    assert len(lost) <= 12, lost


def test_hostile_prompts_are_answered():
    for prompt in ("a " * 1000, "🦄" * 600, "cat of " * 250, "\u202e\x00cat", "of of of and and"):
        assert len(shown(prompt)) <= 3
    with pytest.raises(RequestError) as refused:
        shown("x" * 2000)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("prompt", "page"),
    [
        ("a birthday cake", "cake"), ("a bicycle", "bicycle"), ("haunted", None), ("serene", None), ("asdf qwer", None),
        ("一只猫 running on the beach", "cat"), ("a dog's tail", "dog"), ("the french revolution", None),
        ("lorem ipsum dolor sit amet", None), ("un pastel de cumpleaños", "cake"), ("誕生日ケーキ", "cake"),
    ],
)  # fmt: skip
def test_nothing_absurd_is_shown(embed, prompt, page):
    assert pages(prompt, embed=embed) == ([] if page is None else [page])


@pytest.mark.parametrize("prompt", ["qwertyuiop", "blorp", "a asdf"])
def test_letters_that_are_no_word_show_nothing(embed, prompt):
    with pytest.raises(RequestError, match="there is no picture of"):
        read_subjects(prompt, embed=embed)


def share(rows: dict[str, bool]) -> float:
    """Return the share of prompts that were understood, and print the others."""
    print("not understood:", *(f"\n  {prompt}" for prompt, right in rows.items() if not right))
    return sum(rows.values()) / len(rows)


def test_everyday_words_are_understood(embed):
    """More than one in ten rows names what is out of any world; "-" is nobody, "!" a refusal."""
    rows = list(csv.DictReader(EVERYDAY.read_text("utf-8").splitlines(), delimiter="\t"))
    assert len(rows) >= 300
    assert {row["language"] for row in rows} == set(LANGUAGES)
    assert sum("!" in row["subjects"] for row in rows) >= len(rows) / 10
    subjects, places, actions = {}, {}, {}
    for row in rows:
        prompt = row["prompt"]
        try:
            casting = read_subjects(prompt, embed=embed)
            found = "+".join(sorted(subject.page for subject in casting.subjects)) or "-"
            place, action = casting.place, casting.subjects[0].action if casting.subjects else ""
        except RequestError:
            found, place, action = "!", None, ""
        subjects[prompt] = found in [
            "+".join(sorted(wanted.split("+"))) for wanted in row["subjects"].split("|")
        ]
        if row["place"] != "-":
            places[prompt] = (place or "-") in row["place"].split("|")
        if row["action"] != "-":
            actions[prompt] = action in row["action"].split("|")
    assert share(subjects) >= 0.95
    assert share(places) >= 0.95
    assert share(actions) >= 0.9

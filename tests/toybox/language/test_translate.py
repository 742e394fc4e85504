import tomllib
from importlib.resources import files

import pytest

from vitascope.toybox.language.match import match, tokenize
from vitascope.toybox.language.parse import parse
from vitascope.toybox.language.tables import NAMES, language, plain
from vitascope.toybox.language.translate import to_english


@pytest.mark.parametrize(
    ("prompt", "english", "name"),
    [
        ("dos gatos negros y un perro", "two black cats and a dog", "Spanish"),
        ("un poisson nage sous l'eau", "a fish swimming, underwater", "French"),
        ("Ein Elefant fliegt", "an elephant flying", "German"),
        ("猫在花园里散步", "a cat, in a garden, walking", "Chinese"),
        ("貓在花園裡散步", "a cat, in a garden, walking", "Chinese"),
        ("人なしの海辺", "without people, on a beach", "Japanese"),
        ("강아지 두 마리", "two dogs", "Korean"),
        ("बिना लोगों के जंगल", "without people, in a forest", "Hindi"),
        ("والقطة تمشي", "a cat walking", "Arabic"),
        ("ЧЁРНЫЙ кот", "a black cat", "Russian"),
        ("la cámara gira lentamente hacia la izquierda", "the camera move slow left", "Spanish"),
        ("una cebra", "a zebra", "Spanish"),
    ],
)
def test_prompts_become_plain_english(prompt: str, english: str, name: str):
    translation = to_english(prompt)
    assert (translation.text, translation.language) == (english, name)


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat",
        "a corridor",
        "taxi",
        "film noir, pizza",
        "ballerina piano",
        "alien invasion",
        "",
        "12",
        "zxcv bnm",
    ],
)
def test_english_and_what_is_no_language_are_left_alone(prompt: str):
    translation = to_english(prompt)
    assert translation.text == prompt
    assert translation.language in ("English", "unknown")


def test_words_that_no_table_has_stay_as_they_are():
    assert to_english("un gato con un xilofonista").text.endswith("a xilofonista")
    assert parse("un gato con un xilofonista").asked.unknown == ("xilofonista",)


@pytest.mark.parametrize(
    ("one", "other"), [("JARDÍN", "jardin"), ("ｶﾒﾗ", "カメラ"), ("ё", "е"), ("ज़ूम", "जूम"), ("قِطّة", "قطه")]
)
def test_one_spelling_for_what_reads_the_same(one: str, other: str):
    assert plain(one) == plain(other)


@pytest.mark.parametrize("code", NAMES)
def test_every_english_phrase_of_a_table_is_understood(code: str):

    language(code)
    table = tomllib.loads(
        files("vitascope.toybox.language").joinpath("languages", f"{code}.toml").read_text("utf-8")
    )
    fields = {
        "action": "action",
        "place": "set",
        "season": "season",
        "time": "time",
        "weather": "weather",
        "style": "style",
    }
    for section, field in fields.items():
        for english in table[section]:
            found = {find.meaning.field for find in match(tokenize(english))}
            assert field in found or (english == "in the snow" and found), f"{code}: {english} is {found}"

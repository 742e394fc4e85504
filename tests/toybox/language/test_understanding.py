"""How much of what people write is understood, in all languages together."""

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from vitascope.toybox.language.captions import canonical
from vitascope.toybox.language.parse import parse
from vitascope.toybox.scene import FIELDS

HERE = Path(__file__).parent
PER_LANGUAGE = 25
SEASONLESS = ("beach", "city")

Case = tuple[str, str, dict[str, str]]


def free_form(name: str) -> list[Case]:
    """Return the prompts of a file: language, words, and what they say."""
    languages = tomllib.loads((HERE / name).read_text("utf-8"))
    return [(code, text, says) for code, table in languages.items() for text, says in table["prompts"]]


def templated() -> Iterator[Case]:
    """Yield the same three hundred prompts each time."""
    for code, table in tomllib.loads((HERE / "templates.toml").read_text("utf-8")).items():
        rng = random.Random(7)
        for i in range(PER_LANGUAGE):
            template = table["templates"][i % len(table["templates"])]
            fields = re.findall(r"{(\w+)}", template)
            says = {field: rng.choice(list(table[field])) for field in fields}
            if "season" in says:
                says["set"] = rng.choice([place for place in table["set"] if place not in SEASONLESS])
            yield code, template.format(**{field: table[field][says[field]] for field in fields}), says


def understood(text: str) -> dict[str, str]:
    parsed = parse(text)
    return {field: getattr(parsed.scene, field) for field in FIELDS if field in parsed.said}


def misread(cases: list[Case]) -> list[Case]:
    return [(code, text, understood(text)) for code, text, says in cases if understood(text) != says]


def test_prompts_from_templates_are_understood():
    cases = list(templated())
    assert len(cases) == 300
    wrong = misread(cases)
    assert len(wrong) <= 0.05 * len(cases), wrong


def test_no_language_of_the_templates_is_left_behind():
    for code in {code for code, _, _ in templated()}:
        cases = [case for case in templated() if case[0] == code]
        assert len(misread(cases)) <= 0.2 * len(cases), misread(cases)


def test_prompts_written_by_hand_are_understood():
    cases = free_form("free_form.toml")
    assert len(cases) >= 100
    assert len(misread(cases)) <= 0.15 * len(cases), misread(cases)


def test_prompts_that_the_grammar_was_never_tuned_on_are_understood_nearly_as_well():
    cases = free_form("free_form_later.toml")
    assert len(misread(cases)) <= 0.2 * len(cases), misread(cases)


@pytest.mark.parametrize("code", ["es", "fr", "de", "pt", "it", "ru", "ar", "hi", "zh", "ja", "ko"])
def test_a_prompt_makes_the_same_caption_as_its_english_twin(code: str):
    tables = tomllib.loads((HERE / "templates.toml").read_text("utf-8"))
    same = 0
    for i in range(10):
        rng = random.Random(i)
        says = {
            field: rng.choice(list(tables["en"][field]))
            for field in ("subject", "action", "set", "time", "style")
        }
        captions = {
            canonical(parse(table["templates"][2].format(**{f: table[f][says[f]] for f in says})).scene)
            for table in (tables["en"], tables[code])
        }
        same += len(captions) == 1
    assert same >= 9

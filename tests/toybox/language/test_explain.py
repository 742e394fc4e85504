import json
import runpy
from pathlib import Path

from vitascope.toybox.language.explain import rows, to_json
from vitascope.toybox.language.parse import parse
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.language.segments import stages
from vitascope.toybox.world import FULL
from vitascope.types import Shot

EXAMPLE = Path(__file__).parents[3] / "examples" / "12_explain.py"
PROMPT = "two red cats and a dog at night, xyzzy, without people, with the sound of waves, then it jumps, 3 s, pan left"


def explained(prompt: str) -> list[tuple[str, str, str]]:
    shot = resolve(Shot(prompt=prompt), FULL).shot
    return [(row.field, row.value, row.how) for row in rows(parse(prompt), shot, stages(prompt))]


def test_every_field_has_a_row_that_says_how_it_was_come_by():
    table = explained(PROMPT)
    assert ("subject", "cat", "said") in table
    assert ("set", "garden", "guessed") in table
    assert ("time", "night", "said") in table
    assert ("in full", "2 red cats", "left out") in table
    assert ("also", "1 dog", "left out") in table
    assert ("sound", "waves", "left out") in table
    assert ("length", "3 s", "said") in table
    assert ("not wanted", "people", "said") in table
    assert ("not understood", "xyzzy", "unknown") in table
    assert any(field == "camera" and value.startswith("pan -") for field, value, _ in table)
    assert [field for field, _, _ in table].count("from 50%") == 1


def test_the_table_is_english_whatever_the_prompt_is():
    table = explained("夜の庭で踊る猫")
    assert ("language", "Japanese", "") in table
    assert ("action", "dance", "said") in table
    assert all(value.isascii() for _, value, _ in table)


def test_the_same_as_plain_values():
    plan = resolve(Shot(prompt=PROMPT), FULL)
    told = json.loads(json.dumps(to_json(parse(PROMPT), plan.shot, stages(PROMPT), plan.notes)))
    assert told["scene"]["subject"] == {"value": "cat", "how": "said"}
    assert told["things"][0] == {"name": "cats", "subject": "cat", "count": 2, "attributes": ["red"]}
    assert told["unknown"] == ["xyzzy"]
    assert told["shot"]["negative_prompt"] == "people"
    assert len(told["stages"]) == 2


def test_the_example_runs(capsys):
    runpy.run_path(str(EXAMPLE))["main"]()
    out = capsys.readouterr().out
    assert "Spanish: two black cats walking, on a beach, at night" in out
    assert "50%  a cat jumps on a beach" in out

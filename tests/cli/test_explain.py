import json

import pytest
from PIL import Image

from vitascope.testing.fakes import FakeBackend


def test_a_prompt_is_explained_as_a_table(run):
    done = run("explain", "un gato en un jardín de noche, sin gente")
    assert done.status == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert ["subject", "cat", "said"] in lines
    assert ["time", "night", "said"] in lines
    assert ["not", "wanted", "people", "said"] in lines
    assert "note: " in done.err


def test_json_is_one_object(run):
    told = json.loads(run("explain", "a cat, xyzzy", "--json").out)
    assert told["unknown"] == ["xyzzy"]
    assert told["scene"]["subject"]["how"] == "said"


def test_an_enhanced_prompt_is_shown_first_and_explained(run):
    done = run("explain", "a cat", "--enhance")
    assert done.out.startswith("a cat, ")
    assert "camera" in done.out


@pytest.mark.parametrize("prompt", ["", "a\x00cat", "x" * 2001])
@pytest.mark.parametrize("more", [[], ["--enhance"]])
def test_what_is_no_prompt_is_refused_in_one_line(run, prompt: str, more: list[str]):
    done = run("explain", prompt, *more)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("vitascope: PROMPT: ")


def test_markup_in_a_prompt_is_only_text(run):
    assert "[red]" in json.loads(run("explain", "a cat [red]", "--json").out)["prompt"]
    assert run("explain", "a cat [/bold] [red]x").status == 0


def test_what_a_picture_decides_is_marked(run, monkeypatch):
    unsure = {"set": {"beach": 0.6}} | {name: {"x": 0.99} for name in ("season", "time", "weather", "style")}
    monkeypatch.setattr(FakeBackend, "see", lambda self, pictures: unsure, raising=False)
    Image.effect_noise((128, 128), 90).convert("RGB").save("noise.png")
    done = run("explain", "a cat walks", "--image", "noise.png")
    lines = [line.split() for line in done.out.splitlines()]
    assert ["set", "as", "in", "the", "picture", "open"] in lines
    assert ["caption", "a", "cat", "walks"] in lines
    assert "note: left to the picture" in done.err
    told = json.loads(run("explain", "a cat walks", "--image", "noise.png", "--json").out)
    assert told["scene"]["time"] == {"value": None, "how": "open"}


def test_a_picture_that_is_none_is_refused_in_one_line(run, monkeypatch):
    monkeypatch.setattr(FakeBackend, "see", lambda self, pictures: {}, raising=False)
    done = run("explain", "a cat", "--image", "nothing.png")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("vitascope: --image: ")

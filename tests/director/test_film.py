from pathlib import Path

import pytest

from tests.director.conftest import film
from vitascope.director.film import field_name, parse_film, read_script
from vitascope.errors import RequestError

SCRIPT = """
title = "A walk"
style = "clay"
crossfade = 0.5
references = ["who.png"]

[[shots]]
prompt = "a cat walks in a garden"
image = "first.png"
at = { "1.5" = "it jumps" }

[[shots]]
prompt = "a cat sleeps"
continue = true
camera = "zoom-in 0.3"
"""


def test_a_script_is_read_with_its_pictures_beside_it(tmp_path: Path):
    (tmp_path / "walk.toml").write_text(SCRIPT)
    read = read_script(tmp_path / "walk.toml")
    assert (read.title, read.style, read.crossfade) == ("A walk", "clay", 0.5)
    assert read.references == (str(tmp_path / "who.png"),)
    first, second = read.shots
    assert (first.image, first.at) == (str(tmp_path / "first.png"), {1.5: "it jumps"})
    assert (second.continues, second.camera) == (True, "zoom-in 0.3")
    assert parse_film(read.said()) == read, "what was said says it again"


@pytest.mark.parametrize(
    ("told", "argument"),
    [
        ({"shots": [{"prompt": "a cat"}, {"prompt": "a cat", "camera": 3}]}, "shots[1].camera"),
        ({"shots": [{"prompt": "a cat", "what": 3}]}, "shots[0].what"),
        ({"shots": [{"seconds": 3}]}, "shots[0].prompt"),
        ({"shots": [{"prompt": "a cat", "crossfade": -1}]}, "shots[0].crossfade"),
        ({"shots": ["a cat"]}, "shots[0]"),
        ({"shots": []}, "shots"),
        ({"shots": [{"prompt": "a cat"}] * 65}, "shots"),
        ({"shots": [{"prompt": "a cat"}], "wide": True}, "wide"),
    ],
)
def test_what_is_no_film_is_named(told, argument):
    with pytest.raises(RequestError) as caught:
        parse_film(told)
    assert caught.value.argument == argument
    assert str(caught.value).startswith(f"{argument}: ")


@pytest.mark.parametrize("text", ["shots = [", "\ud800".encode("utf-8", "surrogatepass"), None])
def test_what_is_no_script_is_one_line(tmp_path: Path, text):
    path = tmp_path / "walk.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RequestError, match=r"script: .*walk\.toml (is not TOML|could not be read)"):
        read_script(path)


def test_every_file_is_asked_for_by_its_field():
    asked = []
    shots = (
        {"prompt": "a cat", "image": "a", "last_image": "b"},
        {"prompt": "a cat", "references": ["c", "d"]},
    )
    found = film(*shots, references=["e"]).with_files(
        lambda name, argument: asked.append((name, argument)) or name * 2
    )
    assert sorted(asked) == [
        ("a", "shots[0].image"),
        ("b", "shots[0].last_image"),
        ("c", "shots[1].references[0]"),
        ("d", "shots[1].references[1]"),
        ("e", "references[0]"),
    ]
    assert (found.shots[1].references, found.references) == (("cc", "dd"), ("ee",))


def test_fields_in_lists_are_named_with_their_place():
    assert field_name(("shots", 2, "camera", "str")) == "shots[2].camera"
    assert field_name(("size",)) == "size"
    assert field_name(()) == "film"

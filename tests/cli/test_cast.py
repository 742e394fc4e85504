"""`vitascope cast` from end to end, on small pictures that are drawn here."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.settings import settings
from vitascope.toybox.cast.own import open_cast
from vitascope.toybox.cast.subjects import read_subjects


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def disc(path: Path, *, size: int = 64, colour=(200, 40, 40), ground=None, left: int = 0) -> Path:
    """Draw a disc: with alpha, or on the ground that is given."""
    rows, columns = np.mgrid[0:size, 0:size]
    inside = np.hypot(rows - size / 2, columns - size / 2 + left) < size / 3
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[...] = (*colour, 255)
    if ground is None:
        pixels[~inside, 3] = 0
    else:
        pixels[~inside, :3] = np.broadcast_to(ground, pixels[..., :3].shape)[~inside]
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_becomes_a_subject_in_one_command(run, home, tmp_path):
    disc(tmp_path / "rex.png")
    done = run("cast", "add", "Rex", "rex.png", "--like", "puppy", "--sheet", "sheet.png")
    assert (done.status, done.err) == (0, "")
    assert done.out == "Rex (walker): one picture, cut out by its own alpha\n"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (148, 144)
    memory = open_cast(home)
    (rex,) = read_subjects("rex  runs on the beach", memory.index).subjects
    assert (rex.page, rex.name, rex.action) == ("Rex", "Rex", "run")
    page = memory.cast.page("Rex", 32)
    assert page.shape == (1, 4, 32, 32)
    assert page[0, :, 16, 16] == pytest.approx([200, 40, 40, 255], abs=6)
    assert page[0, 3, 0, 0] == 0


def test_files_are_for_their_owner_alone(run, home, tmp_path):
    disc(tmp_path / "rex.png")
    assert run("cast", "add", "Rex", "rex.png").status == 0
    kept = [home / "cast", *(home / "cast").iterdir()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o700, 0o600, 0o600]


def test_own_subjects_are_listed_first_and_removed(run, home, tmp_path):
    disc(tmp_path / "rex.png")
    run("cast", "add", "Rex", "rex.png", "--like", "dog")
    rows = json.loads(run("cast", "ls", "--json").out)
    assert (rows[0]["name"], rows[0]["own"], rows[0]["kind"]) == ("Rex", True, "walker")
    assert len(rows) > 1000
    assert run("cast", "ls", "chien").out.startswith("dog ")
    assert run("cast", "rm", "rex").status == 0
    assert list((home / "cast").iterdir()) == []
    gone = run("cast", "rm", "Rex")
    assert (gone.status, gone.err) == (
        2,
        'vitascope: NAME: no subject of yours is called "Rex"; yours: none yet\n',
    )


def test_pictures_and_animations_are_phases(run, home, tmp_path):
    for number in range(3):
        disc(tmp_path / f"{number}.png", left=4 * number)
    done = run("cast", "add", "Rex", "0.png", "1.png", "2.png", "--json")
    assert json.loads(done.out)["phases"] == 3
    assert open_cast(home).cast.find("Rex").loop_seconds == pytest.approx(3 / 8)
    frames = []
    for number in range(3):
        with Image.open(tmp_path / f"{number}.png") as frame:
            frames.append(frame.convert("RGBA"))
    frames[0].save(tmp_path / "rex.gif", save_all=True, append_images=frames[1:], duration=125, disposal=2)
    assert json.loads(run("cast", "add", "Rex", "rex.gif", "--json").out)["phases"] == 3
    done = run("cast", "add", "Vasco", "0.png", "1.png", "--views", "--json")
    assert json.loads(done.out)["turntable"] is True
    assert open_cast(home).cast.find("Vasco").loop_seconds == 0


def test_a_picture_that_looks_left_is_mirrored(run, home, tmp_path):
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[:, :20] = (255, 0, 0, 255)
    pixels[:, 20:40] = (0, 0, 255, 255)
    Image.fromarray(pixels).save(tmp_path / "flag.png")
    assert run("cast", "add", "Flaggy", "flag.png", "--facing", "left").err == ""
    memory = open_cast(home).cast
    assert memory.find("Flaggy").facing == "right"
    page = memory.page("Flaggy", 128)[0]
    assert page[0, 64, 100] > 200 > 60 > page[0, 64, 20]


def test_consent_is_asked_for_and_recorded(run, home, tmp_path):
    disc(tmp_path / "ann.png")
    asked = run("cast", "add", "Ann", "ann.png", "--like", "woman")
    assert asked.status == 2
    assert asked.err == (
        'vitascope: --consent: a subject like "woman" may show somebody\'s face; say --consent if they have agreed, '
        "or if the face is nobody's\n"
    )
    assert run("cast", "add", "Ann", "ann.png", "--like", "woman", "--consent").status == 0
    assert open_cast(home).own["Ann"].consent
    (row,) = [json.loads(path.read_text()) for path in (home / "cast").glob("*.json")]
    assert row["consent"] is True
    assert row["sources"] == ["ann.png"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("cat", '"cat" is a word in English already; my cat, or one such as Rex'),
        ("Dancing", '"Dancing" is a word in English already; my Dancing, or one such as Rex'),
        ("beach", '"beach" is a word in English already; my beach, or one such as Rex'),
        ("قطة", '"قطة" is a word in Arabic already; my قطة, or one such as Rex'),
        ("🦄", '"🦄" shows something already; my 🦄, or one such as Rex'),
        ("", "is empty; give one such as Rex"),
        ("   ", "is empty; give one such as Rex"),
        ("123", '"123" has no letter; give one such as Rex'),
        ("x" * 41, "has 41 characters; at most 40 are kept"),
        ("x" * 200, "has 200 characters; at most 40 are kept"),
        ("a/b", "holds the character U+002F; letters, digits, emoji, spaces and - ' . & _ ! make a name"),
        (
            "Rex\u202e",
            "holds the character U+202E; letters, digits, emoji, spaces and - ' . & _ ! make a name",
        ),
    ],
)
def test_what_is_no_name_is_refused_in_one_line(run, tmp_path, home, name, problem):
    disc(tmp_path / "rex.png")
    done = run("cast", "add", name, "rex.png")
    assert (done.status, done.err) == (2, f"vitascope: NAME: {problem}\n")
    assert not home.exists()


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("ريكس", "ريكس يركض على الشاطئ"),
        ("小白", "小白在海滩上跑"),
        ("Kafka ☕🐾", "kafka ☕🐾 läuft am Strand"),
        ("my dog", "My dog runs on the beach"),
        ("O'Neil Jr.", "O'Neil Jr. on the beach"),
    ],
)
def test_a_name_in_any_script_is_found_in_a_prompt(run, tmp_path, home, name, prompt):
    disc(tmp_path / "rex.png")
    assert run("cast", "add", name, "rex.png", "--like", "dog").status == 0
    casting = read_subjects(prompt, open_cast(home).index)
    assert [(subject.page, subject.name) for subject in casting.subjects] == [(name, name)]
    assert casting.place == "beach"
    assert casting.notes == ()


def test_a_word_of_another_language_is_a_name_with_a_note(run, tmp_path):
    disc(tmp_path / "rex.png")
    done = run("cast", "add", "Luna", "rex.png")
    assert done.status == 0
    assert done.err == 'note: "Luna" is a word in Spanish: in prompts it now means yours\n'


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("none.png",), "FILES: "),
        (("text.txt",), "FILES: "),
        (("dot.png",), "FILES: hold a picture of 1x1 pixels; at least 16x16 are needed"),
        (("thin.png",), "FILES: show a subject of 4x64 pixels; at least 16x16"),
        (("clear.png",), "FILES: are transparent everywhere; give a picture that shows something"),
        (("grey.png",), "FILES: show nothing that stands out from its ground; say where it is"),
        (("vast.png",), "FILES: vast.png has too many pixels; at most 50 megapixels are read"),
        (("rex.png", "dot.png"), "FILES: are not all of one size; give pictures of the same size"),
        (("rex.png",) * 17, "FILES: 17 pictures are too many; at most 16 make a page"),
        (
            ("rex.png", "--facing", "up"),
            '--facing: "up" is no direction; left, right, front',
        ),
        (("rex.png", "--box", "1,2"), '--box: "1,2" is no box; four shares of the picture'),
        (("rex.png", "--box", "0.5,0,0.8,1"), "--box: 0.5,0,0.8,1 is not inside the picture; four shares"),
        (("rex.png", "--box", "nan,0,1,1"), "--box: nan,0,1,1 is not inside the picture; four shares"),
        (("rex.png", "--like", "gorillla"), '--like: no page is called "gorillla"; nearest: gorilla'),
        (("rex.png", "--sheet", "sheet.pdf"), "--sheet: 'sheet.pdf' ends in neither .png nor .webp"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(run, tmp_path, home, arguments, problem):
    disc(tmp_path / "rex.png")
    (tmp_path / "text.txt").write_text("no picture")
    Image.new("RGBA", (1, 1), "red").save(tmp_path / "dot.png")
    Image.new("RGBA", (64, 64)).save(tmp_path / "clear.png")
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "grey.png")
    thin = Image.new("RGBA", (64, 64))
    thin.paste("red", (0, 0, 4, 64))
    thin.save(tmp_path / "thin.png")
    if "vast.png" in arguments:
        Image.new("1", (10_000, 10_000)).save(tmp_path / "vast.png")
    done = run("cast", "add", "Rex", *arguments)
    assert done.status == 2
    assert done.err.startswith(f"vitascope: {problem}")
    assert done.err.count("\n") == 1
    assert not home.exists()


def test_rows_that_cannot_be_used_are_left_out_with_a_note(run, home, tmp_path):
    disc(tmp_path / "rex.png")
    for name in ("Rex", "Bo", "Kim"):
        assert run("cast", "add", name, "rex.png").status == 0
    rows = {json.loads(path.read_text())["entry"]["id"]: path for path in (home / "cast").glob("*.json")}
    later = json.loads(rows["Bo"].read_text()) | {"version": 2}
    rows["Bo"].write_text(json.dumps(later))
    hostile = json.loads(rows["Kim"].read_text())
    hostile["entry"]["strip"] = "../../etc/passwd"
    rows["Kim"].write_text(json.dumps(hostile))
    done = run("cast", "ls", "rex")
    assert done.out.startswith("Rex ")
    assert sorted(done.err.splitlines()) == sorted(
        [
            f"note: cast/{rows['Bo'].name} was written by another version: leaving it out; add it again",
            f"note: cast/{rows['Kim'].name} is damaged: leaving it out; add it again",
        ]
    )
    strip = next((home / "cast").glob("own-*.webp"))
    strip.write_bytes(b"none")
    done = run("cast", "ls", "Rex", "--sheet", "sheet.png")
    assert done.status == 2
    assert 'the pictures of "Rex" are damaged or gone' in done.err


def test_a_subject_is_replaced_by_one_of_the_same_name(run, home, tmp_path):
    disc(tmp_path / "red.png")
    disc(tmp_path / "blue.png", colour=(40, 40, 200))
    run("cast", "add", "Rex", "red.png")
    done = run("cast", "add", "Rex", "blue.png")
    assert done.err == 'note: "Rex" was known: its pictures are replaced\n'
    assert open_cast(home).cast.page("Rex", 32)[0, 2, 16, 16] > 180
    assert len(list((home / "cast").iterdir())) == 2

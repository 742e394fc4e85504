import json
from pathlib import Path

import pytest

from tests.server.conftest import context, fakes, live, serve_app, service  # noqa: F401
from tests.test_client import working  # noqa: F401
from vitascope.deliver.mux import read, read_record

SCRIPT = """
title = "A walk"
seed = 7
crossfade = 0.25

[[shots]]
prompt = "a cat"
num_frames = 9

[[shots]]
prompt = "a dog"
num_frames = 9
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "walk.toml").write_text(SCRIPT)
    return tmp_path / "walk.toml"


def test_a_script_becomes_a_film_and_a_storyboard(run, script, tmp_path):
    made = run("film", "walk.toml", "-o", "film.mp4", "--storyboard", "board.png")
    assert (made.status, made.out) == (0, "film.mp4\n"), made.err
    assert "shot 2 of 2: made\n" in made.err
    assert "2 shots, 2 s, 64x48, seed 7" in made.err
    assert len(read(tmp_path / "film.mp4").frames) == 16
    assert (tmp_path / "board.png").stat().st_size > 1000
    assert sorted(file.name for file in tmp_path.iterdir()) == ["board.png", "film.mp4", "walk.toml"]
    assert run("film", "walk.toml", "-o", "film.mp4").status == 2, "it exists"


def test_a_film_is_looked_at_and_made_again(run, script):
    run("film", "walk.toml", "-o", "film.mp4")
    shown = run("inspect", "film.mp4").out
    assert "shot 2" in shown
    assert "a dog" in shown
    assert json.loads(run("inspect", "film.mp4", "--json").out)["film"]["takes"][1]["crossfade"] == 0.25
    again = run("remake", "film.mp4")
    assert (again.status, again.out.strip()) == (
        0,
        "identical: all 16 frames, and every byte of the file but its signature",
    )


def test_shots_are_kept_and_only_what_was_changed_is_made(run, script, tmp_path):
    run("film", "walk.toml", "-o", "one.mp4", "--shots", "shots")
    again = run("film", "walk.toml", "-o", "two.mp4", "--shots", "shots")
    assert again.err.count("made before") == 2
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    script.write_text(SCRIPT.replace("a dog", "a dog jumps"))
    changed = run("film", "walk.toml", "-o", "three.mp4", "--shots", "shots")
    assert "shot 1 of 2: made before" in changed.err
    assert "shot 2 of 2: made\n" in changed.err


def test_what_would_be_made_is_said(run, script, tmp_path):
    dry = run("film", "walk.toml", "--dry-run")
    assert dry.out.splitlines() == [
        "1  1.125 s  seed 7  a cat",
        "2  1.125 s  seed 8  a dog  crossfade 0.25 s",
    ]
    told = json.loads(run("film", "walk.toml", "--dry-run", "--json", "--seed", "9").out)
    assert [take["shot"]["seed"] for take in told["takes"]] == [9, 10]
    assert [file.name for file in tmp_path.iterdir()] == ["walk.toml"]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (
            'prompt = "a dog"',
            'prompt = "a dog"\ncamera = "flutter"',
            "vitascope: shots[1].camera: 'flutter' is not a move",
        ),
        (
            "crossfade = 0.25",
            "crossfade = 5",
            "vitascope: script crossfade: 5 s is longer than shots 0 and 1",
        ),
        ("seed = 7", 'seed = "x"', "vitascope: script seed: "),
        ("[[shots]]", "[[shot", "vitascope: SCRIPT: walk.toml is not TOML"),
    ],
)
def test_a_script_that_cannot_be_is_one_line(run, script, tmp_path, before, after, line):
    script.write_text(SCRIPT.replace(before, after, 1 if "[[" in before else -1))
    bad = run("film", "walk.toml", "-o", "film.mp4")
    assert (bad.status, bad.out) == (2, "")
    assert bad.err.startswith(line), bad.err
    assert bad.err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["walk.toml"]


def test_flags_that_do_not_go_together_are_refused(run, script):
    assert "--no-wait: needs a server" in run("film", "walk.toml", "--no-wait").err
    there = ("--server", "http://127.0.0.1:1")
    assert (
        "--shots: does not go together with --server" in run("film", "walk.toml", "--shots", "s", *there).err
    )
    both = run("film", "walk.toml", "--no-wait", "--storyboard", "b.png", *there)
    assert "--storyboard: does not go together with --no-wait" in both.err
    assert "SCRIPT: no.toml could not be read" in run("film", "no.toml").err


def test_a_server_makes_a_film(run, script, live, context, working, tmp_path):  # noqa: F811
    # The worker beside us works in a folder of its own, and so does the process: names are whole here.
    object.__setattr__(context, "models", ("toybox",))
    near, far, later = (tmp_path / f"{name}.mp4" for name in ("near", "far", "later"))
    there = ("--server", live)
    made = run("film", str(script), "-o", str(far), "--storyboard", str(tmp_path / "far.png"), *there)
    assert (made.status, made.out) == (0, f"{far}\n"), made.err
    assert "shot 2  denoise 4/4" in made.err
    run("film", str(script), "-o", str(near))
    assert far.read_bytes() == near.read_bytes()
    assert (tmp_path / "far.png").exists()
    name = run("film", str(script), "--no-wait", *there).out.strip()
    assert run("jobs", "watch", name, *there).status == 0
    run("jobs", "download", name, "-o", str(later), *there)
    assert read_record(later).film == read_record(near).film
    script.write_text(SCRIPT.replace('"a dog"', '"a dog"\ncamera = "flutter"'))
    bad = run("film", str(script), "-o", str(tmp_path / "bad.mp4"), *there)
    assert (bad.status, bad.err.startswith("vitascope: shots[1].camera: 'flutter'")) == (2, True), bad.err

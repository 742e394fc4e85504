import json
from pathlib import Path


def test_the_settings_are_printed(run):
    run("generate", "a cat", "--seed", "7", "--camera", "zoom-in 0.3", "-o", "cat.mp4")
    done = run("inspect", "cat.mp4")
    assert done.status == 0
    lines = dict(line.split(None, 1) for line in done.out.splitlines())
    assert (lines["prompt"], lines["seed"], lines["size"], lines["seconds"]) == (
        "a cat",
        "7",
        "64x48",
        "2.125",
    )
    assert "zoom" in lines["camera"]


def test_json_is_one_object(run):
    run("generate", "a cat", "--seed", "7", "-o", "cat.mp4")
    told = json.loads(run("inspect", "cat.mp4", "--json").out)
    assert told["shot"]["seed"] == 7
    assert "vitascope" in told["versions"]


def test_other_files_are_one_line(run):
    Path("text.mp4").write_text("not a film")
    for name in ("text.mp4", "missing.mp4"):
        done = run("inspect", name)
        assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
        assert name in done.err

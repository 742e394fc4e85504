import json
from dataclasses import replace
from pathlib import Path

from vitascope.testing.fakes import synthetic_clip


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


def test_a_strangers_clip_does_not_steer_the_terminal(run):
    """A file that somebody sent says of itself what it likes; none of it reaches the terminal raw."""
    clip, steering = synthetic_clip(), "\x1b]52;c;cm0gLXJmIC8=\x07\x9b2J\u202e\u2028"
    shot = clip.record.shot.model_copy(update={"prompt": f"a cat{steering}"})
    record = replace(
        clip.record, shot=shot, notes=(f"note{steering}",), versions={f"a{steering}": f"1{steering}"}
    )
    replace(clip, record=record).save("stranger.mp4")
    for flags in ((), ("--json",)):
        done = run("inspect", "stranger.mp4", *flags)
        assert done.status == 0
        assert all(character.isprintable() or character == "\n" for character in done.out)
        assert "a cat\\" in done.out
    assert json.loads(done.out)["shot"]["prompt"] == shot.prompt
    Path("\x1b[2Jx.mp4").write_text("not a film")
    assert "\x1b" not in run("inspect", "\x1b[2Jx.mp4").err


def test_a_playlist_by_the_name_of_a_clip_opens_no_file(run):
    run("generate", "a cat", "--seed", "7", "-o", "cat.mp4")
    Path("list.mp4").write_text("ffconcat version 1.0\nfile cat.mp4\n")
    done = run("inspect", "list.mp4")
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)

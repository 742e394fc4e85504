import json
import os
from pathlib import Path

import pytest

from tests.toybox.language.test_enhance import ANSWER, say, server  # noqa: F401
from vitascope.deliver.mux import read, read_record
from vitascope.settings import settings


def test_words_become_a_file_named_after_them(run):
    done = run("generate", "a cat walking through a garden", "--seed", "7")
    assert done.status == 0
    assert done.out == "a-cat-walking-through-a-garden-7.mp4\n"
    assert "seed 7" in done.err
    assert read(Path("a-cat-walking-through-a-garden-7.mp4")).frames.shape == (17, 48, 64, 3)
    assert os.listdir() == ["a-cat-walking-through-a-garden-7.mp4"]


def test_a_drawn_seed_is_shown_and_recorded(run):
    done = run("generate", "a cat", "-o", "cat.mp4", "--json")
    made = json.loads(done.out)
    assert made["seed"] == read_record(Path("cat.mp4")).shot.seed


def test_json_is_one_object_on_stdout(run):
    made = json.loads(run("generate", "a cat", "--seed", "7", "--json").out)
    assert made["path"] == "a-cat-7.mp4"
    assert (made["num_frames"], made["fps"], made["width"], made["height"]) == (17, 8.0, 64, 48)
    assert made["shot"]["prompt"] == "a cat"
    assert set(made["seconds_spent"]) == {"load", "encode", "denoise", "decode", "write"}


def test_same_prompt_and_seed_give_the_same_bytes(run):
    run("generate", "a cat", "--seed", "7", "-o", "a.mp4")
    run("generate", "a cat", "--seed", "7", "-o", "b.mp4")
    assert Path("a.mp4").read_bytes() == Path("b.mp4").read_bytes()


def test_several_clips_have_seeds_that_follow(run):
    done = run("generate", "a cat", "--seed", "7", "-n", "3", "-o", "cat.mp4", "--json")
    assert [clip["seed"] for clip in json.loads(done.out)["clips"]] == [7, 8, 9]
    assert sorted(os.listdir()) == ["cat-7-to-9.png", "cat-7.mp4", "cat-8.mp4", "cat-9.mp4"]


def test_a_dry_run_makes_nothing(run):
    done = run("generate", "a cat", "--seed", "7", "--dry-run", "--json")
    planned = json.loads(done.out)
    assert planned["shot"]["num_frames"] == 17
    assert "garden" in run("generate", "a cat in a garden", "--dry-run").out
    assert os.listdir() == []


def test_every_flag_reaches_the_shot(run):
    done = run(
        *("generate", "a cat", "--seconds", "1.125", "--fps", "8", "--size", "48x64", "--steps", "3"),
        *(
            "--guidance-scale",
            "1.5",
            "--negative-prompt",
            "rain",
            "--camera",
            "zoom-in 0.3",
            "--style",
            "noir",
        ),
        *("--seed", "7", "--dry-run", "--json"),
    )
    shot = json.loads(done.out)["shot"]
    assert (shot["seconds"], shot["size"], shot["steps"], shot["guidance_scale"]) == (1.125, [48, 64], 3, 1.5)
    assert (shot["negative_prompt"], shot["style"]) == ("rain", "noir")
    assert [(move["kind"], move["amount"]) for move in shot["camera"]] == [("zoom", 0.3)]


def test_a_preset_is_recorded_with_what_it_means(run):
    run("generate", "a cat", "--preset", "quality", "--seed", "7", "-o", "cat.mp4")
    shot = read_record(Path("cat.mp4")).shot
    assert (shot.preset, shot.steps) == ("quality", 40)
    assert run("remake", "cat.mp4").status == 0


def test_what_is_snapped_is_said(run):
    done = run("generate", "a cat", "--seconds", "2")
    assert "note: seconds: 2 becomes 17 frames (2.125 s at 8 fps): fake makes 4k+1" in done.err
    made = Path(done.out.strip())
    assert any("17 frames" in note for note in read_record(made).notes)


def test_nothing_is_overwritten_without_force(run):
    Path("cat.mp4").write_text("precious")
    done = run("generate", "a cat", "-o", "cat.mp4")
    assert (done.status, done.out) == (2, "")
    assert (
        done.err == "vitascope: --output: cat.mp4 exists; say --force to overwrite it or name another file\n"
    )
    assert Path("cat.mp4").read_text() == "precious"
    assert run("generate", "a cat", "-o", "cat.mp4", "--force").status == 0
    assert Path("cat.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([""], "PROMPT: is empty"),
        (["   \t\n"], "PROMPT: is empty"),
        (["a cat " * 17000], "PROMPT: has 102,000 characters; at most 32,000"),
        (["a \x07cat"], "PROMPT: has the control character U+0007 at position 3"),
        (["a cat", "--negative-prompt", "\x00"], "--negative-prompt: has the control character U+0000"),
        (["a \udcffcat"], "PROMPT: has the control character U+DCFF"),
        (["a cat", "--seconds", "-1"], "--seconds: -1 is not a length; nearest: 0.125"),
        (["a cat", "--seconds", "1e300"], "--seconds: 1e+300 is more than fake can draw; nearest: 8.125"),
        (["a cat", "--seconds", "nan"], "--seconds: "),
        (["a cat", "--seconds", "soon"], "--seconds: 'soon' is not a number"),
        (["a cat", "--fps", "30"], "--fps: 30 is not the frame rate of fake; nearest: 8"),
        (["a cat", "--size", "100x100"], "--size: 100x100 is not one of the sizes"),
        (["a cat", "--size", "big"], "--size: 'big' is not a size; write it as WIDTHxHEIGHT"),
        (["a cat", "--size", "99999999999x1"], "--size: "),
        (["a cat", "--aspect-ratio", "21:9"], "--aspect-ratio: 21:9 is not a ratio"),
        (
            ["a cat", "--preset", "best"],
            "--preset: 'best' is not known; it may be: draft, standard, quality",
        ),
        (["a cat", "--steps", "0"], "--steps: 0 is outside 1 to 200; nearest: 1"),
        (["a cat", "--guidance-scale", "inf"], "--guidance-scale: "),
        (["a cat", "--seed", "-1"], "--seed: -1 is outside"),
        (
            ["a cat", "--seed", "9223372036854775807", "-n", "2"],
            "--seed: 9223372036854775807 leaves no seeds for 2 clips; nearest: 9223372036854775806",
        ),
        (["a cat", "-n", "0"], "-n: 0 is outside 1 to 64; nearest: 1"),
        (["a cat", "--camera", "flutter"], "--camera: 'flutter' is not a move"),
        (["a cat", "--camera", "zoom-in far"], "--camera: 'far' is not how far; write it as zoom-in"),
        (["a cat", "--style", "cubist"], "--style: 'cubist' is not a style of this model; it knows: clay"),
        (["a cat", "--model", "sora"], "--model: 'sora' is not known; known: toybox"),
        (
            ["a cat", "-o", "no/such/folder/cat.mp4"],
            "--output: the folder no/such/folder does not exist; nearest: .",
        ),
        (["a cat", "-o", "cat.gif"], "--output: 'cat.gif' does not end in .mp4, the only format written"),
        (["a cat", "-o", "/dev/full", "--force"], "--output: "),
        (["a cat", "--wobble"], "--wobble: is no option of generate; see: "),
        (["a", "cat"], "'cat' is one word too many"),
        ([], "PROMPT: is missing"),
    ],
)
def test_bad_input_is_one_line_that_names_the_argument(run, arguments, named):
    done = run("generate", *arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("vitascope: ")
    assert named in done.err
    assert done.err.count("\n") == 1
    assert os.listdir() == []


@pytest.mark.parametrize(
    "prompt", ["🐈🌷", "قطة تمشي في حديقة", "ein Katze läuft", "xyzzy", "?!", "\u202ea cat\u202c"]
)
def test_any_words_get_a_clip(run, prompt):
    done = run("generate", prompt, "-o", "clip.mp4")
    assert done.status == 0
    assert Path("clip.mp4").is_file()


def test_an_unknown_word_is_said(run):
    assert "note: " in run("generate", "a kraken in a garden").err


def test_a_folder_that_may_not_be_written_to(run, monkeypatch):
    Path("locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    done = run("generate", "a cat", "-o", "locked/cat.mp4")
    assert done.status == 1
    assert "--output" in done.err or "output" in done.err
    assert os.listdir("locked") == []


def test_a_thin_prompt_is_made_fuller_by_rules(run):
    done = run("generate", "a cat", "--enhance", "--seed", "7", "-o", "cat.mp4")
    assert done.status == 0
    assert 'prompt, enhanced by rules: "a cat, ' in done.err
    assert read_record(Path("cat.mp4")).shot.prompt.startswith("a cat, ")


def test_a_chat_model_makes_it_fuller_where_one_is_named(run, server, monkeypatch):  # noqa: F811
    monkeypatch.setenv("VITASCOPE_ENHANCE_URL", server.url)
    settings.cache_clear()
    done = run("generate", "a cat", "--enhance", "--seed", "7", "-o", "cat.mp4")
    assert f'prompt, enhanced by default: "{ANSWER}"' in done.err
    assert read_record(Path("cat.mp4")).shot.prompt == ANSWER
    server.answer = lambda handler: say(handler, b"oops", 500)
    done = run("generate", "a cat", "--enhance", "--seed", "7", "-o", "other.mp4")
    settings.cache_clear()
    assert done.status == 0
    assert "the chat model did not help (it answered 500): the prompt is enhanced by rules" in done.err

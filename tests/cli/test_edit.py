"""`edit` and `extend` on real files, with the fake backend, which keeps what it is given."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.deliver.mux import read, read_record
from vitascope.testing.fakes import synthetic_clip


@pytest.fixture
def clip(run) -> Path:
    """A clip of 2 s in the folder that the commands run in."""
    return synthetic_clip(17, seed=5).save("in.mp4")


def frames(path: str) -> np.ndarray:
    return read(Path(path)).frames.astype(int)


def test_a_clip_gets_longer_at_its_end_or_before_its_beginning(run, clip):
    assert run("extend", "in.mp4", "a disc", "--seconds", "1", "--seed", "3", "-o", "on.mp4").status == 0
    assert (
        run("extend", "in.mp4", "a disc", "--seconds", "1", "--before", "--seed", "3", "-o", "to.mp4").status
        == 0
    )
    source, on, to = frames("in.mp4"), frames("on.mp4"), frames("to.mp4")
    assert len(on) == len(to) == 25
    assert np.abs(on[:17] - source).mean() < 4
    assert np.abs(to[8:] - source).mean() < 4


@pytest.mark.parametrize("way", [(), ("--before",)])
def test_the_least_that_a_clip_can_be_longer_is_made(run, clip, way):
    assert (
        run("extend", "in.mp4", "a disc", "--seconds", "0.05", *way, "--seed", "3", "-o", "on.mp4").status
        == 0
    )
    assert len(frames("on.mp4")) == 21


def test_a_span_a_box_and_a_mask_leave_the_rest_alone(run, clip):
    Image.fromarray(np.pad(np.full((24, 32), 255, np.uint8), ((12, 12), (16, 16)))).save("mask.png")
    for name, said in (
        ("span", ("--span", "0.5s-1s")),
        ("box", ("--box", "0.25,0.25,0.5,0.5")),
        ("mask", ("--mask", "mask.png")),
    ):
        assert run("edit", "in.mp4", "a disc", *said, "--seed", "8", "-o", f"{name}.mp4").status == 0
    source = frames("in.mp4")
    span, box, mask = (frames(f"{name}.mp4") for name in ("span", "box", "mask"))
    assert np.abs(span[9:] - source[9:]).mean() < 4
    assert np.abs(span[5:8] - source[5:8]).mean() > 10
    for part in (box, mask):
        assert np.abs(part[:, :8] - source[:, :8]).mean() < 4
        assert np.abs(part[:, 16:32, 20:44] - source[:, 16:32, 20:44]).mean() > 10


def test_an_instruction_is_told_as_the_model_was_taught(run, clip):
    done = run("edit", "in.mp4", "please make it night", "--strength", "0.6", "--dry-run", "--json")
    shot = json.loads(done.out)["shot"]
    assert shot["caption"] == "make it night"
    assert shot["strength"] == 0.6
    assert shot["givens"][0]["role"] == "source"
    assert len(shot["givens"][0]["sha256"]) == 64


def test_pictures_reach_the_shot(run, clip):
    Image.new("RGB", (100, 50), (9, 99, 9)).save("a.png")
    done = run(
        *("generate", "a disc", "--image", "a.png", "--last-image", "a.png", "--keyframe", "1s=a.png"),
        *(
            "--reference",
            "a.png",
            "--fit",
            "pad",
            "--path",
            "0s:0.1,0.5 2s:0.9,0.5",
            "--loop",
            "-o",
            "out.mp4",
        ),
    )
    assert done.status == 0
    shot = read_record(Path("out.mp4")).shot
    assert [(given.role, given.start, given.fit) for given in shot.givens] == [
        ("frame", None, "pad"),
        ("frame", 1.0, "pad"),
        ("frame", 2.0, "pad"),
        ("reference", None, "pad"),
    ]
    assert shot.loop
    assert shot.path == ((0.0, 0.1, 0.5), (2.0, 0.9, 0.5))


def test_a_remake_of_an_edit_needs_the_same_file(run, clip):
    run("edit", "in.mp4", "make it night", "--seed", "1", "-o", "out.mp4")
    assert run("remake", "out.mp4").status == 0
    synthetic_clip(17, seed=6).save("in.mp4", force=True)
    done = run("remake", "out.mp4")
    assert done.status == 2
    assert "video: in.mp4 is not the file that this clip was made from" in done.err


@pytest.mark.parametrize(
    ("said", "argument"),
    [
        (("extend", "nothing.mp4", "a disc"), "video"),
        (("extend", "in.mp4", "a disc", "--seconds", "0"), "seconds"),
        (("extend", "in.mp4", "a disc", "--seconds", "-3"), "seconds"),
        (("extend", "in.mp4", "a disc", "--seconds", "900"), "seconds"),
        (("extend", "in.mp4", ""), "PROMPT"),
        (("edit", "nothing.mp4", "make it night"), "video"),
        (("edit", "note.txt", "make it night"), "video"),
        (("edit", ".", "make it night"), "video"),
        (("edit", "in.mp4", "make it night", "--mask", "nothing.png"), "mask"),
        (("edit", "in.mp4", "make it night", "--mask", "note.txt"), "mask"),
        (("edit", "in.mp4", "make it night", "--box", "0,0,2,2,2"), "box"),
        (("edit", "in.mp4", "make it night", "--box", "0.5,0.5,0.9,0.9"), "box"),
        (("edit", "in.mp4", "make it night", "--span", "5s-6s"), "span"),
        (("edit", "in.mp4", "make it night", "--span", "1s-0.5s"), "span"),
        (("edit", "in.mp4", "make it night", "--span", "0s-1s", "--strength", "0.5"), "strength"),
        (("edit", "in.mp4", "make it night", "--strength", "1.5"), "strength"),
        (("edit", "in.mp4", "make it night", "--strength", "nan"), "strength"),
        (("edit", "in.mp4", "make it night", "--outpaint", "wide"), "outpaint"),
        (("edit", "in.mp4", "make it night", "--fit", "squeeze"), "fit"),
        (("edit", "in.mp4", "make it night", "--reference", "nothing.png"), "image"),
        (
            ("extend", "in.mp4", "a disc", "--quality", "best"),
            "--fidelity: 'best' is not known",
        ),
        (
            ("extend", "in.mp4", "a disc", "--quality", "low"),
            "--fidelity: fake has one quality; nearest: lossless",
        ),
        (("extend", "in.mp4", "a disc", "--memory", "stream"), "--memory: fake needs no memory plan"),
        (("extend", "in.mp4", "a disc", "--lora", "a.safetensors"), "--lora: fake takes no LoRA"),
        (
            ("extend", "in.mp4", "a disc", "--lora", ":2"),
            "--lora: ':2' is not a LoRA; write it as PATH or PATH:0.8",
        ),
        (
            ("edit", "in.mp4", "make it night", "--quality", "best"),
            "--fidelity: 'best' is not known",
        ),
        (("edit", "in.mp4", "make it night", "--quality", "high"), "--fidelity: fake has one quality"),
        (("edit", "in.mp4", "make it night", "--memory", "int8"), "--memory: fake needs no memory plan"),
        (
            ("edit", "in.mp4", "make it night", "--lora", "a.safetensors:99"),
            "--lora: 'a.safetensors:99' is not a",
        ),
        (("generate", "a disc", "--image", "nothing.png"), "image"),
        (("generate", "a disc", "--image", "note.txt"), "image"),
        (("generate", "a disc", "--last-image", "."), "image"),
        (("generate", "a disc", "--keyframe", "soon=a.png"), "keyframe"),
        (("generate", "a disc", "--path", "0s:2,2"), "path"),
        (("generate", "a disc", "--camera", "zoom-sideways"), "camera"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(run, clip, said, argument):
    Path("note.txt").write_text("not a picture\n" * 9)
    before = sorted(os.listdir())
    done = run(*said, "-o", "out.mp4")
    assert done.status == 2, done
    lines = done.err.strip().splitlines()
    assert len(lines) == 1, done.err
    assert argument in lines[0]
    assert sorted(os.listdir()) == before


def test_a_span_may_last_to_the_end_or_begin_at_the_start(run, clip):
    for name, said in (("end", "1s-100%"), ("start", "0s-1s")):
        done = run("edit", "in.mp4", "a disc", "--span", said, "--seed", "8", "-o", f"{name}.mp4")
        assert done.status == 0, done.err
    source, end, start = frames("in.mp4"), frames("end.mp4"), frames("start.mp4")
    assert np.abs(end[:8] - source[:8]).mean() < 4
    assert np.abs(end[8:] - source[8:]).mean() > 10
    assert np.abs(start[8:] - source[8:]).mean() < 4
    assert np.abs(start[1:7] - source[1:7]).mean() > 10


def test_a_part_of_a_larger_clip_is_edited_at_its_own_size(run):
    synthetic_clip(25, 160, 120, 20.0, seed=5).save("large.mp4")
    command = ("edit", "large.mp4", "a disc", "--box", "0.25,0.25,0.5,0.5", "--seed", "8", "-o", "out.mp4")
    planned = run(*command, "--dry-run")
    assert "note: large.mp4: what is not edited stays as it is, 160x120 at 20 fps" in planned.err
    made = json.loads(run(*command, "--json").out)
    assert (made["width"], made["height"], made["fps"], made["num_frames"]) == (160, 120, 20.0, 23)
    assert frames("out.mp4").shape == (23, 120, 160, 3)
    assert run("remake", "out.mp4").out.startswith("identical: all 23 frames, and every byte")

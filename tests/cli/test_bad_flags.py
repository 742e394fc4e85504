"""Every flag that takes a value refuses a bad one: one line that names it, nothing lost, nothing left behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from vitascope.cli.app import app
from vitascope.testing.fakes import synthetic_clip

COMMANDS = {
    "generate": ("generate", "a cat"),
    "extend": ("extend", "in.mp4", "a cat"),
    "edit": ("edit", "in.mp4", "make it night"),
}

BAD = {
    "--output": "cat.gif",
    "--seconds": "-2",
    "--num-frames": "0",
    "--fps": "0",
    "--size": "big",
    "--aspect-ratio": "wide",
    "--at": "soon=it jumps",
    "--image": "nothing.png",
    "--last-image": "nothing.png",
    "--keyframe": "soon=in.png",
    "--reference": "nothing.png",
    "--pose-video": "nothing.mp4",
    "--face-video": "nothing.mp4",
    "--fit": "squeeze",
    "--fidelity": "best",
    "--memory": "plenty",
    "--lora": "style.safetensors:many",
    "--server": "nowhere",
    "--seed": "-1",
    "--preset": "best",
    "--steps": "0",
    "--guidance-scale": "-1",
    "--negative-prompt": "a\x07b",
    "--camera": "flutter",
    "--subject-path": "0s:2,2",
    "--style": "cubist",
    "--model": "sora",
    "--fallback": "sora",
    "-n": "0",
    "--resume-folder": "in.mp4",
    "--mask": "nothing.png",
    "--box": "0,0,2,2,2",
    "--span": "9s-1s",
    "--outpaint": "wide",
    "--strength": "2",
}
"""A bad value of each flag."""

NAMED = {"--last-image": "--image", "--reference": "--image"}
"""Flags whose files are refused under another's name, since a picture is a picture."""


def flags() -> Iterator[tuple[str, str]]:
    """Yield every command with each of its flags that takes a value."""
    known = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    for name in COMMANDS:
        for option in known[name].params:
            if option.param_type_name == "option" and not option.is_flag and option.name != "help":
                yield name, option.opts[0]


@pytest.mark.parametrize(("command", "flag"), list(flags()))
def test_a_bad_value_is_one_line_and_leaves_nothing(run, command: str, flag: str):
    synthetic_clip(17, seed=5).save("in.mp4")
    source = Path("in.mp4").read_bytes()
    done = run(*COMMANDS[command], flag, BAD[flag])
    assert done.status in (1, 2), done
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert NAMED.get(flag, flag) in done.err or flag.strip("-").replace("-", "_") in done.err
    assert os.listdir() == ["in.mp4"]
    assert Path("in.mp4").read_bytes() == source


def test_every_flag_has_a_bad_value():
    assert {flag for _, flag in flags()} == set(BAD)

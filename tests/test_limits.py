"""Time grows with the length of a text and no faster, and every text has a length."""

import contextlib
import gc
import time
from collections.abc import Callable

import pytest

from vitascope import tasks
from vitascope.api import make_shot, parse_lora, parse_size
from vitascope.camera.language import read_camera
from vitascope.camera.subject_path import parse_path
from vitascope.camera.syntax import read_moves
from vitascope.camera.times import parse_at, read_moment, read_span
from vitascope.cli import run_command
from vitascope.cli.app import command_line
from vitascope.deliver import names
from vitascope.errors import RequestError
from vitascope.limits import LENGTHS, MAX_TEXT
from vitascope.planning.shape import parse_ratio
from vitascope.server import forms, requests
from vitascope.server.errors import Refusal
from vitascope.toybox.cast.subjects import read_subjects
from vitascope.toybox.language.instructions import instruction
from vitascope.toybox.language.match import tokenize
from vitascope.toybox.language.modifiers import take_asides, take_camera_denials, take_denials
from vitascope.toybox.language.recognise import hear
from vitascope.toybox.language.segments import stage_texts
from vitascope.toybox.language.translate import to_english
from vitascope.toybox.world import FULL

SMALL, TIMES = 4000, 10
SLOW = {"subjects": 200, "translation": 600, "phrases": 600, "moves in words": 1500, "tokens": 1500}
"""Grammars that look words up: shorter texts show as much."""
MOST = 12
"""How many times longer a text ten times as long may take."""
FLOOR = 5e-4
"""Seconds below which a text of the smaller size measures nothing but the clock."""

GRAMMARS: dict[str, tuple[Callable[[str], object], tuple[str, ...]]] = {
    # What froze a server for minutes: the grammar, and texts (beginning|repeated|end).
    "camera": (
        lambda text: read_moves(text, 4.0),
        ("pan-left| |x", "pan-left|, |x", "pan-left|;|x", "pan-left @| |x", "pan-left @|1|x", "|and  |then"),
    ),
    "path": (lambda text: parse_path(text, 4.0), ("0s:0.1| |x", "0s:0.1|, |x", "|: |", "0|1|:0.1,0.1", "|s |:")),
    "span": (lambda text: read_span("span", text, 4.0), ("1s-| |x", "|1|", "1s| |-x", "|. |", "|1|-1s")),
    "moment": (read_moment, ("1| |x", "|1|x", "1.|1|x")),
    "at, its time": (parse_at, ("1| |x=it jumps", "|1|=it jumps", "1.| |s x=it")),
    "at, its words": (lambda text: parse_at("1s=" + text), ("| |x", "|' |", "|'|x")),
    "keyframe": (lambda text: requests._second(text), ("1| |x", "|1|s")),
    "box": (lambda text: tasks.parse_box(text, (64, 64)), ("|0.1,|", "|1|,1,1,1", "| |1,1,1,1")),
    "size": (parse_size, ("|1|x1", "|x|", "1| |x1")),
    "aspect_ratio": (parse_ratio, ("|1|:1", "|:|", "| |1:1")),
    "lora": (parse_lora, ("a:|1|", "|:|", "|a/|:0.8")),
    "stages": (stage_texts, ("a cat| |x", "a cat|, |x", "|then |", "a cat|. then |", "|//|")),
    "asides": (take_asides, ("|for 5 |", "|music of |", "|with a |sound", "|1 |s")),
    "denials": (lambda text: take_denials(tokenize(text)), ("|a |", "|no |", "|no a |", "|the any |cat")),
    "camera denials": (take_camera_denials, ("|no |zoom", "|no the zoom |", "no| |zoom")),
    "moves in words": (
        lambda text: read_camera(" ".join(tokenize(text))),
        ("|slow |pan left", "|the camera pans |", "|, slow roll left|", "|then |pan left", "|zoom |"),
    ),
    "tokens": (tokenize, ("|_|", "|é|", "|\U0001f600|", "|e\u0301|")),
    "translation": (to_english, ("|慢|", "|lento |", "|langsam |", "|, |gato", "|con |gatos", "|، |قطة")),
    "phrases": (lambda text: hear(tokenize(text), FULL, None), ("|red |cat", "|snow |", "|two |")),
    "subjects": (read_subjects, ("|flumph |", "|a flumph |", "|cat of |", "|cat and |", "|two cats, |", "|🦄|")),
    "instructions": (instruction, ("|make |", "|turn |x", "|to |x", "|add |", "make it| |x", "|replace |cat with dog")),
    "names of files": (names.slug, ("|_|x", "|-|x", "| |x")),
    "names of fields": (lambda text: forms.nest([(text, "x")]), ("a|[|", "a|[]|x", "|[|]", "a[|b|")),
    "JSON": (lambda text: forms.as_object(text, "at"), ("{| |", "[|[|", '{"a":|1|}', "|{|", '["|\\\\|')),
}  # fmt: skip


@contextlib.contextmanager
def without_garbage_collection():
    """Switch the collector off: a long text makes it walk all that the tests hold, which a short one does not."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def seconds(read: Callable[[str], object], text: str) -> float:
    """Return the processor time of one reading."""
    start = time.thread_time()
    with contextlib.suppress(RequestError, Refusal):
        read(text)
    return time.thread_time() - start


def ratio_of_times(read: Callable[[str], object], short: str, long: str, tries: int) -> float:
    """Return the least time for the long text over the least for the short one, measured in turns."""
    with without_garbage_collection():
        spent = [(seconds(read, short), seconds(read, long), seconds(read, short)) for _ in range(tries)]
    return min(long for _, long, _ in spent) / max(FLOOR, min(min(a, b) for a, _, b in spent))


@pytest.mark.parametrize("name", GRAMMARS)
def test_a_text_ten_times_as_long_takes_at_most_twelve_times_as_long(name):
    read, texts = GRAMMARS[name]
    length = SLOW.get(name, SMALL)
    seconds(read, "a cat")  # tables are read once
    for text in texts:
        start, unit, end = text.split("|")
        short, long = (start + unit * (times * length // len(unit)) + end for times in (1, TIMES))
        # On a busy machine one try may lie: a square is a square each time.
        for tries in (1, 3, 9, 27):
            ratio = ratio_of_times(read, short, long, tries)
            if ratio <= MOST:
                break
        assert ratio <= MOST, f"{name}: {text!r} takes {ratio:.0f} times as long"


@pytest.mark.parametrize("name", ["camera", "path", "size", "aspect_ratio", "style", "preset", "memory"])
def test_a_text_that_is_too_long_is_refused_by_its_name_and_its_limit(name):
    with pytest.raises(
        RequestError, match=rf"^{name}: has .* characters; at most {LENGTHS[name]:,} are read$"
    ):
        make_shot("a cat", **{name: "x" * (LENGTHS[name] + 1)})


def test_no_flag_of_any_command_takes_a_text_without_end(capfd):
    """The length is checked before anything is done with a text, whatever the command would be."""
    tried, text = 0, "x" * (MAX_TEXT + 1)
    for command, before, parameter in flags(command_line(), ()):
        flag = max(parameter.opts, key=len)
        assert run_command([*command, *before, *([flag, text] if flag.startswith("-") else [text])]) == 2
        said = capfd.readouterr().err
        assert said.count("\n") == 1
        assert len(said) < 300
        # What is longer than it may be, or else no number, or none of a few words.
        assert said.startswith(f"vitascope: {flag if flag.startswith('-') else parameter.name.upper()}: "), (
            said
        )
        tried += "has 32,001 characters; at most " in said
    assert tried > 80


def flags(command, path):
    """Yield all commands' flags and arguments that take a value, with what has to be said before an argument."""
    before: list[str] = []
    for parameter in command.params:
        if not getattr(parameter, "is_flag", False) and parameter.name != "help":
            yield path, tuple(before), parameter
        if not parameter.opts[-1].startswith("-"):
            before.append("a")
    for name, other in getattr(command, "commands", {}).items():
        yield from flags(other, (*path, name))

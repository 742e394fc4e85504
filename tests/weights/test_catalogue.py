import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from vitascope.weights.catalogue import GIVENS, USUAL, Entry, Task, catalogue, entry_for

SNAPS = {
    # (asked, legal) …: between two, on a tie, below the least, above the most
    "4k+1 to 161": [(80, 81), (79, 81), (82, 81), (83, 85), (1, 1), (500, 161)],
    "4k+1 to 241": [(120, 121), (123, 125), (241, 241), (999, 241)],
    "4k+1 to 129": [(129, 129), (127, 129), (126, 125), (400, 129)],
    "4k+1 to 121": [(121, 121), (119, 121), (118, 117), (240, 121)],
    "4k+1, 17 to 121": [(121, 121), (5, 17), (18, 17), (19, 21), (240, 121)],
    "4k+1 to 93": [(93, 93), (90, 89), (91, 93), (120, 93)],
    "4k+1 to 1457": [(97, 97), (255, 257), (254, 253), (9999, 1457)],
    "8k+1 to 257": [(160, 161), (157, 161), (156, 153), (4, 1), (5, 9), (300, 257)],
    "8k+1 to 481": [(121, 121), (125, 129), (124, 121), (500, 481)],
    "8k+1 to 49": [(49, 49), (45, 49), (44, 41), (81, 49)],
    "16k+1 to 161": [(81, 81), (89, 97), (88, 81), (200, 161)],
    "6k+1 to 163": [(84, 85), (19, 19), (22, 25), (21, 19), (163, 163), (200, 163)],
    "33k to 1452": [(132, 132), (1, 33), (148, 132), (149, 165), (2000, 1452)],
    "4k to 88": [(88, 88), (86, 88), (85, 84), (1, 4), (100, 88)],
    "any to 32": [(16, 16), (17, 17), (0, 1), (40, 32)],
    "any to 1540": [(77, 77), (78, 78), (2000, 1540)],
    "14 or 25": [(14, 14), (1, 14), (19, 14), (20, 25), (100, 25)],
}

RULES = {
    "wan2.1-t2v-1.3b": "4k+1 to 161", "wan2.1-t2v-14b": "4k+1 to 161", "wan2.1-i2v-14b-480p": "4k+1 to 161",
    "wan2.1-i2v-14b-720p": "4k+1 to 161", "wan2.1-flf2v-14b-720p": "4k+1 to 161", "wan2.1-vace-1.3b": "4k+1 to 161",
    "wan2.1-vace-14b": "4k+1 to 161", "wan2.2-t2v-a14b": "4k+1 to 161", "wan2.2-i2v-a14b": "4k+1 to 161",
    "wan2.2-ti2v-5b": "4k+1 to 241", "wan2.2-animate-14b": "any to 1540", "ltx-video-0.9.5": "8k+1 to 257",
    "ltx-video-0.9.8-13b-distilled": "8k+1 to 257", "ltx-2": "8k+1 to 481", "ltx-2.3": "8k+1 to 481",
    "ltx-2.3-distilled": "8k+1 to 481", "ltx-2.5": "8k+1 to 481", "hunyuan-video": "4k+1 to 129",
    "hunyuan-video-i2v": "4k+1 to 129", "hunyuan-video-1.5-t2v": "4k+1 to 241", "hunyuan-video-1.5-i2v": "4k+1 to 241",
    "cogvideox-2b": "8k+1 to 49", "cogvideox-5b": "8k+1 to 49", "cogvideox-5b-i2v": "8k+1 to 49",
    "cogvideox-1.5-5b": "16k+1 to 161", "cogvideox-1.5-5b-i2v": "16k+1 to 161", "mochi-1": "6k+1 to 163",
    "skyreels-v2-df-1.3b": "4k+1 to 1457", "skyreels-v2-df-14b": "4k+1 to 1457",
    "kandinsky-5-lite-t2v": "4k+1 to 121", "kandinsky-5-lite-i2v": "4k+1, 17 to 121",
    "kandinsky-5-pro-t2v": "4k+1 to 121", "kandinsky-5-pro-i2v": "4k+1, 17 to 121", "kandinsky-6-lite": "4k+1 to 121",
    "kandinsky-6-pro-distill": "4k+1 to 121", "cosmos-2.5-2b": "4k+1 to 93", "cosmos-2.5-14b": "4k+1 to 93",
    "sana-video-2b": "4k+1 to 161", "helios-14b": "33k to 1452", "svd-xt": "14 or 25", "animatediff-v3": "any to 32",
    "allegro": "4k to 88",
}  # fmt: skip

PIPELINES = {name for entry in catalogue().values() for name in entry.pipelines.values()}

each_entry = pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.id)


def test_every_entry_has_a_line_in_the_table_of_frames():
    assert RULES.keys() == catalogue().keys()


@each_entry
def test_frames_snap_to_the_rule_of_the_model(entry: Entry):
    for asked, legal in SNAPS[RULES[entry.id]]:
        assert entry.frames.snap(asked) == legal, f"{asked} frames"


@each_entry
def test_defaults_obey_their_own_rules(entry: Entry):
    assert entry.frames.snap(entry.frames.default) == entry.frames.default
    assert entry.size.snap(entry.size.default) == entry.size.default
    assert entry.frames.snap(entry.frames.longest) == entry.frames.longest
    assert entry.repository.count("/") == 1
    assert entry.good_for
    assert entry.memory.decode_bytes > 0


def test_sizes_keep_their_shape_and_stay_within_the_most_pixels():
    rule = catalogue()["wan2.1-t2v-1.3b"].size
    assert rule.snap((1920, 1080)) == (1280, 720)
    assert rule.snap((830, 475)) == (832, 480)
    assert rule.snap((3, 3)) == (16, 16)
    width, height = rule.snap((5000, 100))
    assert width * height <= rule.most_pixels
    assert rule.of_ratio(9 / 16) == (480, 848)
    assert rule.of_ratio(1) == (624, 624)


def test_a_class_leads_back_to_its_entry():
    for name in ("WanPipeline", "WanModularPipeline"):
        entry = entry_for(name)
        assert entry is not None
        assert "WanPipeline" in entry.pipelines.values()
    assert entry_for("NobodysPipeline") is None


@cache
def calls() -> dict[str, tuple[str, ...]]:
    """Return the arguments of every pipeline's `__call__` in the diffusers that is installed, read from its source.

    Importing them would take many seconds.
    """
    spec = find_spec("diffusers")
    found = {}
    for home in (spec.submodule_search_locations or ()) if spec else ():
        for file in Path(home).glob("pipelines/*/pipeline_*.py"):
            text = file.read_text("utf-8")
            if not any(f"class {name}(" in text for name in PIPELINES):
                continue
            for node in ast.parse(text).body:
                methods = node.body if isinstance(node, ast.ClassDef) else []
                for method in methods:
                    if isinstance(method, ast.FunctionDef) and method.name == "__call__":
                        found[node.name] = tuple(
                            each.arg for each in method.args.args + method.args.kwonlyargs
                        )
    return found


@each_entry
def test_pipelines_take_the_arguments_that_the_entry_names(entry: Entry):
    if not calls():
        pytest.skip("diffusers is not installed")
    for task, pipeline in entry.pipelines.items():
        if pipeline not in calls():
            pytest.skip(f"the installed diffusers has no {pipeline}")
        taken = set(calls()[pipeline])
        named = {*entry.names(task).values(), *entry.fixed, "generator"}
        assert named <= taken, f"{pipeline} has no {sorted(named - taken)}"
        silent = {USUAL[noun] for noun, name in said(entry, task).items() if not name and noun in USUAL}
        more = set(USUAL.values()) & taken - named - silent
        assert not more, f"{pipeline} takes {sorted(more)}, which the entry does not name"


def said(entry: Entry, task: Task) -> dict[str, str]:
    return {**entry.arguments, **entry.task_arguments.get(task, {})}


@each_entry
def test_what_a_pipeline_must_be_given_is_named(entry: Entry):
    for task in entry.tasks:
        names = entry.names(task)
        canvas = {"video", "mask"} <= names.keys()
        assert canvas or set(GIVENS[task]) - {"strength"} <= names.keys()

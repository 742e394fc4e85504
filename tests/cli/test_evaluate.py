import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tests.evaluation.clips import CARD
from vitascope.settings import settings
from vitascope.weights.folder import seal
from vitascope.weights.manifest import Manifest, NativeShape


@pytest.fixture(autouse=True)
def _weights(tmp_path_factory, monkeypatch) -> Iterator[None]:
    """Ship a judge that prefers the first label of each head the more the brighter a clip is."""
    folder = tmp_path_factory.mktemp("weights")
    outputs = {**{head: len(labels) for head, labels in CARD.heads.items()}, "embedding": 4}
    nodes = [
        helper.make_node("ReduceMean", ["clip", "axes"], ["mean"], keepdims=1),
        helper.make_node("Reshape", ["mean", "column"], ["light"]),
        *(helper.make_node("MatMul", ["light", f"{name}.weight"], [name]) for name in outputs),
    ]
    numbers = {"axes": np.array([1, 2, 3, 4]), "column": np.array([-1, 1])}
    numbers |= {f"{name}.weight": np.eye(1, count, dtype=np.float32) for name, count in outputs.items()}
    graph = helper.make_graph(
        nodes,
        "judge",
        [
            helper.make_tensor_value_info(
                "clip", TensorProto.FLOAT, ["n", CARD.frames, 3, CARD.size, CARD.size]
            )
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", count])
            for name, count in outputs.items()
        ],
        [numpy_helper.from_array(value, name) for name, value in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "judge.onnx")
    CARD.save(folder / "judge.json")
    seal(folder, Manifest("net", "1", NativeShape(17, 48, 64, 8.0), ((64, 48),), (0.0,), (1.0,), {}, 48))
    monkeypatch.setenv("VITASCOPE_WEIGHTS", str(folder))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_the_table_has_both_splits_and_their_goals(run):
    done = run("evaluate", "--prompts", "3")
    assert done.status == 0
    assert "3 prompts of seen compositions, 3 prompts of held-out compositions" in done.out
    (subject,) = [line for line in done.out.splitlines() if "subject" in line]
    assert "≥ 90%" in subject
    assert "≥ 75%" in subject
    assert "action" in done.out.splitlines()[-1]


def test_json_is_one_object_on_stdout(run):
    data = json.loads(run("evaluate", "--prompts", "3", "--seen", "--json").out)
    assert set(data) == {"model", "seen", "judge", "may_not_judge"}
    assert 0 <= data["seen"]["subject"] <= 1
    assert data["seen"]["clips"] == 3
    assert data["judge"]["subject"] == 0.99


def test_one_seed_is_one_result(run):
    command = ("evaluate", "--prompts", "4", "--held-out", "--json", "--seed")
    assert run(*command, "5").out == run(*command, "5").out


def test_a_sheet_shows_what_was_judged(run):
    done = run("evaluate", "--prompts", "2", "--seen", "--sheet", "sheets/judged.png")
    assert "sheet: sheets/judged.png" in done.err
    with Image.open(Path("sheets/judged.png")) as sheet:
        assert sheet.width > 4 * 64


def test_without_a_judge_there_is_one_line(run, monkeypatch, tmp_path):
    monkeypatch.setenv("VITASCOPE_WEIGHTS", str(tmp_path))
    settings.cache_clear()
    done = run("evaluate", "--prompts", "1")
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "manifest.json is missing" in done.err


def test_no_prompts_is_wrong_usage(run):
    assert run("evaluate", "--prompts", "0").status == 2


def test_tasks_are_judged_with_their_goals_beside(run):
    done = run("evaluate", "--task", "all", "--prompts", "1", "--steps", "1", "--sheet", "sheet.png")
    assert done.status == 0, done
    for word in ("image", "camera", "path", "restyle", "add", "≥ 0.950", "≤ 10.0%", "≥ 85.0%", "≥ 75.0%"):
        assert word in done.out
    assert "not reached: " in done.out
    assert "path: error" in done.out.splitlines()[-1]
    assert Path("sheet.png").is_file()


def test_one_task_as_json(run):
    data = json.loads(run("evaluate", "--task", "add", "--prompts", "2", "--preset", "draft", "--json").out)
    assert data["preset"] == "draft"
    assert data["tasks"]["add"]["clips"] == 2
    assert 0 <= data["tasks"]["add"]["present"] <= 1


def test_what_is_no_task_is_refused_in_one_line(run):
    done = run("evaluate", "--task", "cooking")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert (
        "--task: 'cooking' is not known; it may be: image, camera, path, restyle, add, extend, " in done.err
    )
    assert run("evaluate", "--task", "add", "--seen").status == 2

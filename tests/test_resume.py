"""What is kept of a clip is whole and its own, or it is not used."""

import os
from pathlib import Path

import numpy as np
import pytest

from vitascope.checksum import checksum
from vitascope.denoise.samplers import Step
from vitascope.errors import DamagedStateError, OutputError, RequestError
from vitascope.resume import StateFile, StateFolder
from vitascope.types import Record, Shot

SHOT = Shot(prompt="a cat", seed=7, steps=4)
WEIGHTS = {"dit.safetensors": "abc"}


def step(index: int = 1) -> Step:
    latents, clean = np.random.default_rng(index).standard_normal((2, 1, 6, 3)).astype(np.float32)
    return Step(index, 4, 1 / 3, latents, clean)


@pytest.fixture
def kept(tmp_path) -> StateFile:
    return StateFolder(tmp_path / "run").open(SHOT, WEIGHTS)


def test_a_step_comes_back_bit_for_bit(kept):
    assert kept.read("told") is None
    kept.write(step(0), "told")
    kept.write(step(1), "told")
    again = kept.read("told")
    assert again is not None
    assert (again.index, again.total, again.level) == (1, 4, 1 / 3)
    np.testing.assert_array_equal(again.latents, step(1).latents)
    np.testing.assert_array_equal(again.clean, step(1).clean)
    assert sorted(os.listdir(kept.path.parent)) == ["shot-7.json", "state-7.safetensors"]


def test_a_run_killed_while_it_writes_leaves_nothing_that_is_not_cleared(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(point: str) -> None:
        if point == "file: made":
            files.append({path.stat().st_ino for path in folder.path.iterdir()})
        if point == "file: written":
            assert {path.stat().st_ino for path in folder.path.iterdir()} == files.pop(), "written elsewhere"
            raise Killed

    folder, files = StateFolder(tmp_path / "run"), list[set[int]]()
    kept = folder.open(SHOT, WEIGHTS)
    monkeypatch.setattr("vitascope.files.failpoint", kill)
    # A killed process runs no `finally`.
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
    for window in (0, 2):
        with pytest.raises(Killed):
            kept.part(window).write(step(), "told")
    assert sum(name.endswith(".part") for name in os.listdir(folder.path)) == 2
    monkeypatch.undo()
    folder.clear([SHOT])
    assert not folder.path.exists()


def test_every_byte_matters(kept):
    kept.write(step(), "told")
    whole = kept.path.read_bytes()
    for place in [*range(0, len(whole), 7), len(whole) - 1]:
        kept.path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(DamagedStateError):
            kept.read("told")


@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 100, b"\xff" * 8])
def test_what_is_no_state_is_damaged(kept, damage):
    kept.path.write_bytes(damage)
    with pytest.raises(DamagedStateError):
        kept.read("told")


def test_half_a_state_is_damaged(kept):
    kept.write(step(), "told")
    kept.path.write_bytes(kept.path.read_bytes()[:-5])
    with pytest.raises(DamagedStateError):
        kept.read("told")


def test_the_state_of_another_clip_is_not_used(kept):
    kept.write(step(), "told")
    with pytest.raises(DamagedStateError, match="something else"):
        kept.read("told otherwise")
    with pytest.raises(DamagedStateError, match="something else"):
        StateFile(kept.path, "another").read("told")


def test_the_seeds_that_are_kept_are_known(tmp_path):
    folder = StateFolder(tmp_path / "run")
    assert folder.seeds() == []
    for seed in (10, 9):
        folder.open(SHOT.model_copy(update={"seed": seed}), WEIGHTS)
    assert folder.seeds() == [9, 10]


@pytest.mark.parametrize(
    ("shot", "weights", "problem"),
    [
        (SHOT.model_copy(update={"prompt": "a dog"}), WEIGHTS, "another shot (prompt)"),
        (SHOT.model_copy(update={"steps": 5, "style": "noir"}), WEIGHTS, "another shot (steps, style)"),
        (SHOT, {"dit.safetensors": "abd"}, "other weights (dit.safetensors)"),
    ],
)
def test_another_shot_and_other_weights_are_refused(kept, shot, weights, problem):
    before = {file.name: file.read_bytes() for file in kept.path.parent.iterdir()}
    with pytest.raises(RequestError) as caught:
        StateFolder(kept.path.parent).open(shot, weights)
    assert problem in str(caught.value)
    assert caught.value.argument == "resume"
    assert before == {file.name: file.read_bytes() for file in kept.path.parent.iterdir()}


def test_another_version_is_refused(kept, monkeypatch):
    monkeypatch.setattr("vitascope.resume.versions", lambda: {"onnxruntime": "0"})
    with pytest.raises(RequestError, match="another version"):
        StateFolder(kept.path.parent).open(SHOT, WEIGHTS)


def test_what_does_not_fit_is_refused_before_any_work(kept, tmp_path):
    folder = StateFolder(kept.path.parent)
    folder.check([SHOT])
    folder.check([SHOT, SHOT.model_copy(update={"seed": 8})])
    with pytest.raises(RequestError, match="holds the clip of seed 7; ask for seed 7"):
        folder.check([SHOT.model_copy(update={"seed": 8})])
    with pytest.raises(RequestError, match="another shot"):
        folder.check([SHOT.model_copy(update={"prompt": "a dog"})])
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="not a folder"):
        StateFolder(tmp_path / "file").check([SHOT])
    with pytest.raises(RequestError, match="does not exist"):
        StateFolder(tmp_path / "no" / "such").check([SHOT])


def test_an_illegible_shot_is_written_anew(kept):
    file = kept.path.with_name("shot-7.json")
    whole = file.read_text("utf-8")
    file.write_text(whole[:20])
    assert StateFolder(file.parent).open(SHOT, WEIGHTS) == kept
    assert file.read_text("utf-8") == whole


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"^resume: "):
        StateFolder(tmp_path / "file").open(SHOT, WEIGHTS)


def test_a_clip_that_was_made_is_known_again(kept):
    folder = StateFolder(kept.path.parent)
    versions = (folder.read(SHOT) or {})["versions"]
    assert folder.made(SHOT, Record(SHOT, "toybox", WEIGHTS, versions))
    assert not folder.made(SHOT, Record(SHOT, "toybox", {}, versions))
    assert not StateFolder(Path("nowhere")).made(SHOT, Record(SHOT, "toybox", WEIGHTS, versions))


def test_what_is_finished_is_cleared_away_and_nothing_else(kept):
    kept.write(step(), "told")
    folder = StateFolder(kept.path.parent)
    (folder.path / ".state-7.safetensors.0123abcd.part").touch()
    folder.finished(SHOT)
    assert folder.seeds() == [7]
    (folder.path / "mine.txt").touch()
    folder.clear([SHOT])
    assert os.listdir(folder.path) == ["mine.txt"]
    (folder.path / "mine.txt").unlink()
    folder.clear([SHOT])
    assert not folder.path.exists()
    folder.clear([SHOT])


def test_checksums_see_types_shapes_and_borders():
    zeros = np.zeros((2, 3), np.float32)
    different = [[zeros], [zeros.reshape(3, 2)], [zeros.view(np.int32)], [b"ab", b"c"], [b"a", b"bc"]]
    assert len({checksum(parts) for parts in different}) == len(different)
    assert checksum([zeros]) == checksum([np.zeros((3, 2), np.float32).T])

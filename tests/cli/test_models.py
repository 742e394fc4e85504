import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vitascope.cli import models
from vitascope.errors import WeightsError
from vitascope.settings import settings
from vitascope.weights import machine as machines
from vitascope.weights.catalogue import catalogue
from vitascope.weights.hub import HuggingFace, Remote
from vitascope.weights.machine import GIB, Machine

ALLEGRO = catalogue()["allegro"]
FILES = {
    "model_index.json": json.dumps(
        {"_class_name": "AllegroPipeline", "vae": ["diffusers", "AutoencoderKLAllegro"]}
    ),
    "vae/config.json": "{}",
    "LICENSE": "be good",
}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path: Path) -> Iterator[Path]:
    """An empty home, a machine of a known size, and a hub that has one small model."""
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    monkeypatch.setattr(machines, "machine", lambda: Machine(24 * GIB, 64 * GIB))
    monkeypatch.setattr(HuggingFace, "look", look)
    monkeypatch.setattr(HuggingFace, "fetch", fetch)
    yield tmp_path / "home"
    settings.cache_clear()


def look(self: HuggingFace, repository: str, revision: str) -> Remote:
    if repository != ALLEGRO.repository:
        raise WeightsError(f"{repository} is gated: ask for access")
    sizes = {name: len(text) for name, text in FILES.items()}
    return Remote("0123", {**sizes, "vae/a.safetensors": 100}, {})


def fetch(self: HuggingFace, repository: str, commit: str, names: list[str], folder: Path) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name in FILES:
            (folder / name).write_text(FILES[name])
        else:
            save_file({"a": np.ones(3, np.float32)}, folder / name)


def test_the_catalogue_is_listed_with_what_each_model_needs_and_allows(run):
    done = run("models", "list")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["model", "here", "given", "sound", "GiB", "fits", "licence"]
    for name in catalogue():
        assert any(line.startswith(f"{name} ") for line in lines), name
    (ltx,) = [line for line in lines if line.startswith("ltx-2 ")]
    assert "stream" in ltx
    assert "LTX-2.x Community License * (gated)" in ltx
    assert "24.0 GiB free on its GPU" in done.err


def test_the_list_as_json_has_what_a_program_needs(run):
    told = json.loads(run("models", "list", "--json").out)
    assert told["machine"] == {"gpu": 24 * GIB, "ram": 64 * GIB}
    wan = next(model for model in told["models"] if model["id"] == "wan2.2-t2v-a14b")
    assert (wan["here"], wan["fits"], wan["licence"], wan["tasks"]) == (False, "no", "Apache-2.0", ["text"])


def test_the_list_may_be_cut_down(run):
    told = json.loads(run("models", "list", "--task", "inpaint", "--fits", "--json").out)
    assert [model["id"] for model in told["models"]] == ["wan2.1-vace-1.3b", "wan2.1-vace-14b"]
    assert json.loads(run("models", "list", "--here", "--json").out)["models"] == []
    done = run("models", "list", "--task", "dance")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "--task: 'dance' is not a task; it may be: text, image" in done.err


def test_one_model_is_told_with_its_conditions(run):
    done = run("models", "info", "hunyuan-video")
    assert done.status == 0
    assert "not to be used in the European Union" in done.out
    assert "block by block" in done.out
    assert json.loads(run("models", "info", "hunyuan-video", "--json").out)["gib"] == pytest.approx(
        39.5, abs=0.1
    )


def test_the_licence_is_shown_before_anything_is_downloaded(run, home: Path):
    done = run("models", "pull", "svd-xt")
    assert done.status == 2
    assert "Stability AI Community License" in done.err.splitlines()[0]
    assert "more than a million US dollars" in done.err
    assert "say --accept-licence to accept it" in done.err.splitlines()[-1]
    assert not (home / "models").exists()


def test_a_model_is_pulled_verified_and_removed(run, home: Path):
    done = run("models", "pull", "allegro", "--accept-licence")
    assert (done.status, done.out.strip()) == (0, str(home / "models" / "allegro"))
    assert "4 files" in done.err
    assert "here already" in run("models", "pull", "allegro").err
    assert json.loads((home / "models" / "licences.json").read_text())["allegro"]["licence"] == "Apache-2.0"
    (here,) = json.loads(run("models", "list", "--here", "--json").out)["models"]
    assert (here["id"], here["here"], here["accepted"] is not None) == ("allegro", True, True)
    assert run("models", "verify").out == "allegro: whole\n"
    weights = home / "models" / "allegro" / "vae" / "a.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    done = run("models", "verify", "allegro")
    assert (done.status, done.out) == (1, "allegro: damaged\n")
    assert "vae/a.safetensors: its checksum is wrong" in done.err
    assert "vitascope models rm ID, then pull it again" in done.err
    assert run("models", "rm", "allegro").status == 0
    assert not (home / "models" / "allegro").exists()
    assert run("models", "rm", "allegro").status == 2


def test_a_licence_may_be_accepted_on_a_terminal(run, home: Path, monkeypatch):
    monkeypatch.setattr(models.sys.stdin, "isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr(models.typer, "confirm", lambda text, err: asked.append(text))
    assert run("models", "pull", "allegro").status == 2
    assert asked == ["Do you accept it?"]
    monkeypatch.setattr(models.typer, "confirm", lambda text, err: True)
    assert run("models", "pull", "allegro").status == 0


def test_a_hub_that_refuses_is_one_line(run):
    done = run("models", "pull", "svd-xt", "--accept-licence")
    assert (done.status, done.err.splitlines()[-1]) == (
        1,
        "vitascope: stabilityai/stable-video-diffusion-img2vid-xt is gated: ask for access",
    )


def test_a_folder_from_elsewhere_is_added(run, home: Path, tmp_path: Path):
    fetch(HuggingFace(), "", "", [*FILES, "vae/a.safetensors"], tmp_path / "usb")
    done = run("models", "add", "allegro", str(tmp_path / "usb"), "--accept-licence")
    assert (done.status, done.out.strip()) == (0, str(home / "models" / "allegro"))
    assert run("models", "verify", "allegro").status == 0


def test_an_unknown_model_is_one_line(run):
    done = run("models", "info", "wan")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert "--model: 'wan' is not in the catalogue" in done.err

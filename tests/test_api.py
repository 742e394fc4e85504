import inspect

import numpy as np
import pytest
from pydantic import AliasChoices

from vitascope.api import generate, stream
from vitascope.backends import registry
from vitascope.cli import run_command
from vitascope.cli.generate import generate as command
from vitascope.cli.jobs import submit
from vitascope.deliver.mux import read
from vitascope.errors import RequestError
from vitascope.progress import Event
from vitascope.server.schemas import CreateVideo, NewJob
from vitascope.types import CameraMove, Shot

NAMES = set(inspect.signature(generate).parameters)
"""What `generate` can be told: the contract that the command line and the HTTP API keep, too."""


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    monkeypatch.setattr(registry, "_HOMES", {"toybox": "vitascope.testing.fakes:FakeBackend"})
    registry._open.cache_clear()
    yield
    registry._open.cache_clear()


def test_words_become_a_clip_that_saves_itself(tmp_path):
    heard: list[Event] = []
    clip = generate("a cat", seed=7, seconds=1, camera="zoom-in 0.3", progress=heard.append)
    assert clip.frames.shape == (9, 48, 64, 3)
    assert clip.save(tmp_path / "cat.mp4").is_file()
    assert clip.record.shot.camera == (CameraMove(kind="zoom", amount=0.3),)
    assert {event.phase for event in heard} >= {"load", "encode", "denoise", "decode"}


def test_a_seed_is_drawn_and_told():
    assert generate("a cat").record.shot.seed != generate("a cat").record.shot.seed


@pytest.mark.parametrize("size", [(48, 64), "48x64", "48×64"])
def test_sizes_are_width_and_height(size):
    assert generate("a cat", size=size).frames.shape[1:3] == (64, 48)


@pytest.mark.parametrize(
    ("said", "argument"),
    [
        ({"size": "big"}, "size"),
        ({"size": "64x48x3"}, "size"),
        ({"seconds": float("nan")}, "seconds"),
        ({"camera": "flutter"}, "camera"),
        ({"model": "sora"}, "model"),
    ],
)
def test_what_is_wrong_is_named(said, argument):
    with pytest.raises(RequestError) as caught:
        generate("a cat", **said)
    assert caught.value.argument == argument


def test_names_are_the_same_everywhere():
    """Python's arguments are the flags and, but for pictures (which become givens) and LoRAs, the fields of a shot."""
    python = NAMES - {"progress"}
    pictures = {"at", "image", "last_image", "keyframes", "reference", "fit", "fallback", "lora"}
    pictures |= {"pose_video", "face_video"}
    assert python - pictures <= set(Shot.model_fields)
    flags = {{"keyframe": "keyframes"}.get(name, name) for name in inspect.signature(command).parameters}
    delivery = {"output", "number", "resume", "stream", "as_json", "dry_run", "force"}
    assert flags - delivery - {"enhance", "server", "no_wait"} == python


def test_every_name_is_a_field_of_the_http_api_or_of_the_shots_that_it_takes():
    """Which model stands in for another, and what lies on its disk, is for those who run a server."""
    fields = set()
    for name, field in CreateVideo.model_fields.items():
        other = field.validation_alias
        fields |= {name, *(map(str, other.choices) if isinstance(other, AliasChoices) else ())}
    assert NAMES - fields == {"fallback", "lora", "progress"}
    assert NewJob.model_fields["shot"].annotation is Shot


def test_a_job_is_told_by_the_names_of_generate():
    flags = {{"keyframe": "keyframes"}.get(name, name) for name in inspect.signature(submit).parameters}
    assert NAMES - flags == {"fallback", "progress"}
    assert flags - NAMES == {"number", "priority", "key", "as_json"}


def test_as_many_frames_as_the_flag_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(["generate", "a cat", "--num-frames", "9", "--seed", "7", "-o", "cat.mp4"]) == 0
    assert len(read(tmp_path / "cat.mp4").frames) == 9
    assert run_command(["generate", "a cat", "--num-frames", "66"]) == 2
    assert "--num-frames: 66 is more than fake can draw; nearest: 65" in capsys.readouterr().err
    assert run_command(["generate", "a cat", "--num-frames", "9", "--seconds", "9"]) == 2
    assert "--seconds: 9 does not agree with 9 frames" in capsys.readouterr().err


@pytest.mark.parametrize("home", ["FakeBackend", "FakeLatents"])
def test_a_clip_is_watched_while_it_is_made(monkeypatch, home):
    monkeypatch.setattr(registry, "_HOMES", {"toybox": f"vitascope.testing.fakes:{home}"})
    registry._open.cache_clear()
    told = {"seed": 7, "seconds": 5, "camera": "zoom-in 0.3", "steps": 1}
    showing, whole = stream("a cat", **told), generate("a cat", **told)
    chunks = list(showing.frames)
    assert (np.concatenate(chunks) == whole.frames).all()
    assert (len(chunks) > 1) == (home == "FakeLatents")
    assert showing.record.shot == whole.record.shot
    assert showing.fps == whole.fps


def test_a_fallback_that_there_is_not_is_refused_though_nobody_needs_it():
    for call in (generate, stream):
        with pytest.raises(RequestError, match="fallback: 'sora' is not known"):
            call("a cat", fallback="sora")

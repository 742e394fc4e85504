"""Every field of a shot on every kind of road: it is used, or refused, or a note says that it has no effect."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope import pipeline
from vitascope.backends.base import Backend
from vitascope.backends.registry import backend
from vitascope.errors import RequestError
from vitascope.tasks import first_frame
from vitascope.testing.fakes import FakeBackend
from vitascope.types import CameraMove, Shot

VALUES = {
    "negative_prompt": "rain", "seconds": 1.0, "num_frames": 9, "fps": 7.0, "size": (64, 48), "aspect_ratio": "3:4",
    "camera": (CameraMove(kind="zoom", amount=0.3),), "path": ((0.0, 0.5, 0.5),), "strength": 0.5, "loop": True,
    "script": ((0.5, "it jumps"),), "style": "noir", "sound": True, "preset": "draft", "steps": 7,
    "guidance_scale": 3.7, "quality": "low", "memory": "device", "loras": (("a.safetensors", 1.0),),
}  # fmt: skip
FILLED_IN = {"prompt", "seed", "model", "givens", "caption", "cast"}
"""Fields that every shot has, or that planning writes."""
SHAPE = {"seconds", "num_frames", "fps", "size", "aspect_ratio"}
TOLD = {"camera", "path", "loop", "script", "style", "preset", "steps"}
CALLED = {"script": "at", "loras": "lora"}
"""What a person calls a field."""


class Foreign(FakeBackend):
    """Sees pictures of no world that it knows."""

    see = staticmethod(
        lambda pictures: {"set": {"garden": 0.5, "beach": 0.5}, "subject": {"cat": 0.5, "dog": 0.5}}
    )


ROADS: dict[str, tuple[Backend | str, bool, set[str]]] = {
    "words": (
        FakeBackend(),
        False,
        SHAPE | TOLD | {"negative_prompt", "guidance_scale"},
    ),
    "photograph": (Foreign(), True, SHAPE | TOLD),
    "open weights, words": (
        "wan2.1-t2v-1.3b",
        False,
        SHAPE | {"negative_prompt", "steps", "guidance_scale", "quality", "memory", "loras"},
    ),
    "open weights, a picture": (
        "svd-xt", True, SHAPE | {"steps", "guidance_scale", "quality", "memory", "loras"},
    ),
}  # fmt: skip
"""The model of each road, whether it is given a picture, and the fields that make a difference there."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(file)
    return file


def test_every_field_is_walked():
    assert VALUES.keys() | FILLED_IN == Shot.model_fields.keys()


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("field", VALUES)
def test_what_is_asked_is_used_refused_or_said_to_have_no_effect(road: str, field: str, picture: Path):
    model, pictured, used = ROADS[road]
    renderer = backend(model) if isinstance(model, str) else model
    givens = (first_frame(picture),) if pictured else ()
    words = "slow zoom in" if pictured else "a cat walks"
    shot = Shot(prompt=words, seed=1, givens=givens, **{field: VALUES[field]})
    plain = pipeline.plan(shot.model_copy(update={field: Shot.model_fields[field].default}), renderer)
    name = CALLED.get(field, field)
    try:
        planned = pipeline.plan(shot, renderer)
    except RequestError as error:
        refused = error.argument
    else:
        refused = None
        told = [note for note in planned.notes if note.startswith(f"{name}: ") and note not in plain.notes]
        makes_difference = planned.shot != plain.shot or getattr(plain.shot, field) == VALUES[field]
        assert len(told) == 1 or (field in used and makes_difference)
    assert refused in (None, name)

import numpy as np
import pytest
from pydantic import ValidationError

from vitascope.types import CameraMove, CastMember, LatentShape, LatentSpec, PlannedShot, Shot, VideoShape

LATENTS = LatentSpec(channels=8, time_stride=4, space_stride=16)


def test_a_video_shape_knows_its_latents():
    shape = VideoShape(num_frames=17, height=128, width=96, fps=8.0)
    assert LATENTS.grid(shape) == LatentShape(frames=5, height=8, width=6)
    assert LATENTS.grid(shape).num_tokens == 240
    assert shape.seconds == 17 / 8


@pytest.mark.parametrize(
    ("frames", "height", "width"), [(16, 128, 128), (0, 128, 128), (17, 100, 128), (17, 128, 0)]
)
def test_a_shape_without_latents_says_why(frames, height, width):
    with pytest.raises(ValueError, match="not"):
        LATENTS.grid(VideoShape(frames, height, width, 8.0))


def test_positions_are_seconds_and_centred_cells():
    positions = LatentShape(frames=3, height=2, width=4).positions(fps=8.0, time_stride=4)
    assert positions.shape == (24, 3)
    assert positions.mean(axis=0).tolist() == [0.5, 0.0, 0.0]
    assert positions[0].tolist() == [0.0, -0.5, -1.5]
    assert positions[1].tolist() == [0.0, -0.5, -0.5]
    assert positions[-1].tolist() == [1.0, 0.5, 1.5]


def test_spread_follows_the_order_of_tokens():
    shape = LatentShape(frames=2, height=2, width=3)
    spread = shape.spread(np.array([[1.0], [2.0]], np.float32))
    assert spread[:6].tolist() == [[1.0]] * 6
    assert spread[6:].tolist() == [[2.0]] * 6


def test_a_shot_survives_json():
    shot = Shot(prompt="a cat 🐈", camera=(CameraMove(kind="zoom", amount=0.3),), size=(128, 128), seed=2**62)
    assert Shot.model_validate_json(shot.model_dump_json(exclude_none=True)) == shot


def test_a_shot_has_no_other_fields():
    with pytest.raises(ValidationError):
        Shot.model_validate({"prompt": "a cat", "promt": "a dog"})


def test_a_move_ends_after_it_starts():
    with pytest.raises(ValidationError, match="after it starts"):
        CameraMove(kind="pan", amount=0.2, start=0.5, end=0.5)


def test_an_unplanned_shot_has_no_shape():
    with pytest.raises(ValueError, match="plan it first"):
        Shot(prompt="a cat").video_shape()


def test_a_planned_shot_has_nothing_open():
    said = {"size": (64, 48), "num_frames": 9, "fps": 8.0, "caption": "a cat walks", "steps": 4, "seed": 0}
    whole = PlannedShot.of(Shot(prompt="a cat", guidance_scale=0.0, **said))
    assert (whole.seed, whole.guidance_scale, whole.camera) == (0, 0.0, ())
    assert whole.shape == VideoShape(9, 48, 64, 8.0)
    with pytest.raises(ValueError, match="no steps, guidance_scale yet"):
        PlannedShot.of(whole.shot.model_copy(update={"steps": None, "guidance_scale": None}))


def test_a_cast_is_of_three_at_most_and_stands_to_whom_is_there():
    cat = CastMember(page="cat", name="cat", relation="beside", target=1)
    assert Shot(prompt="two cats", cast=(cat, CastMember(page="cat", name="cat"))).cast is not None
    with pytest.raises(ValidationError, match="stands to another that is not there"):
        Shot(prompt="a cat", cast=(cat,))
    with pytest.raises(ValidationError, match="at most 3"):
        Shot(prompt="cats", cast=(cat,) * 4)
    for wrong in (
        {"target": -1},
        {"target": 3},
        {"scale": 0.0},
        {"scale": float("nan")},
        {"page": "x" * 10_000},
    ):
        with pytest.raises(ValidationError):
            CastMember(**{"page": "cat", "name": "cat", **wrong})

from dataclasses import replace

import pytest

from vitascope import tasks
from vitascope.errors import RequestError
from vitascope.planning.plan import plan_by_card
from vitascope.planning.rules import FrameRule
from vitascope.testing.fakes import CARD
from vitascope.types import CameraMove, Given, Shot


def shot(**said) -> Shot:
    return Shot(**{"prompt": "a cat", "seed": 1, **said})


def test_what_was_not_said_gets_the_models_defaults():
    plan = plan_by_card(shot(), CARD)
    assert plan.notes == ()
    assert plan.shot == shot(
        size=(64, 48),
        fps=8.0,
        num_frames=17,
        seconds=17 / 8,
        preset="standard",
        steps=4,
        guidance_scale=2.0,
        camera=(),
    )


def test_a_preset_says_what_the_shot_does_not():
    quality = plan_by_card(shot(preset="quality"), CARD).shot
    assert (quality.preset, quality.steps, quality.guidance_scale) == ("quality", 40, 2.0)
    own = plan_by_card(shot(preset="quality", steps=3, guidance_scale=1.5), CARD).shot
    assert (own.preset, own.steps, own.guidance_scale) == ("quality", 3, 1.5)


def test_a_model_without_presets_has_its_own_defaults():
    card = replace(CARD, presets={})
    plain = plan_by_card(shot(), card).shot
    assert (plain.preset, plain.steps) == (None, 4)
    with pytest.raises(RequestError, match="preset: fake has no presets; say how many steps"):
        plan_by_card(shot(preset="draft"), card)


def test_a_planned_shot_is_planned_already():
    plan = plan_by_card(shot(seconds=1.0), CARD)
    assert plan_by_card(plan.shot, CARD).shot == plan.shot
    assert plan_by_card(plan.shot, CARD).notes == ()


@pytest.mark.parametrize(
    ("said", "frames", "noted"),
    [
        ({"seconds": 2.0}, 17, True),
        ({"seconds": 2.125}, 17, False),
        ({"seconds": 1.0}, 9, True),
        ({"seconds": 0.01}, 1, True),
        ({"num_frames": 5}, 5, False),
        ({"num_frames": 6}, 5, True),
    ],
)
def test_lengths_snap_and_say_so(said, frames, noted):
    plan = plan_by_card(shot(**said), CARD)
    assert (plan.shot.num_frames, plan.shot.seconds) == (frames, frames / 8)
    assert bool(plan.notes) is noted


NO_ROLL = replace(CARD, camera_limits={"pan": 0.5, "zoom": 1.0})


@pytest.mark.parametrize(
    ("said", "argument", "nearest"),
    [
        ({"seconds": -1.0}, "seconds", "0.125"),
        ({"seconds": 0.0}, "seconds", "0.125"),
        ({"seconds": 1e9}, "seconds", "2.125"),
        ({"num_frames": 0}, "num_frames", "1"),
        ({"num_frames": 10**12}, "num_frames", "17"),
        ({"seconds": 1.0, "num_frames": 17}, "seconds", "one of the two"),
        ({"preset": "best"}, "preset", "draft, standard, quality"),
        ({"fps": 24.0}, "fps", "8"),
        ({"fps": 0.0}, "fps", "8"),
        ({"size": (60, 50)}, "size", "64x48"),
        ({"size": (1, 100000)}, "size", "x"),
        ({"size": (-64, 48)}, "size", "64x48"),
        ({"aspect_ratio": "16:9"}, "aspect_ratio", "64:48"),
        ({"aspect_ratio": "wide"}, "aspect_ratio", "16:9"),
        ({"aspect_ratio": "1:0"}, "aspect_ratio", "16:9"),
        ({"size": (64, 48), "aspect_ratio": "4:3"}, "aspect_ratio", "one of the two"),
        ({"steps": 0}, "steps", "1"),
        ({"steps": 10**6}, "steps", "200"),
        ({"guidance_scale": -1.0}, "guidance_scale", "0"),
        ({"guidance_scale": 1000.0}, "guidance_scale", "20"),
        ({"seed": -5}, "seed", "0"),
        ({"seed": 2**70}, "seed", str(2**63 - 1)),
        ({"camera": (CameraMove(kind="roll", amount=1.0),)}, "camera", "pan"),
        ({"givens": (Given(kind="image", source="cat.png"),)}, "givens", "leave"),
        (
            {"givens": (tasks.pose("p.mp4"), tasks.face("f.mp4"))},
            "pose_video",
            "models that can: wan2.2-animate",
        ),
        ({"givens": (tasks.face("f.mp4"),)}, "face_video", "models that can: wan2.2-animate-14b"),
        ({"path": ((0.0, 0.5, 0.5),)}, "path", "prompt"),
        ({"sound": True}, "sound", "off"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_nearest_that_can(said, argument, nearest):
    with pytest.raises(RequestError) as caught:
        plan_by_card(shot(**said), NO_ROLL if "camera" in said else CARD)
    assert caught.value.argument == argument
    assert caught.value.nearest is not None
    assert nearest in caught.value.nearest
    assert "\n" not in str(caught.value)


def test_a_move_that_needs_depth_becomes_the_nearest_that_does_not():
    plan = plan_by_card(shot(camera=(CameraMove(kind="dolly", amount=0.4),)), CARD)
    assert [(move.kind, move.amount) for move in plan.shot.camera or ()] == [("zoom", 0.4)]
    assert plan.notes == (
        'the model does not know the camera move "dolly": making the nearest it knows, "zoom"',
    )


def test_an_aspect_ratio_becomes_a_size():
    assert plan_by_card(shot(aspect_ratio="3:4"), CARD).shot.size == (48, 64)
    assert plan_by_card(shot(aspect_ratio="1.33/1"), CARD).shot.aspect_ratio is None


def test_a_move_is_held_to_what_the_model_has_seen():
    moves = (
        CameraMove(kind="pan", amount=-9.0),
        CameraMove(kind="zoom", amount=0.5),
        CameraMove(kind="static"),
    )
    plan = plan_by_card(shot(camera=moves), CARD)
    assert [(move.kind, move.amount) for move in plan.shot.camera or ()] == [("pan", -0.5), ("zoom", 0.5)]
    assert plan.notes == ("camera: pan -9 becomes -0.5",)


def test_a_negative_prompt_without_guidance_is_noted():
    plan = plan_by_card(shot(negative_prompt="rain", guidance_scale=1.0), CARD)
    assert len(plan.notes) == 1


def test_the_longest_clip_need_not_be_asked_for_exactly():
    card = replace(CARD, frames=FrameRule(default=17, most=33))
    assert plan_by_card(shot(seconds=4.0), card).shot.num_frames == 33

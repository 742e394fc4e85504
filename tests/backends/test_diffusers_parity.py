"""The adapter adds nothing: for every class our frames are those of diffusers called with the same arguments.

What each pipeline is called with is written out by hand here, not taken from the catalogue.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.backends.tinies import WORDS, directly, moving, rendered, shot_for
from vitascope import tasks
from vitascope.types import Given

SMALL = {**WORDS, "width": 32, "height": 32, "num_inference_steps": 2}
CLIP = {**SMALL, "num_frames": 9}
SILENT = {name: value for name, value in CLIP.items() if name != "negative_prompt"}


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        ("wan", {**CLIP, "guidance_scale": 5.0}),
        ("wan-experts", {**CLIP, "guidance_scale": 5.0}),
        ("wan-modular", CLIP),
        ("skyreels", {
            **SMALL, "num_frames": 17, "guidance_scale": 6.0, "fps": 24, "base_num_frames": 9, "overlap_history": 5,
            "addnoise_condition": 20,
        }),
        ("sana", {**SMALL, "frames": 9, "guidance_scale": 6.0, "use_resolution_binning": False}),
        ("ltx", {
            **CLIP, "guidance_scale": 3.0, "frame_rate": 25, "decode_timestep": 0.05, "decode_noise_scale": 0.025,
        }),
        ("ltx2", {**CLIP, "guidance_scale": 3.0, "frame_rate": 24, "stg_scale": 0.0, "audio_stg_scale": 0.0}),
        ("hunyuan15", CLIP),
        ("hunyuan", {**SILENT, "guidance_scale": 6.0}),
        ("kandinsky5", {**CLIP, "guidance_scale": 5.0}),
        ("kandinsky6", {**CLIP, "guidance_scale": 5.0, "frame_rate": 24}),
        ("cosmos", {**CLIP, "guidance_scale": 7.0}),
        ("helios", {**SMALL, "num_frames": 33, "guidance_scale": 5.0}),
        ("cogvideox", {**CLIP, "guidance_scale": 6.0}),
        ("mochi", {**SMALL, "num_frames": 7, "guidance_scale": 4.5}),
        ("allegro", {
            **SMALL, "width": 128, "height": 128, "num_frames": 24, "guidance_scale": 7.5, "clean_caption": False,
        }),
        ("animatediff", {**SMALL, "num_frames": 8, "guidance_scale": 7.5}),
    ],
)  # fmt: skip
def test_words_become_the_frames_that_diffusers_makes(
    kind: str, called: dict[str, Any], home: Path, no_guardrail: None
):
    backend, shot = shot_for(kind, home)
    frames = rendered(backend, shot).frames
    assert frames.std() > 0
    np.testing.assert_array_equal(frames, directly(kind, home, **called))


def picture(folder: Path, name: str) -> Image.Image:
    return Image.open(folder / f"{name}.png").convert("RGB")


def test_a_first_frame_becomes_the_frames_that_diffusers_makes(home: Path, pictures: Path):
    given = (tasks.first_frame(pictures / "first.png"),)
    backend, shot = shot_for("wan-image", home, given)
    expected = directly(
        "wan-image", home, **CLIP, image=picture(pictures, "first"), guidance_scale=shot.guidance_scale
    )
    np.testing.assert_array_equal(rendered(backend, shot).frames, expected)


def test_a_first_and_a_last_frame_become_the_frames_that_diffusers_makes(home: Path, pictures: Path):
    givens = (tasks.first_frame(pictures / "first.png"), tasks.last_frame(pictures / "last.png"))
    backend, shot = shot_for("wan-image", home, givens)
    called = {"image": picture(pictures, "first"), "last_image": picture(pictures, "last")}
    expected = directly("wan-image", home, **CLIP, **called, guidance_scale=shot.guidance_scale)
    np.testing.assert_array_equal(rendered(backend, shot).frames, expected)


@pytest.mark.parametrize(
    ("kind", "called"),
    [
        ("cogvideox-image", {**CLIP, "guidance_scale": 6.0}),
        ("kandinsky5-image", {**CLIP, "num_frames": 17, "guidance_scale": 5.0}),
        ("kandinsky6", {**CLIP, "guidance_scale": 5.0, "frame_rate": 24}),
        ("helios", {**SMALL, "num_frames": 33, "guidance_scale": 5.0}),
    ],
)
def test_others_take_a_first_frame_too(kind: str, called: dict[str, Any], home: Path, pictures: Path):
    backend, shot = shot_for(kind, home, (tasks.first_frame(pictures / "first.png"),))
    expected = directly(kind, home, **called, image=picture(pictures, "first"))
    np.testing.assert_array_equal(rendered(backend, shot).frames, expected)


def test_a_model_that_reads_no_words_is_given_none(home: Path, pictures: Path):
    backend, shot = shot_for("svd", home, (tasks.first_frame(pictures / "first.png"),))
    expected = directly(
        "svd", home, image=picture(pictures, "first").resize((64, 64), Image.Resampling.LANCZOS), width=64, height=64,
        num_frames=14, num_inference_steps=2, max_guidance_scale=3.0, decode_chunk_size=8,
    )  # fmt: skip
    np.testing.assert_array_equal(rendered(backend, shot).frames, expected)


def test_cosmos_goes_on_from_a_clip(home: Path, pictures: Path, no_guardrail: None):
    backend, shot = shot_for("cosmos", home, (tasks.continued(pictures / "clip-16.png"),), num_frames=17)
    expected = directly("cosmos", home, **{**CLIP, "num_frames": 17}, video=moving(9), guidance_scale=7.0)
    np.testing.assert_array_equal(rendered(backend, shot).frames, expected)


@pytest.mark.parametrize(("kind", "fps", "scale"), [("wan-video", 16, 5.0), ("cogvideox-video", 8, 6.0)])
def test_a_clip_to_change_becomes_the_frames_that_diffusers_makes(
    kind: str, fps: int, scale: float, home: Path, pictures: Path
):
    backend, shot = shot_for(kind, home, (tasks.edited(pictures / f"clip-{fps}.png"),), strength=0.9, steps=3)
    called = {**SMALL, "num_inference_steps": 3, "video": moving(9), "strength": 0.9, "guidance_scale": scale}
    np.testing.assert_array_equal(rendered(backend, shot).frames, directly(kind, home, **called))


def test_a_masked_clip_becomes_the_frames_that_diffusers_makes(home: Path, pictures: Path):
    given = tasks.region(pictures / "clip-16.png", pictures / "mask.png")
    backend, shot = shot_for("wan-vace", home, (given,))
    white = np.asarray(Image.open(pictures / "mask.png")) > 127
    video = [Image.fromarray(np.where(white[..., None], np.uint8(128), np.asarray(f))) for f in moving(9)]
    mask = [Image.open(pictures / "mask.png")] * 9
    called = {"video": video, "mask": mask, "guidance_scale": 5.0}
    np.testing.assert_array_equal(
        rendered(backend, shot).frames, directly("wan-vace", home, **CLIP, **called)
    )


def test_references_become_the_frames_that_diffusers_makes(home: Path, pictures: Path):
    backend, shot = shot_for("wan-vace", home, (tasks.reference(pictures / "first.png"),))
    called = {"reference_images": [picture(pictures, "first")], "guidance_scale": 5.0}
    np.testing.assert_array_equal(
        rendered(backend, shot).frames, directly("wan-vace", home, **CLIP, **called)
    )


def test_a_clip_to_go_on_from_is_kept_and_the_rest_is_masked(home: Path, pictures: Path):
    backend, shot = shot_for("wan-vace", home, (tasks.continued(pictures / "clip-16.png"),), num_frames=17)
    grey, white = Image.new("RGB", (32, 32), (128,) * 3), Image.new("L", (32, 32), 255)
    called = {
        **CLIP, "num_frames": 17, "guidance_scale": 5.0, "video": moving(9) + [grey] * 8,
        "mask": [Image.new("L", (32, 32), 0)] * 9 + [white] * 8,
    }  # fmt: skip
    np.testing.assert_array_equal(rendered(backend, shot).frames, directly("wan-vace", home, **called))


MOVED = {**SMALL, "guidance_scale": 1.0, "segment_frame_length": 9, "mode": "animate"}


def test_motion_that_is_copied_becomes_the_frames_that_diffusers_makes(home: Path, pictures: Path):
    clip = pictures / "clip-30.png"
    givens = (tasks.pose(clip), tasks.face(clip), tasks.reference(pictures / "first.png"))
    backend, shot = shot_for("wan-animate", home, givens)
    called = {"pose_video": moving(9), "face_video": moving(9), "image": picture(pictures, "first")}
    frames, white = rendered(backend, shot).frames, Image.new("RGB", (32, 32), "white")
    np.testing.assert_array_equal(frames, directly("wan-animate", home, **MOVED, **called))
    for other in ({"pose_video": [white] * 9}, {"face_video": [white] * 9}, {"image": white}):
        assert (frames != directly("wan-animate", home, **MOVED, **{**called, **other})).any(), other


def test_a_face_is_cut_to_a_square_and_a_long_clip_is_made_piece_by_piece(
    home: Path, pictures: Path, tmp_path: Path
):
    wide = [Image.fromarray(np.pad(np.asarray(frame), ((0, 0), (8, 8), (0, 0)))) for frame in moving(14)]
    files = {"pose": moving(14), "face": wide}
    for name, frames in files.items():
        frames[0].save(tmp_path / f"{name}.png", save_all=True, append_images=frames[1:], duration=33, loop=0)
    motion = (tasks.pose(tmp_path / "pose.png"), tasks.face(tmp_path / "face.png"))
    givens = (*motion, tasks.first_frame(pictures / "last.png"))
    backend, shot = shot_for("wan-animate", home, givens, num_frames=14)
    called = {"pose_video": moving(14), "face_video": moving(14), "image": picture(pictures, "last")}
    expected = directly("wan-animate", home, **MOVED, **called)
    assert len(expected) == 14
    np.testing.assert_array_equal(rendered(backend, shot).frames, expected)


def test_pictures_at_times_become_the_frames_that_diffusers_makes(home: Path, pictures: Path):
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

    givens = (
        tasks.first_frame(pictures / "first.png"),
        Given(kind="image", source=str(pictures / "last.png"), start=0.3),
    )
    backend, shot = shot_for("ltx-condition", home, givens)
    conditions = [
        LTXVideoCondition(image=picture(pictures, "first"), frame_index=0),
        LTXVideoCondition(image=picture(pictures, "last"), frame_index=8),
    ]
    called = {
        **CLIP,
        "guidance_scale": 3.0,
        "frame_rate": 25,
        "decode_timestep": 0.05,
        "decode_noise_scale": 0.025,
    }
    expected = directly("ltx-condition", home, **called, conditions=conditions)
    np.testing.assert_array_equal(rendered(backend, shot).frames, expected)


def test_a_clip_to_go_on_from_is_a_condition_where_the_model_takes_those(home: Path, pictures: Path):
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

    backend, shot = shot_for(
        "ltx-condition", home, (tasks.continued(pictures / "clip-25.png"),), num_frames=17
    )
    called = {
        **SMALL, "num_frames": 17, "guidance_scale": 3.0, "frame_rate": 25, "decode_timestep": 0.05,
        "decode_noise_scale": 0.025, "conditions": [LTXVideoCondition(video=moving(9), frame_index=0)],
    }  # fmt: skip
    np.testing.assert_array_equal(rendered(backend, shot).frames, directly("ltx-condition", home, **called))


@pytest.mark.parametrize(("kind", "rate", "channels"), [("ltx2", 16000, 2), ("kandinsky6", 64, 1)])
def test_sound_comes_with_the_frames(kind: str, rate: int, channels: int, home: Path):
    backend, shot = shot_for(kind, home)
    clip = rendered(backend, shot)
    assert clip.sample_rate == rate
    assert clip.sound is not None
    assert clip.sound.shape[0] == channels
    assert clip.sound.std() > 0

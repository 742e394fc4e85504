"""How long a clip is that copies the motion of videos."""

import re
from pathlib import Path

import pytest

from vitascope import tasks
from vitascope.backends.diffusers.backend import Diffusers
from vitascope.errors import RequestError
from vitascope.planning.motion_source import following
from vitascope.testing.fakes import synthetic_clip
from vitascope.types import Given, Shot
from vitascope.weights.catalogue import catalogue

ANIMATE = catalogue()["wan2.2-animate-14b"]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with videos of 17 and of 9 frames, 8 a second."""
    folder = tmp_path_factory.mktemp("videos")
    for name, count in (("long", 17), ("short", 9)):
        synthetic_clip(count, seed=5).save(folder / f"{name}.mp4")
    return folder


def shot(videos: Path, pose: str = "long.mp4", face: str = "long.mp4", **said) -> Shot:
    motion: tuple[Given, ...] = (tasks.pose(videos / pose), tasks.face(videos / face))
    return Shot(**{"prompt": "a dancer", "seed": 7, "givens": (*motion, tasks.reference("who.png")), **said})


def test_a_clip_is_as_long_as_the_shorter_of_the_two_videos(videos: Path):
    planned = following(shot(videos, face="short.mp4"), ANIMATE)
    assert planned.shot.num_frames == 34  # 9 frames, 8 a second, at 30
    assert planned.notes == ("seconds: 1.133, as long as the face_video has motion to copy",)
    assert following(planned.shot, ANIMATE) == type(planned)(planned.shot)
    assert following(shot(videos), ANIMATE).shot.num_frames == 64


def test_a_plan_tells_it(videos: Path):
    planned = Diffusers(ANIMATE.id).plan(shot(videos))
    assert (planned.shot.num_frames, planned.shot.fps) == (64, 30.0)
    assert planned.notes[0] == "seconds: 2.133, as long as the pose_video has motion to copy"


def test_a_shorter_clip_can_be_asked_for_and_a_longer_one_not(videos: Path):
    assert following(shot(videos, seconds=1.0), ANIMATE).shot.num_frames is None
    assert following(shot(videos, num_frames=64), ANIMATE).shot.num_frames == 64
    with pytest.raises(RequestError, match=r"^seconds: 3 is longer than the pose_video; nearest: 2\.133$"):
        following(shot(videos, seconds=3.0), ANIMATE)
    with pytest.raises(RequestError, match=r"^num_frames: 65 is longer than the face_video; nearest: 34$"):
        following(shot(videos, face="short.mp4", num_frames=65), ANIMATE)


def test_what_is_no_video_is_refused_by_the_name_of_its_flag(videos: Path):
    with pytest.raises(RequestError, match=r"^pose_video: .*nothing\.mp4"):
        following(shot(videos, pose="nothing.mp4"), ANIMATE)
    still = videos / "still.png"
    synthetic_clip(1, seed=5).save(videos / "one.mp4")
    from PIL import Image

    Image.new("RGB", (16, 16)).save(still)
    with pytest.raises(
        RequestError, match=rf"^face_video: {re.escape(str(still))} is a picture; give a video$"
    ):
        following(shot(videos, face="still.png"), ANIMATE)
    assert following(shot(videos, face="one.mp4"), ANIMATE).shot.num_frames == 4  # 1/8 s at 30


def test_shots_that_copy_no_motion_and_other_models_are_left_alone():
    plain = Shot(prompt="a dancer", givens=(tasks.first_frame("nothing.png"),))
    assert following(plain, ANIMATE).shot is plain
    moved = Shot(prompt="a dancer", givens=(tasks.pose("nothing.mp4"),))
    assert following(moved, catalogue()["mochi-1"]).shot is moved

import re

import pytest

from vitascope import tasks
from vitascope.camera.syntax import parse_moves
from vitascope.errors import RequestError
from vitascope.planning.plan import plan_shot
from vitascope.planning.task import task_of
from vitascope.types import Given, Plan, Shot
from vitascope.weights.catalogue import Entry, catalogue


def entry(name: str) -> Entry:
    return catalogue()[name]


def plan(name: str, **said) -> Plan:
    return plan_shot(Shot(**{"prompt": "a cat", "seed": 7, **said}), entry(name))


IMAGE, LATER, LAST = tasks.first_frame("a.png"), tasks.keyframe("b.png", 1.5), tasks.last_frame("c.png")
WHO = tasks.reference("who.png")
MOTION = (tasks.pose("pose.mp4"), tasks.face("face.mp4"))


@pytest.mark.parametrize(
    ("givens", "task"),
    [
        ((), "text"),
        ((IMAGE,), "image"),
        ((IMAGE, LAST), "first-last"),
        ((LAST,), "keyframes"),
        ((IMAGE, LATER), "keyframes"),
        ((IMAGE, LATER, LAST), "keyframes"),
        ((WHO,), "reference"),
        ((IMAGE, WHO), "image"),
        ((tasks.edited("v.mp4"),), "source"),
        ((tasks.edited("v.mp4"), WHO), "source"),
        ((tasks.continued("v.mp4"),), "extend"),
        ((tasks.continued("v.mp4", 2.0),), "inpaint"),
        ((tasks.region("v.mp4", "mask.png"),), "inpaint"),
        ((tasks.region("v.mp4", box=(0.1, 0.1, 0.5, 0.5)),), "inpaint"),
        ((tasks.region("v.mp4", fit="pad"),), "inpaint"),
        (tasks.retake("v.mp4", 1.0, 2.0), "inpaint"),
        ((Given(kind="sound", source="s.wav", role="sound"), IMAGE), "sound"),
        ((tasks.pose("pose.mp4"), IMAGE), "motion"),
        ((tasks.face("face.mp4"),), "motion"),
    ],
)
def test_what_is_given_decides_the_task(givens: tuple[Given, ...], task: str):
    assert task_of(Shot(prompt="a cat", givens=givens)) == task


@pytest.mark.parametrize(
    ("name", "givens", "task"),
    [
        ("ltx-2", (IMAGE, LAST), "first-last"),
        ("wan2.1-vace-14b", (IMAGE,), "image"),
        ("skyreels-v2-df-14b", (tasks.continued("v.mp4"),), "extend"),
        ("wan2.2-animate-14b", (*MOTION, WHO), "motion"),
        ("wan2.1-vace-14b", (tasks.edited("v.mp4"), WHO), "source"),
    ],
)
def test_a_model_does_the_closest_task_that_it_can(name: str, givens: tuple[Given, ...], task: str):
    assert task_of(Shot(prompt="a cat", givens=givens), entry(name)) == task


def test_a_last_frame_is_known_by_its_time_once_the_shot_is_planned():
    shot = Shot(prompt="a cat", givens=(IMAGE, tasks.keyframe("c.png", 5.0)), num_frames=81, fps=16.0)
    assert task_of(shot) == "first-last"


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_a_shot_of_each_task_is_planned_once_and_for_all(name: str):
    model = entry(name)
    given = {
        "text": (), "image": (IMAGE,), "first-last": (IMAGE, LAST), "keyframes": (IMAGE, LATER), "reference": (WHO,),
        "source": (tasks.edited("v.mp4"),), "inpaint": (tasks.region("v.mp4", "m.png"),),
        "extend": (tasks.continued("v.mp4"),), "motion": (*MOTION, WHO),
    }  # fmt: skip
    for task in model.tasks:
        planned = plan(name, givens=given[task], camera=parse_moves("pan-left", 4), style="oil painting")
        shot = planned.shot
        assert (shot.num_frames, shot.size, shot.fps) == (model.frames.default, model.size.default, model.fps)
        assert (shot.steps, shot.guidance_scale) == (model.steps, model.guidance_scale)
        assert shot.seconds == pytest.approx(model.frames.default / model.fps)
        again = plan_shot(shot, model)
        assert again.shot == shot
        assert task_of(shot, model) == task


@pytest.mark.parametrize(
    ("name", "said", "became", "note"),
    [
        ("wan2.1-t2v-1.3b", {"num_frames": 79}, {"num_frames": 81}, "79 becomes 81 frames .* makes 4k\\+1"),
        ("wan2.1-t2v-1.3b", {"seconds": 5}, {"num_frames": 81}, "seconds: 5 becomes 81 frames"),
        ("ltx-2", {"num_frames": 120}, {"num_frames": 121}, "makes 8k\\+1, at most 481 frames"),
        ("mochi-1", {"num_frames": 84}, {"num_frames": 85}, "makes 6k\\+1"),
        ("svd-xt", {"num_frames": 20, "givens": (IMAGE,)}, {"num_frames": 25}, "makes 14 or 25 frames"),
        ("wan2.1-t2v-1.3b", {"fps": 30}, {"fps": 16.0}, "fps: 30 becomes 16, the rate of wan2.1-t2v-1.3b"),
        ("ltx-2", {"fps": 30}, {"fps": 30.0}, ""),
        ("ltx-2", {"fps": 120}, {"fps": 48.0}, "fps: 120 becomes 48: ltx-2 makes 12 to 48"),
        ("ltx-2", {"size": (1920, 1080)}, {"size": (1920, 1088)}, "size: 1920x1080 becomes 1920x1088"),
        ("wan2.1-t2v-1.3b", {"size": (833, 481)}, {"size": (832, 480)}, "multiples of 16"),
        ("wan2.1-t2v-1.3b", {"aspect_ratio": "9:16"}, {"size": (480, 848)}, ""),
        ("hunyuan-video", {"negative_prompt": "rain"}, {}, "negative_prompt: has no effect, hunyuan-video takes"),
        ("ltx-2.3-distilled", {"negative_prompt": "rain"}, {}, "guidance scale 1 takes no account"),
        ("ltx-2.3-distilled", {"steps": 20}, {"steps": 8}, "steps: ltx-2.3-distilled was made for 8"),
        ("hunyuan-video-1.5-t2v", {"guidance_scale": 3.0}, {"guidance_scale": 3.0}, ""),
        ("svd-xt", {"givens": (IMAGE,)}, {}, "prompt: svd-xt reads no words"),
        ("wan2.1-t2v-1.3b", {"givens": (tasks.edited("v.mp4"),)}, {"strength": 0.8}, ""),
        ("wan2.1-vace-1.3b", {"givens": (tasks.edited("v.mp4"),), "strength": 0.5}, {"strength": None}, "strength:"),
        ("ltx-2", {"sound": True}, {"sound": True}, ""),
    ],
)  # fmt: skip
def test_what_is_snapped_is_said(name: str, said: dict, became: dict, note: str):
    planned = plan(name, **said)
    assert {field: getattr(planned.shot, field) for field in became} == became
    notes = [each for each in planned.notes if "the usual one" not in each]
    assert any(re.search(note, each) for each in notes) if note else not notes, notes


@pytest.mark.parametrize(
    ("name", "said", "refusal"),
    [
        ("mochi-1", {"givens": (IMAGE,)}, r"givens: mochi-1 cannot be given a first frame \(it takes words alone\); "
         r"models that can: toybox, cogvideox-1\.5-5b-i2v, .* and \d+ more"),
        ("svd-xt", {}, r"givens: svd-xt makes nothing of words alone \(it takes a first frame\); models that can: toy"),
        ("mochi-1", {"givens": (tasks.region("v.mp4", "m.png"),)}, "models that can: toybox, wan2.1-vace-1.3b, wan2.1"),
        ("wan2.1-vace-14b", {"givens": (tasks.edited("p.mp4"), Given(kind="sound", source="s", role="sound"))},
         "cannot be given a sound to follow .*; no model of the catalogue can"),
        ("wan2.2-animate-14b", {"givens": (tasks.edited("p.mp4"), WHO)}, "cannot be given a video to change"),
        ("wan2.2-animate-14b", {"givens": (MOTION[0], WHO)}, "^face_video: wan2.2-animate-14b needs one video of how "
         "the face moves, not 0; give a pose video and a face video, of the same time"),
        ("wan2.2-animate-14b", {"givens": (MOTION[1], WHO)}, "^pose_video: .* how the body moves, not 0"),
        ("wan2.2-animate-14b", {"givens": (*MOTION, MOTION[0], WHO)}, "^pose_video: .* how the body moves, not 2"),
        ("wan2.2-animate-14b", {"givens": MOTION}, "^reference: .* needs one picture of who moves, and nothing else"),
        ("wan2.2-animate-14b", {"givens": (*MOTION, WHO, IMAGE)}, "^reference: .*; give one picture, as the reference"),
        ("wan2.2-animate-14b", {"givens": (*MOTION, LATER)}, "^reference: .* needs one picture of who moves"),
        ("mochi-1", {"givens": (*MOTION, WHO)}, r"^pose_video: mochi-1 cannot be given videos of how a body and a face "
         r"move \(it takes words alone\); models that can: wan2\.2-animate-14b$"),
        ("wan2.1-vace-14b", {"givens": (MOTION[1],)}, r"^face_video: .*; models that can: wan2\.2-animate-14b$"),
        ("mochi-1", {"path": ((0.0, 0.1, 0.5),)}, "path: mochi-1 cannot follow a path; models that can: toybox"),
        ("mochi-1", {"loop": True}, "loop: .*; models that can: toybox"),
        ("mochi-1", {"sound": True}, "sound: mochi-1 makes silent clips; models that can: kandinsky-6-lite"),
        ("wan2.2-i2v-a14b", {"givens": (IMAGE, LATER)}, "cannot be given frames at times of the shot"),
        ("ltx-2", {"givens": (IMAGE, LAST, WHO)}, "ltx-2 takes no reference beside a first and a last frame"),
        ("mochi-1", {"seconds": 60}, r"seconds: 60 is more than mochi-1 can draw; nearest: 5\.43333; models that can: "
         "toybox, helios-14b, skyreels"),
        ("mochi-1", {"num_frames": 0}, "num_frames: 0 is not a length; nearest: 1"),
        ("mochi-1", {"num_frames": 85, "seconds": 1}, "seconds: 1 does not agree with 85 frames at 30 a second"),
        ("mochi-1", {"size": (1920, 1080)}, r"size: 1920x1080 is more than mochi-1 can draw; nearest: \d+x\d+; models "
         "that can: ltx-2"),
        ("mochi-1", {"size": (0, 10)}, "size: 0x10 is not a size"),
        ("mochi-1", {"size": (64, 64), "aspect_ratio": "1:1"}, "aspect_ratio: is already decided by size"),
        ("mochi-1", {"steps": 0}, "steps: 0 is outside 1 to 200"),
        ("mochi-1", {"guidance_scale": 99.0}, "guidance_scale: 99"),
        ("mochi-1", {"seed": None}, "seed: None is not a number"),
        ("mochi-1", {"fps": -1.0}, "fps: -1 is not a frame rate"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_what_can(name: str, said: dict, refusal: str):
    with pytest.raises(RequestError, match=refusal) as caught:
        plan(name, **said)
    assert "\n" not in str(caught.value)


def test_camera_style_and_script_become_words_once():
    planned = plan(
        "wan2.1-t2v-1.3b",
        prompt="a cat in a garden.",
        caption="a cat in a garden.",
        camera=parse_moves("pan-left 0.1", 4),
        style="watercolour",
        script=((0.0, "a cat"), (0.5, "it jumps")),
    )
    told = "a cat in a garden, then it jumps, watercolour style, the camera pans left slowly"
    assert planned.shot.caption == told
    assert [note.split(":")[0] for note in planned.notes[:3]] == ["at", "style", "camera"]
    assert plan_shot(planned.shot, entry("wan2.1-t2v-1.3b")).shot.caption == told


def test_the_usual_negative_prompt_stands_in_where_none_was_said():
    assert "blurred" in plan("wan2.1-t2v-1.3b").shot.negative_prompt
    assert plan("wan2.1-t2v-1.3b", negative_prompt="rain").shot.negative_prompt == "rain"
    assert plan("wan2.1-t2v-1.3b", guidance_scale=1.0).shot.negative_prompt == ""

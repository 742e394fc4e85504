"""What pictures show, told where the words say nothing: with a made-up eye, and with the one that ships."""

from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recipes.toybox import small
from vitascope import pipeline
from vitascope.errors import RequestError
from vitascope.media.info import MediaFacts
from vitascope.media.inspector import LOCAL, Inspector, LocalInspector
from vitascope.tasks import continued, edited, first_frame, keyframe, reference
from vitascope.testing.fakes import FakeBackend, synthetic_clip
from vitascope.toybox.backend import Toybox
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.language.image_labels import NOTHING, Seen, recalled, seen_in, source_in
from vitascope.toybox.language.parse import parse
from vitascope.toybox.language.resolve import resolve
from vitascope.toybox.language.segments import stages
from vitascope.toybox.plan import picture_labels, plan_in_world
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import FULL, sample_scene
from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Take
from vitascope.types import CastMember, Clip, Plan, Record, Shot, VideoShape

BEACH = Seen({"set": "beach", "season": "summer", "time": "night", "weather": "clear", "style": "noir"})
UNSURE = Seen(open=frozenset(("subject", "set", "season", "time", "weather", "style")))
SURE = {
    "subject": "dog",
    "set": "garden",
    "season": "autumn",
    "time": "sunset",
    "weather": "rain",
    "style": "clay",
}


def caption(prompt: str, seen: Seen, **said) -> str | None:
    return resolve(Shot(prompt=prompt, **said), FULL, look=lambda: seen).shot.caption


class Eye:
    """Sees a scene, each field of it with a share, and remembers how many pictures it was shown."""

    def __init__(self, share: float = 0.95, **shares: float):
        self.shown: list[tuple[int, ...]] = []
        self.shares = {
            field: {label: shares.get(field, share), "else": 0.04} for field, label in SURE.items()
        }

    def __call__(self, pictures: np.ndarray) -> dict[str, dict[str, float]]:
        self.shown.append(pictures.shape)
        return self.shares


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.new("RGB", (200, 100), (9, 99, 9)).save(path)
    return path


def test_words_left_unsaid_are_filled_from_the_picture():
    assert caption("a dog jumps", BEACH) == "a dog jumps on a beach, night, clear, noir style"
    assert caption("a dog jumps", NOTHING) == "a dog jumps in a garden in summer, day, clear, clay style"


def test_what_the_words_say_goes_before_the_picture():
    assert (
        caption("a dog jumps on a beach at sunset", BEACH)
        == "a dog jumps on a beach, sunset, clear, noir style"
    )
    assert caption("a dog jumps", BEACH, style="clay") == "a dog jumps on a beach, night, clear, clay style"


def test_of_a_picture_that_nobody_is_sure_of_nothing_is_said():
    assert caption("a dog jumps", UNSURE) == "a dog jumps"
    assert caption("a dog jumps at night", UNSURE) == "a dog jumps, night"
    assert caption("a dog jumps in a garden in spring", UNSURE) == "a dog jumps in a garden in spring"
    assert caption("slow zoom in", UNSURE) == "a toy stands"
    assert caption("a dog jumps", UNSURE, style="noir") == "a dog jumps, noir style"
    assert resolve(Shot(prompt="a dog jumps"), FULL, look=lambda: UNSURE).shot.style is None


def test_who_is_seen_does_what_is_said():
    dog = Seen(BEACH.labels | {"subject": "dog"})
    assert caption("it jumps", dog) == "a dog jumps on a beach, night, clear, noir style"


def test_what_a_model_was_never_taught_is_left_to_the_picture():
    small = type(FULL)(subjects=("cat", "dog"), sets=("garden", "beach"), styles=("clay",))
    plan = resolve(Shot(prompt="a dog jumps"), small, look=lambda: BEACH)
    assert plan.shot.caption == "a dog jumps on a beach, night, clear"


def test_later_stages_are_told_as_the_picture_is_too():
    told = resolve(
        Shot(prompt="a dog walks // it jumps", script=((0.9, "it spins"),)), FULL, look=lambda: BEACH
    )
    assert [words for _, words in told.shot.script] == [
        "a dog jumps on a beach, night, clear, noir style",
        "a dog spins on a beach, night, clear, noir style",
    ]
    unsure = resolve(Shot(prompt="a dog walks // it jumps in a garden"), FULL, look=lambda: UNSURE).shot
    assert (unsure.caption, unsure.script) == ("a dog walks", ((0.5, "a dog jumps in a garden"),))


def test_it_is_said_what_was_seen_and_what_was_not():
    (note,) = resolve(Shot(prompt="a dog jumps"), FULL, look=lambda: BEACH).notes
    assert note == "seen in the picture: set beach, time night, weather clear, style noir"
    (note,) = resolve(Shot(prompt="a dog jumps"), FULL, look=lambda: UNSURE).notes
    assert note == (
        "left to the picture, which the model does not know for sure: set, season, time, weather, style"
    )
    assert resolve(Shot(prompt="a dog jumps"), FULL, look=lambda: NOTHING).notes == ()
    (note,) = resolve(Shot(prompt="a dog jumps", style="clay"), FULL, look=lambda: BEACH).notes
    assert note == "seen in the picture: set beach, time night, weather clear"


def test_a_prompt_is_taken_apart_the_same_way():
    parsed = parse("a dog jumps at sunset", FULL, seen=BEACH)
    assert parsed.said == {"subject", "action", "time"}
    assert parsed.seen == {"set", "season", "weather", "style"}
    assert set(parsed.guessed) == {"camera"}
    assert stages("a dog // it jumps", FULL, seen=UNSURE)[1].parsed.left == UNSURE.open - {"subject"}


def test_pictures_are_looked_at_only_where_it_is_needed(picture):
    looked = []
    for shot in (
        Shot(prompt="", givens=(first_frame(picture),)),
        Shot(prompt="a cat", caption="a cat stands", givens=(first_frame(picture),)),
        Shot(prompt="make it night", givens=(edited(picture),)),
        Shot(prompt="a cat", style="cubist", givens=(first_frame(picture),)),
    ):
        with suppress(RequestError):
            resolve(shot, FULL, look=lambda: looked.append(1) or NOTHING)
    assert not looked


def test_all_pictures_of_a_shot_are_looked_at_together(picture):
    eye = Eye()
    givens = (first_frame(picture), keyframe(picture, 1.0), reference(picture))
    assert seen_in(givens, eye, (64, 48)).labels == SURE
    assert eye.shown == [(2, 48, 64, 3)]


def test_a_video_is_looked_at_now_and_then(tmp_path):
    eye, path = Eye(), synthetic_clip(65).save(tmp_path / "in.mp4")
    assert seen_in((continued(path),), eye, (64, 48)).labels == SURE
    assert eye.shown == [(3, 48, 64, 3)]


def test_a_reference_shows_who_and_nothing_else(picture):
    assert seen_in((reference(picture),), Eye(), (64, 48)) == Seen({"subject": "dog"})
    assert seen_in((reference(picture),), Eye(0.5), (64, 48)) == Seen(open=frozenset(("subject",)))
    assert caption("a toy walks on a beach", Seen(open=frozenset(("subject",)))) == (
        "a toy walks on a beach, day, clear, clay style"
    )


def test_where_the_place_is_not_known_the_rest_is_not_trusted(picture):
    seen = seen_in((first_frame(picture),), Eye(set=0.8), (64, 48))
    assert (dict(seen.labels), seen.open) == ({}, frozenset(SURE))
    seen = seen_in((first_frame(picture),), Eye(time=0.8), (64, 48))
    assert (seen.open, "time" in seen.labels) == (frozenset(("time",)), False)


def test_without_an_eye_or_pictures_nothing_is_seen(picture):
    assert seen_in((), Eye(), (64, 48)) == NOTHING
    assert seen_in((first_frame(picture),), lambda pictures: {}, (64, 48)) == NOTHING


def test_a_backend_without_an_eye_guesses_as_before(picture):
    plan = pipeline.plan(Shot(prompt="a dog jumps", seed=1, givens=(first_frame(picture),)), FakeBackend())
    assert plan.shot.caption == "a dog jumps in a garden in summer, day, clear, clay style"


def test_a_backend_with_an_eye_is_asked(picture):
    def see(pictures: np.ndarray) -> dict[str, dict[str, float]]:
        assert pictures.shape == (1, 48, 64, 3)
        return Eye()(pictures)

    class Seeing(FakeBackend):
        def plan(self, shot: Shot, inspector: Inspector = LOCAL) -> Plan:
            return plan_in_world(shot, self.card, self.world, inspector, see=see)

    shot = Shot(prompt="it jumps", seed=1, size=(0, 0), givens=(first_frame(picture),))
    with pytest.raises(RequestError, match="size"):
        pipeline.plan(shot, Seeing())
    plan = pipeline.plan(shot.model_copy(update={"size": None}), Seeing())
    assert plan.shot.caption == "a dog jumps in a garden in autumn, sunset, rain, clay style"
    assert any(note.startswith("seen in the picture: subject dog, set garden") for note in plan.notes)


@cache
def toybox() -> Toybox:
    return Toybox(threads=1)


@cache
def theatre() -> Theatre:
    return Theatre(load_atlas(find_atlas()), VideoShape(1, 128, 128, 8.0))


def test_the_eye_that_ships_sees_the_theatre_as_it_is(tmp_path: Path):
    rng = np.random.default_rng(3)
    # The small atlas holds those whom the eye knows by name.
    world = replace(toybox().world, subjects=small().world.subjects)
    told, path = 0, tmp_path / "still.png"
    for scene in [replace(sample_scene(rng, world), action="stand", camera="static") for _ in range(12)]:
        pictures, _ = theatre().render([Take(scene, int(rng.integers(2**32)))])
        Image.fromarray(pictures[0, 0].numpy().transpose(1, 2, 0)).save(path)
        shot = Shot(prompt=f"a {scene.subject} stands", seed=1, givens=(first_frame(path),))
        seen = picture_labels(shot, toybox().card, LOCAL, toybox().see)()
        assert {name: getattr(scene, name) for name in seen.labels if name != "subject"} == {
            name: label for name, label in seen.labels.items() if name != "subject"
        }
        plan = pipeline.plan(shot, toybox())
        assert plan == pipeline.plan(shot, toybox())
        told += plan.shot.caption == canonical(scene)
    assert told >= 9


def test_the_eye_that_ships_says_nothing_of_what_is_no_theatre(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "leaves.png"
    y, x = np.mgrid[:128, :128]
    pixels = np.zeros((128, 128, 3), np.uint8)
    for _ in range(900):
        middle, radius = rng.uniform(0, 128, 2), rng.uniform(2, 20)
        pixels[np.hypot(y - middle[0], x - middle[1]) < radius] = rng.uniform(0, 255, 3)
    Image.fromarray(pixels).save(path)
    plan = pipeline.plan(Shot(prompt="a dog jumps", seed=1, givens=(first_frame(path),)), toybox())
    assert plan.shot.caption == "a dog jumps"


def test_the_eye_that_ships_knows_who_is_in_a_clip_that_is_to_be_edited(tmp_path):
    shape, scene = VideoShape(17, 128, 128, 8.0), Scene("taxi", "jump", "city", camera="pan-right")
    pictures, _ = Theatre(load_atlas(find_atlas()), shape).render([Take(scene, 4)])
    frames = np.ascontiguousarray(pictures[0].numpy().transpose(0, 2, 3, 1))
    path = Clip(frames, 8.0, Record(Shot(prompt="a clip"), "theatre")).save(tmp_path / "in.mp4")
    shot = Shot(prompt="make it night", seed=1, givens=(edited(path),))
    planned = pipeline.plan(shot, toybox()).shot
    assert planned.caption == canonical(replace(scene, time="night"))
    assert planned.givens[0].shows == canonical(scene)
    assert [move.kind for move in planned.camera or ()] == ["pan"]
    assert pipeline.plan(planned, toybox()).shot == planned


def test_a_clip_that_nobody_is_sure_of_stays_unknown(tmp_path):
    path = synthetic_clip().save(tmp_path / "in.mp4")
    shot = Shot(prompt="make it night", seed=1, givens=(edited(path),))
    assert source_in(shot.givens, lambda frames: {}, VideoShape(9, 48, 64, 8.0), FULL) is None


MADE = Shot(
    prompt="two cats", caption="a cat walks on a beach, day, clear, clay style", num_frames=17, fps=8.0, size=(64, 64),
    cast=(CastMember(page="cat", name="cats"), CastMember(page="lion", name="lion", action="run")),
)  # fmt: skip


class Reads(LocalInspector):
    """Says that every file is a video with a comment."""

    def __init__(self, comment: str, num_frames: int = 17):
        self.comment, self.num_frames = comment, num_frames

    def facts(self, path, argument):
        return MediaFacts(
            path, "video", "mp4", "h264", "yuv420p", (64, 64), self.num_frames, comment=self.comment
        )


def test_a_clip_of_ours_says_itself_who_is_in_it():
    givens = (edited("in.mp4"),)
    assert recalled(givens, 8.0, Reads(MADE.model_dump_json())) == MADE
    plan = resolve(
        Shot(prompt="make it night", givens=givens), replace(FULL, open_cast=True), recall=lambda: MADE
    )
    assert plan.shot.caption == "a cat walks on a beach, night, clear, clay style"
    assert plan.shot.cast == MADE.cast
    plan = resolve(
        Shot(prompt="add a dog", givens=givens), replace(FULL, open_cast=True), recall=lambda: MADE
    )
    assert [(member.page, member.added) for member in plan.shot.cast or ()] == [
        ("cat", False), ("lion", False), ("dog", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "reads",
    [
        Reads(""),
        Reads("{"),
        Reads("[" * 90_000),
        Reads(MADE.model_dump_json(), num_frames=16),
        Reads(MADE.model_copy(update={"cast": (CastMember(page="quokka", name="x"),)}).model_dump_json()),
        Reads(MADE.model_copy(update={"model": "wan"}).model_dump_json()),
        Reads(MADE.model_copy(update={"caption": None}).model_dump_json()),
    ],
)
def test_what_a_file_states_that_cannot_be_is_not_believed(reads):
    assert recalled((edited("in.mp4"),), 8.0, reads) is None

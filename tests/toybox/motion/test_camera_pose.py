"""Where the camera stood: in pictures of a made-up set, and in clips that the theatre rendered."""

from dataclasses import replace

import numpy as np
import pytest

from tests.toybox.planned import choreographed
from vitascope.camera.path import centred
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Known
from vitascope.toybox.backend import Toybox
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.motion.camera_pose import EXPLAINED, FIRST, FOREIGN, Standpoint, led, standpoints, stood
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.scene import Scene
from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Take, told_camera
from vitascope.types import CameraMove, Shot, VideoShape

SIDE = 8
ALL = np.ones(SIDE * SIDE, bool)
SHAPE = VideoShape(33, 128, 128, 8.0)
PAN = np.stack([np.linspace(-0.15, 0.15, 33), *np.zeros((3, 33))], axis=1).astype(np.float32)


def painted(places, tokens: np.ndarray | slice = slice(None)):
    """Draw a set that looks different everywhere, from places (x, y, log2 zoom, roll)."""
    v, u = np.meshgrid(*[(np.arange(SIDE) - 3.5) / SIDE] * 2, indexing="ij")
    drawn = []
    for x, y, zoom, roll in places:
        size = 2.0**-zoom
        a = size * (u * np.cos(roll) - v * np.sin(roll)) + x
        b = size * (u * np.sin(roll) + v * np.cos(roll)) - y
        layers = [np.sin(3 * a), np.sin(3 * b), np.cos(4 * a + b), np.cos(4 * b - a), a * b]
        drawn.append(np.stack(layers, axis=-1).reshape(-1, len(layers)))
    return np.stack(drawn)[:, tokens].astype(np.float32)


@pytest.mark.parametrize(
    "place",
    [(0, 0, 0, 0), (0.24, 0, 0, 0), (0, -0.13, 0, 0), (0, 0, -0.45, 0), (0.05, 0.03, 0.2, 0), (0, 0, 0, 0.3)],
)
def test_the_camera_is_found_where_it_stood(place):
    (picture,) = painted([place])
    picture[20:28] = 3.0  # somebody stands before the set
    found = stood(picture, ALL, painted)
    assert found.error < EXPLAINED
    assert found.pose == pytest.approx(place, abs=0.02)


def test_only_what_is_known_is_looked_at():
    (picture,) = painted([(0.2, 0, 0, 0)])
    known = np.arange(SIDE * SIDE) % SIDE >= 4
    picture[~known] = np.random.default_rng(0).standard_normal(picture[~known].shape)
    found = stood(picture, known, painted)
    assert found.pose == pytest.approx((0.2, 0, 0, 0), abs=0.02)


def test_another_world_is_known_for_one_at_once():
    asked = []

    def draw(places, tokens):
        asked.append(len(places) * len(tokens) / SIDE**2)
        return painted(places, tokens)

    noise = np.random.default_rng(0).standard_normal((SIDE * SIDE, 5)).astype(np.float32)
    assert stood(noise, ALL, draw).error > FOREIGN
    assert sum(asked) == pytest.approx(2.5 + len(FIRST) / 2)


def canvas(frames: slice) -> Canvas:
    """Return a canvas that knows some frames of the pan; their grey says which they are."""
    places = np.arange(33)[frames]
    pictures = np.broadcast_to(
        places.astype(np.uint8)[:, None, None, None], (len(places), SHAPE.height, SHAPE.width, 3)
    )
    return Canvas.empty(SHAPE).with_frames(int(places[0]), np.ascontiguousarray(pictures))


def seen(given: Canvas, looked: list[int] | None = None) -> dict[int, Standpoint]:
    def encode(frames):
        (frame,) = frames[:, 0, 0, 0].tolist()
        if looked is not None:
            looked.append(frame)
        return painted(PAN[[frame]])[0]

    return standpoints(given, encode, lambda frame: painted)


def test_a_camera_that_moves_is_followed_through_the_frames_beside_what_is_wanted():
    looked: list[int] = []
    places = seen(canvas(slice(0, 29)), looked)
    assert looked == list(places) == [16, 20, 24, 28]
    for frame, place in places.items():
        assert place.pose[0] == pytest.approx(PAN[frame, 0], abs=0.03)
    assert not seen(canvas(slice(0, 33)))
    assert not seen(Canvas.empty(SHAPE))


def test_a_path_leads_through_where_the_camera_stood():
    through = {8: PAN[8] + np.float32(0.1), 24: PAN[24] - np.float32(0.1)}
    path = led(PAN, through)
    for frame, place in through.items():
        np.testing.assert_allclose(path[frame], place, atol=1e-6)
    np.testing.assert_allclose(np.diff(path[24:], axis=0), np.diff(PAN[24:], axis=0), atol=1e-6)
    assert np.abs(np.diff(path[:, 0] - PAN[:, 0])).max() < 0.02, "it goes evenly from one to the other"
    assert led(PAN, {}) is PAN


TAXI = Scene("taxi", "drive", "city", camera="pan-right")
SECONDS = VideoShape(17, 128, 128, 8.0)
SHOT = Shot(
    prompt="a taxi drives",
    caption=canonical(TAXI),
    num_frames=17,
    size=(128, 128),
    fps=8.0,
    seed=1,
    camera=(),
)


@pytest.fixture(scope="module")
def taxi() -> tuple[np.ndarray, np.ndarray]:
    """Return a rendered clip under a pan, and where its camera is."""
    take = Take(TAXI, 4)
    pictures, _ = Theatre(load_atlas(find_atlas()), SECONDS).render([take])
    frames = np.ascontiguousarray(pictures[0].numpy().transpose(0, 2, 3, 1))
    return frames, centred(told_camera(take, SECONDS))


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return Toybox(threads=1).model().encoders


def filmed(
    frames: np.ndarray, known: slice, encoders: Encoders, camera: tuple[CameraMove, ...] = ()
) -> np.ndarray:
    """Return the camera's path that the weights that ship are told where some frames are known, subjects aside."""
    marks = np.zeros((17, 128, 128), bool)
    marks[known] = True
    shot = SHOT.model_copy(update={"camera": camera})
    nobody = replace(encoders, ways=lambda scene, seed: ())
    return choreographed(shot, Known(Canvas(frames, marks)), nobody).camera


def test_what_comes_before_a_clip_is_filmed_from_where_that_begins(taxi, encoders):
    frames, truth = taxi
    assert abs(truth[8, 0] - truth[-1, 0]) > 0.1
    path = filmed(frames, slice(13, 17), encoders)
    assert np.abs(path - truth[16]).max() < 0.03


def test_a_move_goes_on_from_where_a_clip_ends_in_the_frames_that_are_made(taxi, encoders):
    frames, truth = taxi
    path = filmed(frames, slice(0, 9), encoders, (CameraMove(kind="zoom", amount=0.3),))
    assert np.abs(path[[0, 4, 8]] - truth[[0, 4, 8]]).max() < 0.03
    assert path[16, 2] - path[8, 2] == pytest.approx(0.3, abs=0.01)
    assert np.abs(path[8:, 0] - truth[8, 0]).max() < 0.03


def test_a_clip_that_ends_where_it_begins_brings_its_subject_back(taxi, encoders):
    frames, _ = taxi
    first = np.ascontiguousarray(np.broadcast_to(frames[:1], frames.shape))
    marks = np.zeros((17, 128, 128), bool)
    marks[[0, 13, 14, 15, 16]] = True
    shot = SHOT.model_copy(update={"loop": True})
    made = choreographed(shot, Known(Canvas(first, marks)), encoders)
    assert made.subject is not None
    np.testing.assert_allclose(made.subject.maps[16], made.subject.maps[0], atol=0.15)
    assert np.ptp(made.subject.maps[:, 0, 2]) > 0.05, "it moves in between"


def test_in_another_world_nobody_is_looked_for(taxi, encoders):
    frames, _ = taxi
    asked = []
    counting = replace(encoders, ways=lambda scene, seed: asked.append(scene) or ())
    marks = np.zeros((17, 128, 128), bool)
    marks[0] = True
    leaves = np.random.default_rng(0).integers(0, 256, frames.shape, dtype=np.uint8)
    for pictures, looked in ((frames, 1), (leaves, 0)):
        asked.clear()
        made = choreographed(SHOT, Known(Canvas(pictures, marks)), counting)
        assert len(asked) == looked
        assert bool(made.notes) is not bool(looked)
    assert made.notes[0].startswith("camera: what is given at 0 s does not look like the set")
    # What is made beside them is a clip of its own.
    alone = choreographed(SHOT, Known(Canvas.empty(SECONDS)), encoders)
    assert made.subject is not None
    assert alone.subject is not None
    np.testing.assert_array_equal(made.subject.maps, alone.subject.maps)
    marks[0, :, 64:] = False
    assert choreographed(SHOT, Known(Canvas(leaves, marks)), encoders).subject is None, "a part of a picture"


def test_words_of_another_set_begin_a_clip_of_their_own_where_nobody_is_found(taxi, encoders):
    frames, _ = taxi
    marks = np.zeros((17, 128, 128), bool)
    marks[:9] = True
    elsewhere = SHOT.model_copy(update={"caption": canonical(Scene("penguin", "walk", "snow"))})
    nobody = replace(encoders, ways=lambda scene, seed: ())
    made = choreographed(elsewhere, Known(Canvas(frames, marks)), nobody)
    alone = choreographed(elsewhere, Known(Canvas.empty(SECONDS)), nobody)
    assert made.notes
    assert made.subject is not None
    assert alone.subject is not None
    np.testing.assert_array_equal(made.subject.maps, alone.subject.maps)
    same = choreographed(SHOT, Known(Canvas(frames, marks)), nobody)
    assert (same.notes, same.subject) == ((), None), "in pictures of the same set somebody may be missed"

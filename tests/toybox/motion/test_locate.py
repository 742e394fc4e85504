"""Subjects of given frames: in pictures that a made-up field drew, and in clips that the theatre rendered."""

from dataclasses import replace

import numpy as np
import pytest

from tests.toybox.planned import choreographed
from vitascope import tasks
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Known
from vitascope.toybox.backend import Toybox
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.motion.locate import further_on, sighted, wanted_frames
from vitascope.toybox.motion.trajectory import Blocking, middle, moved, standing, subject_channels
from vitascope.toybox.scene import Scene
from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Take
from vitascope.types import Given, Shot, VideoShape

ROWS, COLUMNS = 8, 8
SHAPE = VideoShape(33, 32, 32, 8.0)
PLACES = np.stack([np.linspace(-0.3, 0.3, 33), np.full(33, 0.1)], axis=1)
WAY = Blocking(moved(standing(33, 0.2).maps, PLACES), 0.05 * np.arange(33))


def scene(told, tokens: np.ndarray | slice = slice(None)):
    """Draw what a subject looks like on a grid: brighter in front than behind, above than below."""
    y, x = np.meshgrid((np.arange(ROWS) - 3.5) / ROWS, (np.arange(COLUMNS) - 3.5) / COLUMNS, indexing="ij")
    drawn = []
    for numbers in told:
        known, (a, b, c, d, e, f) = numbers[0], numbers[1:7]
        u, v = a * x + b * y + c, d * x + e * y + f
        cover = known * np.exp(-((u**2 + v**2) ** 2))
        drawn.append(np.stack([cover, cover * u, cover * v], axis=-1).reshape(-1, 3))
    return np.stack(drawn)[:, tokens].astype(np.float32)


def encode(frames):
    """Latents of a picture whose grey says which frame of the way it shows."""
    (frame,) = frames[:, 0, 0, 0].tolist()
    return scene(subject_channels(WAY.maps[[frame]], WAY.loops[[frame]]))[0]


def canvas(frames: slice) -> Canvas:
    """Return a canvas that knows some frames of the way."""
    places = np.arange(33)[frames]
    pictures = np.broadcast_to(places.astype(np.uint8)[:, None, None, None], (len(places), 32, 32, 3))
    return Canvas.empty(SHAPE).with_frames(int(places[0]), np.ascontiguousarray(pictures))


def look(frame: int):
    return [Blocking(standing(17, 0.2).maps, np.zeros(17))], lambda i: scene


@pytest.mark.parametrize("frames", [slice(0, 9), slice(17, 33)])
def test_the_subject_is_seen_in_the_frames_beside_those_that_are_wanted(frames):
    given = canvas(frames)
    seen = sighted(given, encode, look)
    assert seen is not None
    found = np.isfinite(seen.maps[:, 0, 0])
    assert not (found & wanted_frames(given)).any()
    assert found.sum() >= 9
    assert middle(seen.maps[found]) == pytest.approx(PLACES[found], abs=0.05)


def test_only_as_much_as_a_window_holds_is_looked_at():
    looked: list[int] = []
    given = canvas(slice(0, 29))
    sighted(given, lambda frames: looked.append(int(frames[0, 0, 0, 0])) or encode(frames), look)
    assert looked == [16, 20, 24, 28]


def test_a_picture_that_is_held_shows_one_place():
    held = np.full((1, 32, 32, 3), 20, np.uint8)
    seen = sighted(Canvas.empty(SHAPE).with_frames(20, held, hold=4), encode, look)
    assert seen is not None
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(seen.maps[:, 0, 0])), np.arange(17, 21))
    assert (seen.maps[17:21] == seen.maps[20]).all()


def test_nobody_is_seen_where_nothing_is_given_or_wanted():
    assert sighted(Canvas.empty(SHAPE), encode, look) is None
    assert sighted(canvas(slice(0, 33)), encode, look) is None


def test_a_way_goes_on_from_any_of_its_frames():
    later = further_on(WAY, 5, 9)
    np.testing.assert_allclose(later.maps, WAY.maps[5:14])
    np.testing.assert_allclose(later.loops, WAY.loops[5:14])


def rendered(scene: Scene, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a rendered clip of a second, and where its subject's middle is in each frame."""
    shape = VideoShape(17, 128, 128, 8.0)
    pictures, (truth,) = Theatre(load_atlas(find_atlas()), shape).render([Take(scene, seed)])
    return np.ascontiguousarray(pictures[0].numpy().transpose(0, 2, 3, 1)), middle(truth.maps.astype(float))


@pytest.fixture(scope="module")
def taxi():
    return rendered(TAXI, 4)


TAXI = Scene("taxi", "drive", "city")


def led(frames: np.ndarray, known: list[int], givens: tuple[Given, ...], words: Scene = TAXI) -> Blocking:
    """Return the way that the weights that ship are told where only some latent frames are known."""
    marks = np.zeros((17, 128, 128), bool)
    for latent in known:
        marks[max(0, 4 * latent - 3) : 4 * latent + 1] = True
    said = {"num_frames": 17, "size": (128, 128), "fps": 8.0, "seed": 1, "camera": (), "givens": givens}
    shot = Shot(prompt="a taxi drives", caption=canonical(words), **said)
    found = choreographed(shot, Known(Canvas(frames, marks)), Toybox(threads=1).model().encoders).subject
    assert found is not None
    return found


@pytest.mark.parametrize("known", [[0, 1, 2], [2, 3, 4], [0, 1, 3, 4]])
def test_a_taxi_drives_on_by_the_weights_that_ship(taxi, known):
    frames, truth = taxi
    way = led(frames, known, (tasks.continued("in.mp4"),))
    assert np.isfinite(way.maps).all()
    there = middle(way.maps)
    assert there[np.array(known) * 4] == pytest.approx(truth[np.array(known) * 4], abs=0.08)
    assert np.hypot(*np.diff(there, axis=0).T).max() < 0.12, "it does not leap"
    if len(known) == 4:
        assert there == pytest.approx(truth, abs=0.1)


def test_new_words_begin_where_the_clip_ends_by_the_weights_that_ship(taxi):
    frames, truth = taxi
    way = led(frames, [0, 1, 2], (tasks.continued("in.mp4"),), replace(TAXI, action="jump"))
    there = middle(way.maps)
    assert np.ptp(there[9:, 0]) < 0.1
    assert there[9, 0] == pytest.approx(truth[8, 0], abs=0.15)
    # A frame after it begins a jump is a hop above the ground, and no higher.
    assert -0.2 < there[9, 1] - truth[8, 1] < 0.05

"""A subject followed through pictures that a made-up field drew, and through a clip that the theatre rendered."""

from dataclasses import replace

import numpy as np
import pytest

from tests.toybox.planned import choreographed
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Known
from vitascope.tasks import edited
from vitascope.toybox.backend import Toybox
from vitascope.toybox.language.captions import canonical
from vitascope.toybox.language.instructions import removal
from vitascope.toybox.motion.box_layout import AWAY
from vitascope.toybox.motion.track import track
from vitascope.toybox.motion.trajectory import Blocking, middle, mirrored, moved, standing, subject_channels
from vitascope.toybox.scene import Scene
from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
from vitascope.training.toytheatre.render import Theatre
from vitascope.training.toytheatre.take import Take
from vitascope.types import Shot, VideoShape

ROWS, COLUMNS = 8, 8
FRAMES = 6


def scene(told, tokens: np.ndarray | slice = slice(None)):
    """Draw what a subject looks like on a grid: brighter in front than behind, above than below, and as it moves."""
    y, x = np.meshgrid((np.arange(ROWS) - 3.5) / ROWS, (np.arange(COLUMNS) - 3.5) / COLUMNS, indexing="ij")
    drawn = []
    for numbers in told:
        known, (a, b, c, d, e, f), (cosine, sine) = numbers[0], numbers[1:7], numbers[13:15]
        u, v = a * x + b * y + c, d * x + e * y + f
        cover = known * np.exp(-((u**2 + v**2) ** 2))
        drawn.append(
            np.stack([cover, cover * u, cover * v, 0.3 * cover * cosine, 0.3 * cover * sine], axis=-1)
        )
    return np.stack(drawn).reshape(len(told), ROWS * COLUMNS, -1)[:, tokens].astype(np.float32)


def at(
    places: list[tuple[float, float]], half: float = 0.2, growth: float = 1.0, facing: int = 1
) -> Blocking:
    """Return a way through some places, growing by so much in each frame."""
    maps = np.concatenate([standing(1, half * growth**i).maps for i in range(len(places))])
    maps = mirrored(maps) if facing < 0 else maps
    return Blocking(moved(maps, np.array(places)), 0.2 * np.arange(len(places)))


def filmed(way: Blocking, noise: float = 0.02) -> list[np.ndarray]:
    """Return the pictures of a way: each is told by itself, as one of a film's would be."""
    rng = np.random.default_rng(0)
    told = [subject_channels(way.maps[i][None], way.loops[i][None]) for i in range(len(way.maps))]
    return [
        scene(each)[0] + noise * rng.standard_normal((ROWS * COLUMNS, 5)).astype(np.float32) for each in told
    ]


def nobody() -> np.ndarray:
    return 0.02 * np.random.default_rng(2).standard_normal((ROWS * COLUMNS, 5)).astype(np.float32)


def tracked(pictures, ways) -> Blocking | None:
    return track(pictures, ways, lambda i: scene)


ALONG = [(-0.3 + 0.12 * i, 0.1) for i in range(FRAMES)]
UP_AND_DOWN = [(0.05, 0.1 - 0.3 * np.sin(np.pi * i / (FRAMES - 1))) for i in range(FRAMES)]
BACK = [(0.3 - 0.12 * i, 0.15) for i in range(FRAMES)]


@pytest.mark.parametrize(("places", "facing"), [(ALONG, 1), (UP_AND_DOWN, 1), (BACK, -1)])
def test_a_subject_is_followed_wherever_it_goes(places, facing):
    true = at(places, facing=facing)
    found = tracked(filmed(true), [at([(0.0, 0.1)] * FRAMES)])
    assert found is not None
    assert middle(found.maps) == pytest.approx(np.array(places), abs=0.05)
    assert (np.sign(found.maps[:, 0, 0]) == facing).all()
    away = np.abs(np.mod(found.loops - true.loops + 0.5, 1) - 0.5)
    assert np.median(away) <= 0.13


def test_a_subject_that_comes_nearer_is_followed_in_its_size():
    true = at([(0.0, 0.05)] * FRAMES, half=0.17, growth=1.1)
    found = tracked(filmed(true), [at([(0.0, 0.1)] * FRAMES)])
    assert found is not None
    sizes = 1 / np.abs(found.maps[:, 0, 0])
    assert sizes == pytest.approx(0.17 * 1.1 ** np.arange(FRAMES), rel=0.15)


def test_a_subject_that_is_not_there_at_first_is_followed_back_from_the_end():
    true = at(ALONG)
    pictures = filmed(true)
    pictures[0] = nobody()
    found = tracked(pictures, [at([(0.0, 0.1)] * FRAMES)])
    assert found is not None
    assert middle(found.maps)[1:] == pytest.approx(np.array(ALONG)[1:], abs=0.05)


def test_a_subject_that_grows_is_looked_for_where_it_is_large():
    looked: list[int] = []
    true = at([(0.05, 0.1)] * FRAMES, half=0.06, growth=1.28)

    def draw(i: int):
        looked.append(i)
        return scene

    found = track(filmed(true), [at([(0.0, 0.1)] * FRAMES, half=0.06, growth=1.28)], draw)
    assert looked[0] == FRAMES - 1
    assert found is not None
    assert middle(found.maps)[2:] == pytest.approx(np.array([(0.05, 0.1)] * 4), abs=0.05)


def test_a_frame_that_shows_nobody_is_bridged():
    true = at(ALONG)
    pictures = filmed(true)
    pictures[3] = nobody()
    found = tracked(pictures, [at([(0.0, 0.1)] * FRAMES)])
    assert found is not None
    assert middle(found.maps) == pytest.approx(np.array(ALONG), abs=0.08)


def test_nobody_is_followed_where_nobody_is():
    noise = np.random.default_rng(1).standard_normal((FRAMES, ROWS * COLUMNS, 5)).astype(np.float32)
    assert tracked(list(noise), [at(ALONG)]) is None
    assert tracked(filmed(at(ALONG)), []) is None
    vanished = [picture if i == 0 else nobody() for i, picture in enumerate(filmed(at(ALONG)))]
    assert tracked(vanished, [at(ALONG)]) is None


def test_one_picture_is_a_way_of_one_frame():
    found = tracked(filmed(at([(0.1, 0.1)])), [at([(0.0, 0.1)] * 3)])
    assert found is not None
    assert middle(found.maps) == pytest.approx(np.array([[0.1, 0.1]]), abs=0.04)


def test_a_toy_of_a_rendered_clip_is_followed_by_the_weights_that_ship():
    shape, scene = VideoShape(9, 128, 128, 8.0), Scene("taxi", "jump", "city")
    pictures, (truth,) = Theatre(load_atlas(find_atlas()), shape).render([Take(scene, 4)])
    frames = np.ascontiguousarray(pictures[0].numpy().transpose(0, 2, 3, 1))
    given = edited("in.mp4").model_copy(update={"shows": canonical(scene)})
    said = {"num_frames": 9, "size": (128, 128), "fps": 8.0, "seed": 1, "camera": (), "givens": (given,)}
    shot = Shot(prompt="make it night", caption=canonical(replace(scene, time="night")), **said)
    known, encoders = Known(Canvas.empty(shape), source=frames), Toybox(threads=1).model().encoders
    found = choreographed(shot, known, encoders).subject
    assert found is not None
    assert middle(found.maps[::4]) == pytest.approx(middle(truth.maps[::4].astype(float)), abs=0.08)
    gone = shot.model_copy(update={"caption": removal("taxi")})
    elsewhere = choreographed(gone, known, encoders).subject
    assert elsewhere is not None
    assert middle(elsewhere.maps)[:, 1] == pytest.approx(AWAY), "above the picture"
    unknown = shot.model_copy(update={"givens": (edited("in.mp4"),)})
    assert choreographed(unknown, known, encoders).subject is None

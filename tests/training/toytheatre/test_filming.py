import numpy as np
import pytest

from tests.training.toytheatre.test_atlas import COMMITTED
from vitascope.toybox.scene import Scene
from vitascope.training.toytheatre.actions import Spot
from vitascope.training.toytheatre.atlas import load_atlas
from vitascope.training.toytheatre.filming import FLAT_SETS, film, sample_moves
from vitascope.training.toytheatre.physics import perform
from vitascope.training.toytheatre.render import Theatre, layer_map
from vitascope.training.toytheatre.take import Take, filmed_freely
from vitascope.types import CameraMove, VideoShape

TIMES = np.arange(17) / 8
SHAPE = VideoShape(num_frames=17, height=48, width=64, fps=8.0)
DOLLY = CameraMove(kind="dolly", amount=0.6, easing="linear")
ORBIT = CameraMove(kind="orbit", amount=0.5, easing="linear")


def size_of(maps: np.ndarray) -> np.ndarray:
    """Return how large a layer is shown, against a camera at rest."""
    return 1 / np.hypot(maps[:, 0, 0], maps[:, 1, 0])


def test_a_dolly_shows_the_toy_as_a_zoom_does_and_near_layers_larger():
    zoom = film((CameraMove(kind="zoom", amount=0.6, easing="linear"),), TIMES)
    dolly = film((DOLLY,), TIMES)
    np.testing.assert_allclose(dolly.path, zoom.path, atol=1e-6)
    grown = [size_of(layer_map(dolly, SHAPE, depth))[[0, -1]] for depth in (0.0, 0.5, 1.0, 1.5)]
    grown = [last / first for first, last in grown]
    assert grown == sorted(grown)
    assert grown[0] == pytest.approx(1.0, abs=1e-5)
    assert grown[2] == pytest.approx(2**0.6, abs=1e-5)


def test_an_orbit_leaves_the_toy_and_slides_what_is_behind_and_before_it_apart():
    orbit = film((ORBIT,), TIMES)
    assert not orbit.path.any()
    way = {depth: np.ptp(layer_map(orbit, SHAPE, depth)[:, 0, 2]) for depth in (0.0, 0.5, 1.0, 1.5)}
    assert way[1.0] == pytest.approx(0.0, abs=1e-6)
    assert way[0.0] == pytest.approx(2 * way[0.5], rel=1e-4)
    behind, before = (layer_map(orbit, SHAPE, depth)[:, 0, 2] for depth in (0.5, 1.5))
    np.testing.assert_allclose(behind, -before, atol=1e-4)


def test_several_moves_add_up():
    moves = (
        CameraMove(kind="pan", amount=0.3, easing="linear"),
        CameraMove(kind="tilt", amount=0.2, end=0.5),
    )
    path = film(moves, TIMES).path
    np.testing.assert_allclose(path[-1], (0.3, 0.2, 0, 0), atol=1e-6)
    assert path[8, 1] == pytest.approx(0.2)


def test_drawn_moves_are_of_different_kinds_and_nobody_goes_round_a_room():
    rng = np.random.default_rng(0)
    drawn = [sample_moves(rng, place) for place in ("meadow", "room") * 100]
    assert {len(moves) for moves in drawn} == {0, 1, 2, 3}
    axes = {"truck": "pan", "dolly": "zoom", "orbit": "pan"}
    assert all(len({axes.get(m.kind, m.kind) for m in moves}) == len(moves) for moves in drawn)
    assert "room" in FLAT_SETS
    assert not any(move.kind == "orbit" for moves in drawn[1::2] for move in moves)
    assert {move.kind for moves in drawn for move in moves} >= {"dolly", "orbit", "truck", "shake", "roll"}


def test_an_action_that_has_begun_leads_through_the_middle_and_is_heard_in_step():
    spot = Spot(0.82, 0.4, 0.4, 1, (0.5,) * 8, 1.0, 2.0)
    times = np.arange(2001) / 1000
    motion = perform("walk", times, spot, 1.3)
    assert motion.x[0] + motion.x[-1] == pytest.approx(1.0)
    assert motion.x[-1] - motion.x[0] == pytest.approx(0.32, abs=0.02)
    assert motion.lift is not None
    assert motion.events
    assert all(motion.lift[round(event.seconds * 1000)] < 1e-3 for event in motion.events)
    assert [event.kind for event in perform("drive", times, spot, 3.0).events] == ["engine"]


def test_a_freely_filmed_take_is_rendered_and_its_truth_says_how():
    theatre = Theatre(load_atlas(COMMITTED), SHAPE, variants=1)
    scene = Scene("cat", "run", "meadow")
    still = Take(scene, 5)
    follow = Take(scene, 5, moves=(), follow=1.0)
    deep = Take(scene, 5, moves=(ORBIT,), begin=0.7)
    frames, (at_rest, followed, orbited) = theatre.render([still, follow, deep])
    middles = [(truth.boxes[:, 0] + truth.boxes[:, 2]) / 2 for truth in (at_rest, followed)]
    assert np.ptp(middles[0]) > 0.5
    assert np.ptp(middles[1]) < 0.1
    assert at_rest.depth is None
    assert orbited.depth is not None
    assert np.ptp(orbited.depth[:, 1]) > 0.2
    sky = frames[2][:, :, :8].float()
    assert (sky[0] - sky[-1]).abs().mean() > 0.5


def test_free_filming_begins_anywhere_but_for_what_happens_once():
    rng = np.random.default_rng(1)
    walks = [filmed_freely(rng, Take(Scene("cat", "walk", "meadow"), i), 2.0) for i in range(60)]
    assert max(take.begin for take in walks) > 3.0
    assert 0.1 < np.mean([take.follow > 0 for take in walks]) < 0.45
    falls = [filmed_freely(rng, Take(Scene("ball", "fall", "meadow"), i), 2.0) for i in range(20)]
    assert max(take.begin for take in falls) < 0.2

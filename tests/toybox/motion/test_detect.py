import numpy as np
import pytest

from vitascope.toybox.motion.detect import FEW, find, half, nearest
from vitascope.toybox.motion.trajectory import Blocking, middle, mirrored, moved, standing

ROWS, COLUMNS = 8, 8
SCREEN = np.eye(3)


def scene(told, tokens: np.ndarray | slice = slice(None)):
    """Draw what a subject looks like on a grid: brighter in front than behind, dark where it is not."""
    y, x = np.meshgrid((np.arange(ROWS) - 3.5) / ROWS, (np.arange(COLUMNS) - 3.5) / COLUMNS, indexing="ij")
    drawn = []
    for numbers in told:
        known, (a, b, c, d, e, f) = numbers[0], numbers[1:7]
        u, v = a * x + b * y + c, d * x + e * y + f
        cover = known * np.exp(-((u**2 + v**2) ** 2))
        drawn.append(np.stack([cover, cover * u, cover * v], axis=-1).reshape(-1, 3))
    return np.stack(drawn)[:, tokens].astype(np.float32)


def at(x: float, y: float, facing: int = 1, half: float = 0.2) -> Blocking:
    way = standing(3, half)
    maps = mirrored(way.maps) if facing < 0 else way.maps
    return Blocking(moved(maps, np.broadcast_to([x, y], (3, 2))), way.loops)


def picture_of(way: Blocking):
    told = np.zeros((1, 34), np.float32)
    told[0, 0], told[0, 1:7] = 1, way.maps[0].ravel()
    return scene(told)[0]


@pytest.mark.parametrize(("x", "y", "facing"), [(0.2, 0.1, 1), (-0.25, 0.2, -1), (0.0, -0.3, 1)])
def test_a_subject_is_found_where_it_is_and_facing_the_way_it_does(x, y, facing):
    ways = [at(0.0, 0.1, 1, half) for half in (0.16, 0.2, 0.24)]
    found = find(picture_of(at(x, y, facing)), ways, SCREEN, scene)
    assert found is not None
    assert middle(found.maps[:1])[0] == pytest.approx([x, y], abs=0.04)
    assert np.sign(found.maps[0, 0, 0]) == facing
    assert 1 / abs(found.maps[0, 0, 0]) == pytest.approx(0.2, rel=0.15)
    assert len(found.maps) == 3


def test_the_way_is_told_on_the_plane_over_which_the_camera_is():
    camera = np.array([[1.0, 0.0, 0.2], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = find(picture_of(at(0.1, 0.0)), [at(0.0, 0.0)], camera, scene)
    assert found is not None
    assert middle(found.maps[:1])[0] == pytest.approx([0.3, 0.0], abs=0.04)


def test_nobody_is_found_in_a_picture_of_nobody():
    noise = np.random.default_rng(0).standard_normal((ROWS * COLUMNS, 3)).astype(np.float32)
    assert find(noise, [at(0.0, 0.0)], SCREEN, scene) is None
    assert find(picture_of(at(0.0, 0.0)), [], SCREEN, scene) is None


def test_a_subject_that_looks_the_same_both_ways_does_not_go_out_of_the_picture():
    def faceless(told, tokens: np.ndarray | slice = slice(None)):
        return scene(told, tokens)[..., :1]

    along = np.stack([np.linspace(0, 0.6, 3), np.zeros(3)], axis=1)
    right = standing(3, 0.2)
    right = Blocking(moved(right.maps, along), right.loops, True)
    told = np.zeros((1, 34), np.float32)
    told[0, 0], told[0, 1:7] = 1, at(-0.3, 0.1).maps[0].ravel()
    found = find(faceless(told)[0], [right], SCREEN, faceless)
    assert found is not None
    assert middle(found.maps)[:, 0] == pytest.approx([-0.3, 0.0, 0.3], abs=0.05)


def test_the_nearest_of_many_costs_little_more_than_half():
    told = np.zeros((40, 34), np.float32)
    told[:, 0] = 1
    told[:, 1:7] = [at(x, 0.1).maps[0].ravel() for x in np.linspace(-0.3, 0.3, 40)]
    asked: list[int] = []

    def draw(told, tokens):
        asked.append(len(told) * len(tokens))
        return scene(told, tokens)

    error, number = nearest(scene(told[[27]])[0], told, draw)
    assert (error, number) == (0, 27)
    tokens = ROWS * COLUMNS
    assert sum(asked) == (40 + FEW) * tokens // 2


@pytest.mark.parametrize("columns", [6, 8, 9, 12])
def test_half_of_the_tokens_are_spread_over_the_picture(columns):
    chosen = np.zeros(8 * columns, bool)
    chosen[half(8 * columns)] = True
    assert chosen[0], "a corner"
    blocks = chosen.reshape(4, 2, -1)[..., : columns // 2 * 2].reshape(4, 2, -1, 2)
    assert (np.abs(blocks.sum(axis=(1, 3)) - 2) <= 1).all()

"""The painted sets: every set under every time and season, what they must leave free, and what `rng` may change."""

from functools import cache

import numpy as np
import pytest

from vitascope.toybox.scene import AT_HOME, SETS, seasons_of, times_of
from vitascope.training.toytheatre.sets import PAINTERS, PaintedSet, paint
from vitascope.training.toytheatre.sets.props import LATER_PROPS, PROPS, prop, stills

SIZE = 32


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


@cache
def painted_set(name: str, time: str = "day", season: str = "summer") -> PaintedSet:
    return paint(name, time, season, rng(), SIZE, SIZE)


def picture(painted: PaintedSet, height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """Return what a camera at rest sees [3 height width], 0..1."""
    out = np.zeros((3, height, width))
    for layer in painted.layers:
        part = layer.rgba[:, height // 4 : height // 4 + height, width // 2 : width // 2 + width] / 255
        out = out * (1 - part[3]) + part[:3] * part[3]
    return out


@pytest.mark.parametrize("name", SETS)
def test_every_time_and_season_of_a_set_can_be_painted_and_tells_itself_apart(name: str):
    pictures = []
    for season in seasons_of(name):
        for time in times_of(name):
            painted = painted_set(name, time, season)
            depths = [layer.depth for layer in painted.layers]
            assert depths == sorted(depths)
            assert 1.0 in depths
            assert all(layer.rgba.shape == (4, SIZE * 3 // 2, 2 * SIZE) for layer in painted.layers)
            assert all(layer.rgba.dtype == np.uint8 for layer in painted.layers)
            assert painted.layers[0].rgba[3].min() == 255
            near, far = painted.ground
            assert 0.7 < far < near < 1.0
            pictures.append(picture(painted))
    # The later sets have more in them that looks the same all year: walls, roads, water.
    least = 0.012 if name in AT_HOME else 0.03
    for i, one in enumerate(pictures):
        assert all(np.abs(one - other).mean() > least for other in pictures[:i])


def test_all_sets_of_the_world_have_a_painter():
    assert sorted(PAINTERS) == sorted(SETS)


def test_sets_look_different_from_each_other():
    pictures = [picture(painted_set(name)) for name in SETS]
    for i, one in enumerate(pictures):
        assert all(np.abs(one - other).mean() > 0.06 for other in pictures[:i])


def test_the_same_rng_paints_the_same_set_and_another_one_moves_small_things_only():
    first, again, other = (picture(paint("garden", "day", "spring", rng(k), SIZE, SIZE)) for k in (1, 1, 2))
    assert np.array_equal(first, again)
    assert 0 < np.abs(first - other).mean() < 0.12


def test_night_and_day_share_their_layout():
    day, night = (paint("meadow", time, "summer", rng(3), SIZE, SIZE) for time in ("day", "night"))
    ground = next(i for i, layer in enumerate(day.layers) if layer.depth == 1.0)
    assert np.array_equal(day.layers[ground].rgba[3], night.layers[ground].rgba[3])
    assert picture(night).mean() < 0.6 * picture(day).mean()


def test_wide_and_tall_pictures_are_filled():
    for height, width in ((32, 64), (64, 32)):
        painted = paint("city", "day", "summer", rng(), height, width)
        assert painted.layers[0].rgba.shape == (4, height * 3 // 2, 2 * width)
        assert picture(painted, height, width).min() >= 0


def test_clouds_and_waves_move_by_themselves_and_the_earlier_sets_stand_still():
    drifts = {name: [layer.drift for layer in painted_set(name).layers] for name in SETS}
    assert all(not any(drifts[name]) for name in SETS if name not in AT_HOME)
    assert sum(any(drifts[name]) for name in AT_HOME) >= 7
    times = np.arange(9) / 4
    for drift in filter(None, drifts["sea"] + drifts["lake"]):
        offset = drift.offset(times)
        assert 0.01 < np.ptp(offset[:, 0]) < 0.2
        assert np.ptp(offset[:, 1]) < 0.03


def test_unknown_labels_are_refused():
    with pytest.raises(KeyError):
        paint("moon base", "day", "summer", rng(), SIZE, SIZE)
    with pytest.raises(KeyError):
        paint("garden", "dawn", "summer", rng(), SIZE, SIZE)


def test_props_are_packed_cropped_and_coloured():
    assert all(min(still.size) > 16 for still in stills().values())
    assert set(stills()) == set(PROPS) | set(LATER_PROPS)
    assert not set(PROPS) & set(LATER_PROPS)
    tree = prop("tree", 40)
    autumn = prop("tree", 40, ramp=((0.6, 0.2, 0.1), (1.0, 0.6, 0.2)))
    assert tree.shape == autumn.shape
    assert len(tree) == 40
    assert tree[..., 1].sum() > tree[..., 0].sum()
    assert autumn[..., 0].sum() > autumn[..., 1].sum()
    assert prop("pine", 40, snowy=True)[..., 2].sum() > prop("pine", 40)[..., 2].sum()

"""Ways of which only some is known, completed by others that did the same."""

import numpy as np
import pytest

from vitascope.toybox.motion.infill import Stage, completed
from vitascope.toybox.motion.trajectory import Blocking, middle, mirrored, moved, standing

FRAMES = 33
SCREEN = np.repeat(np.eye(3)[None], FRAMES, axis=0)


def walk(frames: int = 17, half: float = 0.18, speed: float = 0.03) -> Blocking:
    """A subject that goes to the right, its legs half a turn a second, from the left of the middle."""
    along = np.stack([-0.24 + speed * np.arange(frames), np.full(frames, 0.2)], axis=1)
    return Blocking(moved(standing(frames, half).maps, along), 0.07 * np.arange(frames), True)


def jump(frames: int = 17) -> Blocking:
    up = np.stack([np.zeros(frames), 0.2 - 0.3 * np.abs(np.sin(np.pi * np.arange(frames) / 8))], axis=1)
    return Blocking(moved(standing(frames).maps, up), np.zeros(frames))


def spin(frames: int = 17) -> Blocking:
    wide = np.cos(2 * np.pi * np.arange(frames) / 16)
    maps = standing(frames).maps.copy()
    maps[:, 0, 0] /= np.where(np.abs(wide) < 0.02, 0.02, wide)
    return Blocking(maps, np.zeros(frames))


def known(way: Blocking, frames: slice, at: int = 0) -> Blocking:
    """Return a clip's way of which only some frames are known: those of a way from its beginning."""
    maps, loops = np.full((FRAMES, 2, 3), np.nan), np.zeros(FRAMES)
    count = len(range(FRAMES)[frames])
    maps[frames], loops[frames] = way.maps[at : at + count], way.loops[at : at + count]
    return Blocking(maps, loops, way.crossing)


def filled(part: Blocking, *ways: Blocking, stages: list[Stage] | None = None) -> Blocking:
    wanted = ~np.isfinite(part.maps[:, 0, 0])
    return completed(part, wanted, stages or [Stage(FRAMES, ways)], SCREEN)


def largest_step(way: Blocking) -> float:
    return float(np.hypot(*np.diff(middle(way.maps), axis=0).T).max())


def test_who_walks_goes_on_as_fast_and_comes_back_at_the_edge():
    true = walk()
    part = known(Blocking(moved(true.maps, np.array([0.1, 0.03])), true.loops), slice(0, 9))
    way = filled(part, walk(speed=0.01), walk(), standing(17))
    places = middle(way.maps)
    np.testing.assert_allclose(way.maps[:9], part.maps[:9])
    np.testing.assert_allclose(np.diff(places[8:12, 0]), 0.03, atol=1e-3)
    assert np.abs(places[:, 0]).max() < 0.45
    assert largest_step(way) < 0.035
    facing = np.sign(way.maps[:, 0, 0])
    assert (facing[:-1] == np.sign(np.diff(places[:, 0]))).mean() > 0.9
    np.testing.assert_allclose(np.diff(way.loops), 0.07, atol=1e-6)


def test_what_comes_before_leads_to_where_the_subject_is():
    true = walk()
    part = known(true, slice(24, 33), at=6)
    way = filled(part, walk())
    np.testing.assert_allclose(middle(way.maps)[20:24, 0], middle(true.maps)[2:6, 0], atol=1e-3)
    assert largest_step(way) < 0.035


def test_a_way_from_one_place_to_another_begins_and_ends_there():
    true = walk()
    start, end = true.maps[0], moved(walk(half=0.22).maps[-1:], np.array([0.06, 0.04]))[0]
    maps = np.full((FRAMES, 2, 3), np.nan)
    maps[0], maps[13:17] = start, end
    way = filled(Blocking(maps, np.zeros(FRAMES)), walk(), jump())
    np.testing.assert_allclose(way.maps[[0, 13]], [start, end])
    across = middle(way.maps)[:14, 0]
    assert (np.diff(across) > 0).all()
    assert largest_step(Blocking(way.maps[:14], way.loops[:14])) < 0.06
    sizes = 1 / way.maps[:14, 0, 0]
    assert (np.diff(sizes) > -1e-9).all(), "it grows on the way"


def test_who_faces_the_other_way_goes_the_other_way():
    true = Blocking(mirrored(walk().maps), walk().loops, True)
    way = filled(known(true, slice(0, 5)), walk())
    assert (np.diff(middle(way.maps)[4:12, 0]) < 0).all()
    assert (way.maps[4:12, 0, 0] < 0).all()


def test_who_is_in_the_air_comes_down():
    part = known(jump(), slice(0, 13), at=0)
    way = filled(part, jump(), standing(17))
    down = middle(way.maps)[:, 1]
    np.testing.assert_allclose(down[12:17], middle(jump().maps)[12:17, 1], atol=1e-3)


def test_who_turns_round_goes_on_turning():
    way = filled(known(spin(), slice(0, 9)), spin())
    width = 1 / way.maps[:, 0, 0]
    np.testing.assert_allclose(width[9:16], 1 / spin().maps[9:16, 0, 0], atol=0.02)


def test_new_words_are_done_from_where_the_old_ones_end():
    part = known(walk(), slice(0, 9))
    way = filled(part, stages=[Stage(17, [walk()]), Stage(FRAMES, [jump()])])
    places = middle(way.maps)
    assert (np.diff(places[8:17, 0]) > 0.02).all()
    assert np.ptp(places[17:, 0]) < 0.01
    assert np.ptp(places[17:, 1]) > 0.2
    assert way.loops[-1] == 0, "legs come to rest"


def test_a_gap_beside_which_nothing_is_known_stays_one():
    maps = np.full((FRAMES, 2, 3), np.nan)
    part = Blocking(maps, np.zeros(FRAMES))
    assert np.isnan(filled(part, walk()).maps).all()
    assert np.isnan(filled(known(walk(), slice(0, 5))).maps[5:]).all(), "nobody ever did that"


@pytest.mark.parametrize("wanted", [slice(9, 17), slice(9, 33)])
def test_only_what_is_wanted_is_filled(wanted):
    part = known(walk(), slice(5, 9))
    marks = np.zeros(FRAMES, bool)
    marks[wanted] = True
    way = completed(part, marks, [Stage(FRAMES, [walk()])], SCREEN)
    assert np.isnan(way.maps[:5]).all()
    assert np.isfinite(way.maps[5 : wanted.stop]).all()
    assert np.isnan(way.maps[wanted.stop :]).all()


def test_who_drove_jumps_from_the_ground_and_drives_on():
    maps, loops = np.full((FRAMES, 2, 3), np.nan), np.zeros(FRAMES)
    true = walk(33, speed=0.012)
    for known_frames in (slice(0, 9), slice(20, 29)):
        maps[known_frames], loops[known_frames] = true.maps[known_frames], true.loops[known_frames]
    marks = np.zeros(FRAMES, bool)
    marks[9:20] = True
    way = completed(Blocking(maps, loops), marks, [Stage(FRAMES, [jump()])], SCREEN)
    down = middle(way.maps)[8:21, 1]
    assert down.max() < 0.25, "not into the ground"
    assert down.min() < 0.05

import numpy as np
import pytest

from vitascope.givens.canvas import Canvas
from vitascope.toybox.layout import LATENTS
from vitascope.types import VideoShape

SHAPE = VideoShape(num_frames=9, height=32, width=48, fps=8.0)
RNG = np.random.default_rng(0)


def pictures(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 32, 48, 3), dtype=np.uint8)


def test_a_canvas_can_be_filled_in_place():
    canvas = Canvas.empty(VideoShape(5, 16, 16, 8.0))
    canvas.fill(2, np.full((2, 16, 16, 3), 7, np.uint8))
    assert canvas.known.all(axis=(1, 2)).tolist() == [False, False, True, True, False]
    assert (canvas.frames[2:4] == 7).all()


def test_frames_are_ready_up_to_the_first_that_is_not_whole():
    canvas = Canvas.empty(SHAPE).with_frames(0, pictures(4))
    assert (canvas.ready, canvas.ready_after(2), canvas.ready_after(4)) == (4, 4, 4)
    canvas.known[4] = True
    canvas.known[4, 3, 3] = False
    assert canvas.ready_after(4) == 4
    assert Canvas.empty(SHAPE).with_frames(0, pictures(9)).ready == 9
    assert Canvas.empty(SHAPE).with_frames(4, pictures(4)).ready == 0


def test_an_empty_canvas_gives_nothing():
    canvas = Canvas.empty(SHAPE)
    assert canvas.cells(LATENTS).shape == (3, 2, 3)
    assert not canvas.cells(LATENTS).any()
    made = pictures(9)
    np.testing.assert_array_equal(canvas.composite(made), made)


def test_a_first_frame_is_one_latent_frame():
    canvas = Canvas.empty(SHAPE).with_frames(0, pictures(1))
    assert canvas.cells(LATENTS)[0].all()
    assert not canvas.cells(LATENTS)[1:].any()


@pytest.mark.parametrize(("frames", "latent"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_only_whole_groups_of_frames_are_given(frames: int, latent: int):
    cells = Canvas.empty(SHAPE).with_frames(0, pictures(frames)).cells(LATENTS)
    assert cells.all(axis=(1, 2)).tolist() == [i < latent for i in range(3)]


def test_a_picture_in_the_midst_is_held_for_its_group():
    picture = pictures(1)
    canvas = Canvas.empty(SHAPE).with_frames(8, picture, hold=4)
    assert canvas.cells(LATENTS).all(axis=(1, 2)).tolist() == [False, False, True]
    np.testing.assert_array_equal(canvas.frames[5:], np.repeat(picture, 4, axis=0))


def test_a_cell_with_a_single_wanted_pixel_is_wanted():
    wanted = np.zeros((9, 32, 48), bool)
    wanted[3, 17, 20] = True
    cells = Canvas.empty(SHAPE).with_frames(0, pictures(9)).without(wanted).cells(LATENTS)
    assert not cells[1, 1, 1]
    assert cells.sum() == cells.size - 1


def test_what_was_given_comes_back_to_the_last_bit_and_the_edge_is_soft():
    source, made = np.full((9, 32, 48, 3), 200, np.uint8), np.zeros((9, 32, 48, 3), np.uint8)
    wanted = np.zeros((9, 32, 48), bool)
    wanted[:, 8:24, 16:40] = True
    canvas = Canvas.empty(SHAPE).with_frames(0, source).without(wanted)
    out = canvas.composite(made)
    np.testing.assert_array_equal(out[canvas.known], source[canvas.known])
    row = out[4, 16, 16:30, 0].astype(int)
    assert 60 < row[0] < 200
    assert (np.diff(row) <= 0).all()
    assert row[-1] == 0


def test_holes_are_filled_from_around_and_unknown_frames_from_their_neighbours():
    source = pictures(9)
    source[:, :, :24], source[:, :, 24:] = 40, 220
    wanted = np.zeros((9, 32, 48), bool)
    wanted[:, 10:20, 2:10] = True
    filled = Canvas.empty(SHAPE).with_frames(0, source).without(wanted).filled()
    assert np.abs(filled[:, 10:20, 2:10].astype(int) - 40).max() < 25
    held = Canvas.empty(SHAPE).with_frames(0, source[:1]).with_frames(8, source[8:]).filled()
    np.testing.assert_array_equal(held[3], held[0])
    np.testing.assert_array_equal(held[6], source[8])


def test_the_soft_edge_has_the_given_colours_and_nothing_of_what_lies_beyond():
    canvas = Canvas.empty(VideoShape(1, 48, 48, 8.0))
    canvas.frames[:, 16:32] = 200
    canvas.known[:, 16:32] = True
    out = canvas.composite(np.full((1, 48, 48, 3), 180, np.uint8))
    assert out.min() >= 179, "black bars show through"
    assert (out[:, 16:32] == 200).all()

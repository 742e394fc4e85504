from dataclasses import replace

import numpy as np
import pytest
import torch

from vitascope.toybox.scene import ACTIONS, STYLES, Scene
from vitascope.toybox.world import cast
from vitascope.training.toytheatre.atlas import find_atlas, load_atlas
from vitascope.training.toytheatre.render import Theatre, box_on_screen, screen_to_world
from vitascope.training.toytheatre.take import Take, layout
from vitascope.types import VideoShape

SHAPE = VideoShape(num_frames=5, height=48, width=64, fps=8.0)
WALK = Take(Scene("cat", "walk", "meadow"), seed=3)


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre(load_atlas(find_atlas()), SHAPE, variants=1)


def able(theatre: Theatre, action: str) -> str:
    return next((name for name in theatre.atlas.ids if action in cast()[name].actions), theatre.atlas.ids[0])


def test_takes_become_bytes_and_truths(theatre: Theatre):
    takes = [WALK, replace(WALK, scene=replace(WALK.scene, camera="zoom-in"))]
    frames, truths = theatre.render(takes)
    assert frames.dtype == torch.uint8
    assert frames.shape == (2, 5, 3, 48, 64)
    assert [truth.scene for truth in truths] == [take.scene for take in takes]
    assert truths[0].masks is None
    assert truths[1].camera[-1, 2] == pytest.approx(0.6 * layout(takes[1]).strength)


def test_a_take_looks_the_same_alone_and_in_company(theatre: Theatre):
    other = Take(Scene("cat", "jump", "meadow", weather="rain", style="pencil"), seed=4)
    together = theatre.render([other, WALK, replace(WALK, seed=9)])[0]
    for place, take in ((0, other), (1, WALK)):
        alone = theatre.render([take])[0][0]
        assert (together[place].int() - alone.int()).abs().max() <= 1


@pytest.mark.parametrize("action", ACTIONS)
def test_boxes_hold_the_toy(theatre: Theatre, action: str):
    take = Take(Scene(able(theatre, action), action, "meadow", camera="roll-left"), seed=8)
    truth = theatre.render([take], masks=True)[1][0]
    assert truth.masks is not None
    for mask, box in zip(truth.masks, truth.boxes, strict=True):
        rows, columns = np.nonzero(mask > 128)
        if len(rows):
            x0, y0, x1, y1 = box * (64, 48, 64, 48)
            assert x0 - 2 <= columns.min() <= columns.max() <= x1 + 2
            assert y0 - 2 <= rows.min() <= rows.max() <= y1 + 2
    assert (truth.masks[2] > 128).mean() > 0.01


def test_the_same_seed_by_night_and_in_another_style_has_the_same_layout(theatre: Theatre):
    scenes = [WALK.scene, replace(WALK.scene, time="night"), *(replace(WALK.scene, style=s) for s in STYLES)]
    frames, truths = theatre.render([Take(scene, 3) for scene in scenes], masks=True)
    for truth in truths[1:]:
        np.testing.assert_array_equal(truth.boxes, truths[0].boxes)
        np.testing.assert_array_equal(truth.masks, truths[0].masks)
    assert frames[1].float().mean() < frames[0].float().mean() - 20
    assert all(not torch.equal(frames[0], other) for other in frames[3:])


def test_a_pan_shows_what_lies_beside(theatre: Theatre):
    scene = replace(WALK.scene, action="stand")
    frames = theatre.render([Take(replace(scene, camera="pan-right"), 3), Take(scene, 3)])[0]
    assert not torch.equal(frames[0, 0], frames[0, -1])
    assert torch.equal(frames[1, 0], frames[1, -1])


def test_the_camera_is_where_it_says():
    camera = np.array([[0.25, 0.5, 1.0, np.pi / 2]], np.float32)
    at = screen_to_world(camera, SHAPE, 1.0)[0] @ [8, 0, 1]
    np.testing.assert_allclose(at[:2], (0.25 * 64, -0.5 * 48 + 4), atol=1e-5)
    far = screen_to_world(camera, SHAPE, 0.0)[0] @ [0, 0, 1]
    np.testing.assert_allclose(far[:2], 0, atol=1e-9)


def test_a_box_out_of_sight_is_nothing():
    corners = np.array([[[1, 1], [2, 1], [2, 2], [1, 2.0]]])
    maps = np.eye(3)[None] * [[200], [1], [1]]
    assert not box_on_screen(corners, maps, SHAPE).any()

"""The meter is tried on pictures whose motion is known before it measures anything else."""

import math

import numpy as np
import pytest

from vitascope.camera.path import camera_path, centred
from vitascope.evaluation.metrics.flow import asked_flow, correlation, global_flow, in_pixels
from vitascope.types import CameraMove

WIDTH = HEIGHT = 96
FRAMES = 9


def texture(seed: int, size: int = 320) -> np.ndarray:
    """Return a picture of soft blobs and edges of several sizes."""
    rng = np.random.default_rng(seed)
    out = np.zeros((size, size))
    for cells in (10, 20, 40, 80):
        coarse = rng.standard_normal((cells, cells))
        out += np.kron(coarse, np.ones((size // cells, size // cells)))
    for axis in (0, 1):
        for _ in range(2):
            out = (np.roll(out, 1, axis) + out + np.roll(out, -1, axis)) / 3
    return (out - out.min()) / np.ptp(out) * 255


def filmed(picture: np.ndarray, path: np.ndarray, subject: bool = False) -> np.ndarray:
    """Film a flat picture along a path, with a disc of another texture that goes its own way if there is a subject."""
    middle = len(picture) / 2
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    x, y = x - (WIDTH - 1) / 2, y - (HEIGHT - 1) / 2
    frames = []
    for number, (px, py, zoom, _) in enumerate(path):
        size = 2.0**-zoom
        columns, rows = middle + px * WIDTH + size * x, middle - py * HEIGHT + size * y
        frame = between(picture, rows, columns)
        if subject:
            inside = np.hypot(x - 4 * number + 16, y - 18) < 18
            frame = np.where(inside, 255 - frame[::-1, ::-1], frame)
        frames.append(frame)
    return np.repeat(np.stack(frames).round().astype(np.uint8)[..., None], 3, axis=3)


def between(picture: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    low, right = rows - top, columns - left
    above = picture[top, left] * (1 - right) + picture[top, left + 1] * right
    return above * (1 - low) + low * (
        picture[top + 1, left] * (1 - right) + picture[top + 1, left + 1] * right
    )


def path_of(**moves: float) -> np.ndarray:
    made = tuple(CameraMove(kind=kind, amount=amount) for kind, amount in moves.items())  # pyright: ignore
    times = np.arange(FRAMES) / 8
    return centred(camera_path(made, times, times[-1]))


@pytest.mark.parametrize("subject", [False, True])
@pytest.mark.parametrize(
    "moves", [{"pan": 0.3}, {"pan": -0.2, "tilt": 0.2}, {"zoom": 0.6}, {"zoom": -0.5, "pan": 0.2}, {}]
)
def test_known_motion_is_measured(moves, subject):
    path = path_of(**moves)
    asked = in_pixels(asked_flow(path, WIDTH, HEIGHT), WIDTH)
    measured = in_pixels(global_flow(filmed(texture(3), path, subject)), WIDTH)
    assert np.abs(measured - asked).max() < (2.0 if subject else 0.5), (moves, measured[-1], asked[-1])


def test_the_meter_can_be_trusted():
    rng = np.random.default_rng(0)
    asked, measured = [], []
    for seed in range(12):
        far = dict(zip(("pan", "tilt", "zoom"), rng.uniform(-0.4, 0.4, 3).tolist(), strict=True))
        path = path_of(**far)
        asked.append(in_pixels(asked_flow(path, WIDTH, HEIGHT), WIDTH))
        measured.append(in_pixels(global_flow(filmed(texture(seed), path, subject=True)), WIDTH))
    for column in range(3):
        pairs = [np.concatenate([each[:, column] for each in side]) for side in (asked, measured)]
        assert correlation(*pairs) >= 0.99


def test_what_was_asked_is_told_in_pixels():
    flow = asked_flow(np.array([[0, 0, 0, 0], [0.25, 0.5, 0, 0], [0.25, 0.5, 1, 0]]), 100, 80)
    np.testing.assert_allclose(flow, [[-25, 40, 0], [0, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(in_pixels(flow, 100)[-1], [-25, 40, 50 * math.log(2)], atol=1e-9)


def test_the_wrong_way_does_not_correlate():
    asked = np.linspace(0, 10, 20)
    assert correlation(asked, -asked) == pytest.approx(-1)
    assert correlation(asked, np.zeros(20)) == 0

"""Cut-outs of pictures whose subjects are known to the pixel."""

import builtins

import numpy as np
import pytest

from vitascope.errors import RequestError
from vitascope.toybox.cast.cutout import cut_out

ROWS, COLUMNS = np.mgrid[0:96, 0:96]
DISC = np.hypot(ROWS - 48, COLUMNS - 48) < 28


def photograph(ground: np.ndarray, subject: np.ndarray = DISC) -> np.ndarray:
    pixels = np.where(subject[..., None], np.uint8([210, 60, 40]), ground).astype(np.uint8)
    return np.dstack([pixels, np.full(subject.shape, 255, np.uint8)])


def leaves() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 70, (96, 96, 1))
    return np.concatenate([noise, 90 + noise, noise], axis=2)


def overlap(cut: np.ndarray, subject: np.ndarray) -> float:
    shown = cut[..., 3] > 127
    return (shown & subject).sum() / (shown | subject).sum()


def test_alpha_is_used_where_there_is_any():
    picture = photograph(leaves())
    picture[~DISC, 3] = 0
    cut, method = cut_out(picture)
    assert method == "its own alpha"
    assert (cut == picture).all()


def test_a_plain_ground_is_taken_away_and_what_it_encloses_stays():
    ring = DISC & ~(np.hypot(ROWS - 48, COLUMNS - 48) < 10)
    cut, method = cut_out(photograph(np.full((96, 96, 3), 250), ring))
    assert method == "its plain ground"
    assert overlap(cut, DISC) == 1


def test_a_busy_ground_is_taken_away():
    cut, method = cut_out(photograph(leaves()))
    assert method == "GrabCut"
    assert overlap(cut, DISC) > 0.95
    again, _ = cut_out(photograph(leaves()))
    assert (cut == again).all()


def test_a_box_says_which_of_two():
    beside = np.hypot(ROWS - 70, COLUMNS - 78) < 14
    picture = photograph(leaves(), (np.hypot(ROWS - 36, COLUMNS - 32) < 26) | beside)
    cut, _ = cut_out(picture, (0.62, 0.52, 0.38, 0.42))
    assert overlap(cut, beside) > 0.9


def test_without_opencv_a_photograph_is_refused_with_what_to_do(monkeypatch):
    load = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "cv2":
            raise ImportError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(RequestError, match=r'pip install "\.\[cutout\]" from a checkout') as refused:
        cut_out(photograph(leaves()))
    assert "\n" not in str(refused.value)

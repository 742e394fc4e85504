import numpy as np

from vitascope.denoise.noise import add_noise, noise
from vitascope.types import LatentShape

CLIP = LatentShape(frames=5, height=4, width=6)


def test_noise_is_standard_normal():
    x = noise(0, LatentShape(9, 16, 16), 24)
    assert x.dtype == np.float32
    assert abs(float(x.mean())) < 0.01
    assert abs(float(x.std()) - 1) < 0.01


def test_noise_is_fixed_by_its_seed_and_differs_between_seeds():
    np.testing.assert_array_equal(noise(7, CLIP, 24), noise(7, CLIP, 24))
    assert not np.any(noise(7, CLIP, 24) == noise(8, CLIP, 24))


def test_noise_does_not_change_between_versions():
    np.testing.assert_allclose(noise(1, LatentShape(1, 1, 1), 3)[0], KNOWN, rtol=1e-6)


def test_a_chunk_gets_the_numbers_of_the_whole():
    whole = noise(3, CLIP, 24)
    cells = CLIP.height * CLIP.width
    chunk = noise(3, LatentShape(frames=2, height=4, width=6), 24, first_frame=3)
    np.testing.assert_array_equal(chunk, whole[3 * cells :])


def test_frames_differ():
    frames = noise(3, CLIP, 24).reshape(CLIP.frames, -1)
    assert len({frame.tobytes() for frame in frames}) == CLIP.frames


def test_the_largest_seed_works():
    assert np.isfinite(noise(2**64 - 1, CLIP, 2)).all()


def test_levels_mix_clean_and_noise_and_keep_the_ends_exact():
    rng = np.random.default_rng(0)
    clean, x = rng.standard_normal((2, 1, 3, 4)).astype(np.float32)
    mixed = add_noise(clean, x, np.array([[0, 0.25, 1]], np.float32))
    np.testing.assert_array_equal(mixed[:, 0], clean[:, 0])
    np.testing.assert_allclose(mixed[:, 1], 0.75 * clean[:, 1] + 0.25 * x[:, 1], rtol=1e-6)
    np.testing.assert_array_equal(mixed[:, 2], x[:, 2])


KNOWN = [1.091689109802246, 0.45582669973373413, 0.7017897367477417]

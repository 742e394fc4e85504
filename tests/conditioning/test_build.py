import numpy as np
import pytest

from vitascope.conditioning.build import Encoders, caption_at, condition
from vitascope.conditioning.canvas import Canvas
from vitascope.conditioning.known import Known
from vitascope.conditioning.windows import Window, windows
from vitascope.types import (
    CAMERA_CHANNELS,
    EXTRA_CHANNELS,
    LATENT_CHANNELS,
    REFERENCE_SECONDS,
    CameraMove,
    Conditioning,
    Shot,
    Text,
)

SHOT = Shot(
    prompt="a kitty",
    caption="a cat stands in a garden",
    negative_prompt="rain",
    seed=1,
    num_frames=9,
    fps=8.0,
    size=(48, 32),
    camera=(CameraMove(kind="pan", amount=0.3, easing="linear"),),
)


WHOLE = Window(0, 9)
TOKENS = 3 * 2 * 3
SOURCE, CAMERA, PATH = 1, 1 + LATENT_CHANNELS, 1 + LATENT_CHANNELS + CAMERA_CHANNELS


def encode(sentences):
    return tuple(
        Text(np.full((4, 2), len(words), np.float32), np.ones(4, bool), np.zeros(2, np.float32))
        for words in sentences
    )


def encode_video(frames):
    """Latents that say how bright the last frame of each latent frame is."""
    groups = frames[::4].mean(axis=(1, 2, 3)).astype(np.float32) / 255
    return np.repeat(groups, 6)[:, None] * np.ones(LATENT_CHANNELS, np.float32)


def conditioned(shot: Shot = SHOT, known: Known | None = None, window: Window = WHOLE) -> Conditioning:
    nothing = Known(Canvas.empty(shot.video_shape()))
    return condition(shot, known or nothing, window, Encoders(encode, encode_video))


def grey(level: int, count: int) -> np.ndarray:
    return np.full((count, 32, 48, 3), level, np.uint8)


def test_the_model_reads_the_caption_and_the_negative_prompt():
    told = conditioned()
    assert told.caption == SHOT.caption
    assert told.text[0, 0] == len("a cat stands in a garden")
    assert told.null.states[0, 0] == len("rain")


def test_every_token_is_told_where_it_is_and_what_the_camera_does():
    told = conditioned()
    assert told.channels.shape == (TOKENS, EXTRA_CHANNELS)
    assert told.positions.shape == (TOKENS, 3)
    assert not told.channels[:, :CAMERA].any(), "nothing given, no source clip"
    assert not told.channels[:, PATH:].any(), "no path"
    pan = told.channels.reshape(3, 6, -1)[:, :, CAMERA]
    assert (pan == pan[:, :1]).all()
    np.testing.assert_allclose(pan[:, 0], [-0.15, 0.0, 0.15], atol=1e-6)


def test_given_frames_have_level_0_and_say_so():
    canvas = Canvas.empty(SHOT.video_shape()).with_frames(0, grey(255, 5))
    told = conditioned(known=Known(canvas))
    np.testing.assert_array_equal(told.levels, np.repeat([0, 0, 1], 6))
    np.testing.assert_array_equal(told.channels[:, 0], np.repeat([1, 1, 0], 6))
    np.testing.assert_array_equal(told.given[:, 0], np.repeat([1, 1, 0], 6))


@pytest.mark.parametrize("strength", [None, 0.0, 0.6, 1.0])
def test_an_edit_sees_its_source_and_starts_as_far_from_it_as_its_strength_says(strength: float | None):
    known = Known(Canvas.empty(SHOT.video_shape()), source=grey(51, 9))
    told = conditioned(SHOT.model_copy(update={"strength": strength}), known)
    np.testing.assert_allclose(told.channels[:, SOURCE:CAMERA], 0.2)
    np.testing.assert_allclose(told.levels, 1.0 if strength is None else strength)
    np.testing.assert_allclose(told.given, 0.0 if strength is None else 0.2)


def test_a_reference_is_something_given_long_before_the_clip():
    picture = grey(255, 1)[0]
    told = conditioned(known=Known(Canvas.empty(SHOT.video_shape()), references=(picture, picture)))
    assert told.prefix == 12
    assert len(told.levels) == len(told.positions) == len(told.channels) == 12 + TOKENS
    assert not told.levels[:12].any()
    assert (told.given[:12] == 1).all()
    np.testing.assert_allclose(told.positions[:12, 0], -REFERENCE_SECONDS)
    np.testing.assert_array_equal(told.positions[:6, 1:], told.positions[12:18, 1:])


def test_a_later_window_goes_on_with_the_camera_and_hears_the_words_of_its_time():
    shot = SHOT.model_copy(update={"num_frames": 33, "script": ((0.5, "a cat sleeps"),)})
    early, late = conditioned(shot, window=Window(0, 17)), conditioned(shot, window=Window(16, 17))
    assert (early.first_frame, late.first_frame) == (0, 4)
    assert (early.caption, late.caption) == (SHOT.caption, "a cat sleeps")
    first, last = (told.channels.reshape(5, 6, -1)[:, 0, CAMERA] for told in (early, late))
    np.testing.assert_allclose(first[[0, -1]], [-0.15, 0.0], atol=1e-6)
    np.testing.assert_allclose(last[[0, -1]], [0.0, 0.15], atol=1e-6)


def test_the_words_change_at_their_time():
    shot = SHOT.model_copy(update={"num_frames": 65, "script": ((0.25, "one"), (0.75, "two"))})
    told = [caption_at(shot, window) for window in windows(np.zeros(65, bool), 17)]
    assert told == [SHOT.caption, "one", "one", "one", "two"]


def test_the_path_is_told_at_the_time_of_the_window():
    shot = SHOT.model_copy(update={"num_frames": 33, "path": ((0.0, 0.0, 0.5), (4.0, 1.0, 0.5))})
    heat = [conditioned(shot, window=Window(start, 17)).channels[:, PATH] for start in (0, 16)]
    columns = [one.reshape(5, 2, 3).sum(axis=1).argmax(axis=1).tolist() for one in heat]
    assert columns[0][0] == 0
    assert columns[1][-1] == 2
    assert columns[0][-1] == columns[1][0]

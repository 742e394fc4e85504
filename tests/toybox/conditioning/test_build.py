from dataclasses import replace

import numpy as np
import pytest

from tests.toybox import planned
from vitascope.camera.path import filmed_path
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Known
from vitascope.progress import Progress
from vitascope.testing.fakes import FakeLatents, fake_texts, fake_video
from vitascope.toybox.brief import Brief, Briefs
from vitascope.toybox.conditioning.build import brief_at
from vitascope.toybox.conditioning.windows import Window, windows
from vitascope.toybox.layout import (
    CAMERA,
    EXTRA_CHANNELS,
    LATENT_CHANNELS,
    REFERENCE_SECONDS,
    SOURCE,
    SUBJECT,
)
from vitascope.toybox.motion import plan as motion_plan
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.motion.trajectory import Blocking, middle, moved, standing
from vitascope.toybox.render import render_stream
from vitascope.toybox.scene import Scene
from vitascope.types import CameraMove, Conditioning, Given, Shot, Text

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
MAP = slice(SUBJECT.start + 1, SUBJECT.start + 7)
POSE = slice(CAMERA.start, CAMERA.start + 4)


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
    encoders = Encoders(encode, encode_video)
    known = known or nothing
    return planned.conditioned(shot, known, window, encoders)


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
    assert not told.channels[:, : CAMERA.start].any(), "nothing given, no source clip"
    assert not told.channels[:, SUBJECT].any(), "nobody knows where the subject is"
    pan = told.channels.reshape(3, 6, -1)[:, :, CAMERA.start]
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
    np.testing.assert_allclose(told.channels[:, SOURCE], 0.2)
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
    first, last = (told.channels.reshape(5, 6, -1)[:, 0, CAMERA.start] for told in (early, late))
    np.testing.assert_allclose(first[[0, -1]], [-0.15, 0.0], atol=1e-6)
    np.testing.assert_allclose(last[[0, -1]], [0.0, 0.15], atol=1e-6)


def test_the_words_change_at_their_time():
    shot = SHOT.model_copy(update={"num_frames": 65, "script": ((0.25, "one"), (0.75, "two"))})
    whole = planned.planned(shot)
    briefs = Briefs.of(whole)
    told = [brief_at(whole, briefs, window).caption for window in windows(np.zeros(65, bool), 17)]
    assert told == [SHOT.caption, "one", "one", "two", "two"]


def middles(told: Conditioning) -> np.ndarray:
    """Where the network is told that the subject's middle is, in shares of the picture, per latent frame."""
    maps = told.channels[told.prefix :: 6, MAP].reshape(-1, 2, 3)
    return middle(maps) + 0.5


def test_the_path_is_told_at_the_time_of_the_window():
    shot = SHOT.model_copy(update={"num_frames": 33, "path": ((0.0, 0.0, 0.5), (4.0, 1.0, 0.25))})
    early, late = (middles(conditioned(shot, window=Window(start, 17))) for start in (0, 16))
    np.testing.assert_allclose(early[0], [0.0, 0.5], atol=1e-5)
    np.testing.assert_allclose(early[-1], late[0], atol=1e-5)
    np.testing.assert_allclose(late[-1], [1.0, 0.25], atol=1e-5)


def there_and_away(scene: Scene, seed: int) -> Blocking:
    """A subject that goes a tenth of the picture to the right in each latent frame."""
    return Blocking(
        moved(standing(17).maps, np.arange(17)[:, None] * np.array([0.025, 0.0])), np.arange(17) / 32, True
    )


def blocked(shot: Shot, window: Window = WHOLE, known: Known | None = None) -> Conditioning:
    nothing = Known(Canvas.empty(shot.video_shape()))
    encoders = Encoders(encode, encode_video, there_and_away)
    known = known or nothing
    return planned.conditioned(shot, known, window, encoders)


def test_a_subject_of_words_goes_a_way_that_its_action_is_known_for_under_the_camera():
    still = SHOT.model_copy(update={"camera": (), "num_frames": 17})
    way = middles(blocked(still, Window(0, 17)))
    np.testing.assert_allclose(way[:, 0], 0.5 + 0.1 * np.arange(5), atol=1e-6)
    pan = SHOT.model_copy(update={"num_frames": 17})
    np.testing.assert_allclose(
        middles(blocked(pan, Window(0, 17)))[:, 0], way[:, 0] - 0.3 * (np.arange(5) / 4 - 0.5), atol=1e-6
    )


def test_the_way_goes_on_in_the_next_window_and_back():
    shot = SHOT.model_copy(update={"camera": (), "num_frames": 33})
    early, late = (middles(blocked(shot, Window(start, 17)))[:, 0] for start in (0, 16))
    np.testing.assert_allclose(late, early[::-1], atol=1e-6)
    facing = blocked(shot, Window(16, 17)).channels[::6, MAP.start]
    assert facing[0] > 0 > facing[1]


def test_pictures_show_the_subject_better_than_a_guess():
    canvas = Canvas.empty(SHOT.video_shape()).with_frames(0, grey(51, 1))
    assert not blocked(SHOT, known=Known(canvas)).channels[:, SUBJECT].any()


def test_a_reference_shows_who_is_meant_and_not_where():
    shot = SHOT.model_copy(update={"givens": (Given(kind="image", source="cat.png", role="reference"),)})
    assert blocked(shot).channels[:, SUBJECT.start].all()


def test_somebody_to_be_added_is_in_no_picture_yet():
    shot, known = SHOT, Known(Canvas.empty(SHOT.video_shape()), source=grey(51, 9))
    night, dog = (shot.model_copy(update={"caption": words}) for words in ("make it night", "add a dog"))
    assert not blocked(night, known=known).channels[:, SUBJECT].any()
    assert blocked(dog, known=known).channels[:, SUBJECT.start].all()


def test_what_happens_next_begins_where_the_subject_is():
    shot = SHOT.model_copy(update={"camera": (), "num_frames": 33, "script": ((0.5, "a cat jumps"),)})
    way = np.concatenate([middles(blocked(shot, Window(start, 17)))[:, 0] for start in (0, 16)])
    assert np.abs(np.diff(way)).max() < 0.11


def test_windows_take_their_part_of_one_choreography():
    shot = SHOT.model_copy(update={"num_frames": 65, "script": ((0.5, "a cat jumps"),)})
    encoders = Encoders(encode, encode_video, there_and_away)
    nothing = Known(Canvas.empty(shot.video_shape()))
    whole = planned.choreographed(shot, nothing, encoders)
    assert len(whole.camera) == 65
    for window in windows(np.zeros(65, bool), 17):
        told = planned.conditioned(shot, nothing, window, encoders, whole)
        latents = window.num_latents
        camera = told.channels.reshape(latents, 6, -1)[:, 0, POSE]
        np.testing.assert_array_equal(camera, whole.camera[window.frames][::4])
        assert whole.subject is not None
        maps = told.channels.reshape(latents, 6, -1)[:, 0, MAP]
        np.testing.assert_allclose(
            maps, whole.subject.maps[window.frames][::4].reshape(latents, 6), rtol=1e-6
        )


def test_a_long_clip_is_choreographed_once(monkeypatch):
    asked: list[Scene] = []

    def way(scene: Scene, seed: int) -> Blocking:
        asked.append(scene)
        return there_and_away(scene, seed)

    paths = []
    monkeypatch.setattr(motion_plan, "filmed_path", lambda *told: paths.append(told) or filmed_path(*told))
    shot = SHOT.model_copy(update={"num_frames": 129, "size": (64, 48), "steps": 1, "guidance_scale": 1.0})
    model = replace(FakeLatents()._model(), encoders=Encoders(fake_texts, fake_video, way))
    frames = list(render_stream(shot, lambda: model, Progress()).frames)
    assert len(frames) == len(windows(np.zeros(129, bool), 17)) > 8
    assert (asked, len(paths)) == ([Brief.of("a cat stands in a garden").scene], 1)


def test_who_is_named_is_put_into_a_box_and_nobody_is_put_above_the_picture():
    boxed = Given(kind="video", source="in.mp4", box=(0.5, 0.25, 0.5, 0.5))
    wanted = np.zeros((9, 32, 48), bool)
    wanted[:, 8:24, 24:] = True
    known = Known(Canvas(grey(0, 9), ~wanted))
    shot = SHOT.model_copy(update={"givens": (boxed,), "prompt": "a cat in a garden"})
    way = middles(blocked(shot, known=known))
    np.testing.assert_allclose((way[0] + way[-1]) / 2, [0.75, 0.5], atol=0.02)
    assert np.diff(way[:, 0]).min() > 0, "it walks there"
    for prompt in ("remove the cat", "a quiet street"):
        gone = middles(blocked(shot.model_copy(update={"prompt": prompt}), known=known))
        assert (gone[:, 1] < -0.3).all()

import numpy as np

from vitascope.conditioning.build import condition
from vitascope.types import EXTRA_CHANNELS, CameraMove, Shot, Text

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


def encode(sentences):
    return tuple(
        Text(np.full((4, 2), len(words), np.float32), np.ones(4, bool), np.zeros(2, np.float32))
        for words in sentences
    )


def test_the_model_reads_the_caption_and_the_negative_prompt():
    conditioning = condition(SHOT, encode)
    assert conditioning.caption == SHOT.caption
    assert conditioning.text[0, 0] == len("a cat stands in a garden")
    assert conditioning.null.states[0, 0] == len("rain")


def test_every_token_is_told_where_it_is_and_what_the_camera_does():
    conditioning = condition(SHOT, encode)
    assert conditioning.channels.shape == (3 * 2 * 3, EXTRA_CHANNELS)
    assert conditioning.positions.shape == (18, 3)
    assert not conditioning.channels[:, :25].any(), "nothing given, no source clip"
    pan = conditioning.channels.reshape(3, 6, -1)[:, :, 25]
    assert (pan == pan[:, :1]).all()
    assert pan[0, 0] == 0
    assert 0 < pan[1, 0] < pan[2, 0] <= np.float32(0.3)

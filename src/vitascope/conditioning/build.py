"""Stage 2: a resolved shot becomes everything that the network is told before the first step."""

from collections.abc import Callable, Sequence

import numpy as np

from vitascope.conditioning.camera import camera_channels, camera_path
from vitascope.conditioning.masks import known_frames
from vitascope.types import LATENT_CHANNELS, TIME_STRIDE, Conditioning, Shot, Text

Encode = Callable[[Sequence[str]], tuple[Text, ...]]


def condition(shot: Shot, encode: Encode) -> Conditioning:
    """Return the conditioning of a resolved shot; `encode` turns sentences into the text encoder's states."""
    shape = shot.video_shape()
    latent = shape.latent()
    caption = shot.caption or shot.prompt
    text, null = encode((caption, shot.negative_prompt))
    given, levels = known_frames(latent, {})
    times = np.arange(shape.num_frames) / shape.fps
    path = camera_path(shot.camera or (), times, float(times[-1]) or 1.0)
    source = np.zeros((latent.num_tokens, LATENT_CHANNELS), np.float32)
    camera = latent.spread(camera_channels(path, TIME_STRIDE))
    return Conditioning(
        text=text.states,
        text_mask=text.mask,
        pooled=text.pooled,
        channels=np.concatenate([1 - levels[:, None], source, camera], axis=1),
        positions=latent.positions(shape.fps),
        given=given,
        levels=levels,
        caption=caption,
        null=null,
    )

import io

import numpy as np
from PIL import Image

from vitascope.deliver.thumbnail import poster
from vitascope.testing.fakes import synthetic_clip


def test_the_poster_is_the_middle_frame():
    frames = synthetic_clip(num_frames=9).frames
    picture = np.asarray(Image.open(io.BytesIO(poster(frames))).convert("RGB"))
    assert picture.shape == (48, 64, 3)
    apart = [np.abs(frame.astype(int) - picture).mean() for frame in frames]
    assert int(np.argmin(apart)) == 4

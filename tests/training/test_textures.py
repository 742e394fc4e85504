import numpy as np
import pytest
import torch

from vitascope.toybox.scene import Scene
from vitascope.training.rendered import Rendered
from vitascope.training.textures import fit_textures

FRAMES, SIZE, PHASES = 6, 16, 2
SUBJECT = Scene("cat", "walk", "garden", style="clay", time="day")


def clip(seed: int, scene: Scene = SUBJECT) -> Rendered:
    """Return a clip of a grey stage with a disc at some place, red in one phase of its loop and blue in the other."""
    rng = np.random.default_rng(seed)
    frames = (
        torch.from_numpy(rng.integers(0, 255, (FRAMES, 3, 1, 1), np.uint8)).expand(-1, -1, 64, 64).clone()
    )
    place, half = rng.uniform(-0.2, 0.2, 2), rng.uniform(0.12, 0.25)
    y, x = torch.meshgrid(*[(torch.arange(64) + 0.5) / 64 - 0.5] * 2, indexing="ij")
    disc = (x - place[0]) ** 2 + (y - place[1]) ** 2 < half**2
    loops = torch.arange(FRAMES) / 2.0
    for i, frame in enumerate(frames):
        frame[:, disc] = torch.tensor(
            [[250], [0], [0]] if i % 2 == 0 else [[0], [0], [250]], dtype=torch.uint8
        )
    row = torch.tensor([[1 / half, 0, -place[0] / half], [0, 1 / half, -place[1] / half]])
    maps = row.float().expand(FRAMES, -1, -1)
    nothing = torch.zeros(1, FRAMES, 4)
    return Rendered(frames[None], nothing, nothing[..., :2], maps[None], loops[None], (scene,))


def test_textures_are_what_is_seen_of_a_subject_wherever_it_is():
    planes = fit_textures((clip(i) for i in range(40)), ("cat",), SIZE, PHASES)
    assert planes.shape == (1, 4, PHASES, SIZE, SIZE)
    red, blue = planes[0, :, 0], planes[0, :, 1]
    middle = SIZE // 2
    np.testing.assert_allclose(red[:3, middle, middle], [0.96, -1, -1], atol=0.05)
    np.testing.assert_allclose(blue[:3, middle, middle], [-1, -1, 0.96], atol=0.05)
    assert red[3, middle, middle] > 0.95
    assert red[3, 0, 0] < 0.2, "the corners are the stage's, and ever other"


def test_only_plain_clips_are_looked_at():
    night = Scene("cat", "walk", "garden", style="clay", time="night")
    with pytest.raises(ValueError, match="no clip shows the subject cat"):
        fit_textures([clip(0, night)], ("cat",), SIZE, PHASES)

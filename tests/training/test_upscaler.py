import numpy as np
import torch

from vitascope.nn.upscaler import Upscaler, UpscalerConfig
from vitascope.training.checkpoint import load_tensors
from vitascope.training.loop import LoopConfig
from vitascope.training.upscaler import Pairs, UpscalerTraining, sharp_loss, train


def pairs(count: int, seed: int) -> Pairs:
    """Pictures of coloured squares, whose edges a linear filter would blur."""
    rng = np.random.default_rng(seed)
    small = torch.from_numpy(rng.integers(0, 256, (count, 3, 32, 32), np.uint8))
    large = small.repeat_interleave(2, -1).repeat_interleave(2, -2)
    pages = torch.cat([large, torch.full_like(large[:, :1], 255)], 1)
    pages[1::2] = 0
    return Pairs(small, large, pages)


def test_crops_show_the_same_place_at_both_sizes():
    small, pages, large = pairs(4, 0).crops(np.random.default_rng(1), 8, 12)
    assert small.shape == (8, 3, 12, 12)
    assert large.shape == (8, 3, 24, 24)
    assert (torch.nn.functional.avg_pool2d(large, 2) - small).abs().max() < 0.1 / 255
    there = (pages[:, 3:] > 0).expand_as(large)
    assert there.any()
    torch.testing.assert_close(pages[:, :3][there], large[there])


@torch.no_grad()
def error(net: Upscaler) -> float:
    unseen = pairs(8, 3)
    return float(
        sharp_loss(net(unseen.small.float() / 255, unseen.pages.float() / 255), unseen.large.float() / 255)
    )


def test_training_learns_and_can_be_gone_on_with(tmp_path):
    torch.manual_seed(0)
    config, training = (
        UpscalerConfig(width=16, blocks=1),
        UpscalerTraining(batch=8, crop=24, rate=1e-2, ema=0.5),
    )
    many, net = pairs(16, 1), Upscaler(config)
    before = error(net)
    for steps in (20, 60):
        loop = LoopConfig(minutes=5.0, max_steps=steps)
        path = train(config, training, loop, [many], pairs(4, 2), pairs(2, 3), tmp_path)
        tensors, facts = load_tensors(path)
        assert facts["step"] == steps
    net.load_state_dict(tensors)
    assert error(net) < 0.6 * before
    assert {"psnr", "subject_psnr", "sharpness"} < set(facts["results"])
    assert (tmp_path / "sheet.png").exists()

import numpy as np
import pytest
import torch

from vitascope.nn.judge import (
    Judge,
    JudgeConfig,
    JudgeGraph,
    flow_moments,
    fold_norms,
    local_flow,
    shift_steps,
)

HEADS = (("subject", 3), ("action", 2), ("set", 2), ("camera", 4))
TINY = JudgeConfig(
    HEADS, frames=5, size=48, stills=2, still_widths=(8, 12, 16), motion_widths=(16, 16), embedding=8
)


def waves(shift_x: float, shift_y: float, size: int = 48) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return 0.5 + 0.2 * torch.sin((x - shift_x) / 3) + 0.2 * torch.sin((y - shift_y) / 4)


@pytest.mark.parametrize(("dx", "dy"), [(0.8, 0.0), (0.0, -0.7), (0.5, 0.5)])
def test_the_flow_needs_no_training(dx, dy):
    clip = torch.stack([waves(t * dx, t * dy) for t in range(3)])[None]
    u, v, sure = local_flow(clip, 4)[0, :, :, 3:-3, 3:-3].unbind(1)
    assert float(sure.min()) > 0.2
    assert abs(float(u.mean()) - dx) < 0.2
    assert abs(float(v.mean()) - dy) < 0.2


def test_moments_tell_a_zoom_from_a_pan():
    line = torch.linspace(-1, 1, 12)
    zoom = torch.stack([line.expand(12, 12), line[:, None].expand(12, 12), torch.ones(12, 12)])[None, None]
    moments = flow_moments(zoom, 3)[0, 0]
    assert moments[:, 0].abs().max() < 1e-5
    assert (moments[:, 2] > 0.3).all()


def test_shifted_channels_come_from_the_neighbouring_steps():
    x = torch.arange(3.0)[:, None, None, None].expand(3, 8, 1, 1) + 1
    shifted = shift_steps(x, 3)[:, :, 0, 0]
    assert shifted[:, 0].tolist() == [0, 1, 2]
    assert shifted[:, 2].tolist() == [2, 3, 0]
    assert shifted[:, 4].tolist() == [1, 2, 3]


@torch.no_grad()
def test_a_judgement_has_every_head_and_attention_that_sums_to_one():
    judgement = Judge(TINY).eval()(torch.rand(2, 5, 3, 48, 48))
    assert {head: tuple(logits.shape) for head, logits in judgement.logits.items()} == {
        h: (2, n) for h, n in HEADS
    }
    torch.testing.assert_close(judgement.embedding.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(judgement.still_where.sum((1, 2, 3)), torch.ones(2))
    torch.testing.assert_close(judgement.motion_where.sum((2, 3)), torch.ones(2, 2))


@torch.no_grad()
def test_clips_of_a_batch_do_not_see_each_other():
    judge, clips = Judge(TINY).eval(), torch.rand(2, 5, 3, 48, 48)
    together, alone = JudgeGraph(judge)(clips), JudgeGraph(judge)(clips[:1])
    for both, one in zip(together, alone, strict=True):
        torch.testing.assert_close(both[:1], one, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_folding_the_norms_away_changes_nothing():
    judge, clips = Judge(TINY), torch.rand(2, 5, 3, 48, 48)
    judge(clips)
    folded = fold_norms(judge)
    assert not any("norm" in name for name in folded.state_dict())
    for one, other in zip(JudgeGraph(judge.eval())(clips), JudgeGraph(folded)(clips), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_the_shipped_size_is_small_enough():
    heads = tuple(
        (name, 20) for name in ("subject", "action", "set", "season", "time", "weather", "camera", "style")
    )
    count = sum(int(np.prod(p.shape)) for p in Judge(JudgeConfig(heads)).parameters())
    assert count < 2_000_000

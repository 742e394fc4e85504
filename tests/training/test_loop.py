import json

import numpy as np
import pytest
import torch
from torch import nn

from vitascope.training.checkpoint import load_tensors, optimizer_tensors, restore_optimizers, save_tensors
from vitascope.training.ema import EMA
from vitascope.training.loop import LoopConfig, learning_rate, run
from vitascope.training.optim import split_optimizers


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(6, 6)])
        self.head = nn.Linear(6, 1)

    def forward(self, x):
        return self.head(self.blocks[0](x))


def take_step(net, optimizers, seed):
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(8, 6))).float()
    loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return float(loss.detach())


def test_learning_rate_goes_up_stays_and_comes_down():
    assert learning_rate(0.0, 0.1, 0.5) == 0.0
    assert learning_rate(0.3, 0.1, 0.5) == 1.0
    assert learning_rate(0.75, 0.1, 0.5) == 0.5
    assert learning_rate(1.0, 0.1, 0.5) == 0.0


def test_a_resumed_run_takes_the_same_steps(tmp_path):
    torch.manual_seed(0)
    whole = Toy()
    optimizers = split_optimizers([whole], 1e-2, 1e-2)
    for seed in range(3):
        take_step(whole, optimizers, seed)
    save_tensors(
        tmp_path / "state.safetensors", whole.state_dict() | optimizer_tensors(optimizers), {"step": 3}
    )
    losses = [take_step(whole, optimizers, seed) for seed in range(3, 6)]

    resumed = Toy()
    tensors, facts = load_tensors(tmp_path / "state.safetensors")
    resumed.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("opt.")})
    again = split_optimizers([resumed], 1e-2, 1e-2)
    restore_optimizers(again, tensors)
    assert facts == {"step": 3}
    assert [take_step(resumed, again, seed) for seed in range(3, 6)] == losses


def test_the_loop_logs_draws_and_saves(tmp_path):
    net, saved = Toy(), []
    optimizers = split_optimizers([net], 1e-2, 1e-2)
    config = LoopConfig(minutes=1.0, max_steps=30)
    ema = EMA(net, 0.9)

    def step(number, done):
        loss = take_step(net, optimizers, number)
        ema.update(net)
        return {"loss": loss}

    assert run(config, tmp_path, optimizers, step, lambda number, spent: saved.append(number)) == 30
    assert saved == [30]
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["step"] == 30
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert not torch.equal(ema.weights["head.weight"], net.head.weight)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(FloatingPointError, match="loss is nan at step 0"):
        run(LoopConfig(1.0, max_steps=2), tmp_path, [], lambda *_: {"loss": float("nan")}, lambda *_: None)

import numpy as np
import torch
from torch import nn

from vitascope.training.learner import Learner
from vitascope.training.optim import split_optimizers


def learner() -> Learner:
    torch.manual_seed(0)
    net = nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(6, 6)]), "head": nn.Linear(6, 1)})
    return Learner(net, split_optimizers([net], 1e-2, 1e-2), 0.9)


def teach(pupil: Learner, seeds: range) -> list[float]:
    norms = []
    for seed in seeds:
        x = torch.from_numpy(np.random.default_rng(seed).normal(size=(8, 6))).float()
        made = pupil.net["head"](pupil.net["blocks"][0](x))  # pyright: ignore[reportIndexIssue]
        norms.append(float(pupil.learn((made - x.sum(1, keepdim=True)).square().mean())))
    return norms


def test_a_step_goes_down_and_the_average_follows():
    pupil = learner()
    before = {name: tensor.clone() for name, tensor in pupil.averaged.items()}
    norms = teach(pupil, range(60))
    assert norms[-1] < norms[0]
    assert pupil.ema.steps == 60
    assert all((pupil.averaged[name] != old).any() for name, old in before.items())
    assert any((pupil.averaged[name] != now).any() for name, now in pupil.net.state_dict().items())


def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(tmp_path):
    whole, first, second = learner(), learner(), learner()
    assert first.go_on(tmp_path / "state.safetensors") == (0, 0.0)
    teach(whole, range(8))
    teach(first, range(5))
    first.keep(tmp_path / "state.safetensors", 5, 1.5)
    assert second.go_on(tmp_path / "state.safetensors") == (5, 1.5)
    teach(second, range(5, 8))
    for name, tensor in whole.averaged.items():
        assert torch.equal(tensor, second.averaged[name]), name
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, second.net.state_dict()[name]), name

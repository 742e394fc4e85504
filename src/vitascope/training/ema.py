"""A slowly moving average of a network's weights, which draws better than the weights themselves."""

import torch
from torch import Tensor, nn


class EMA:
    """Exponential moving average of a module's parameters, faster at the start: min(decay, (1 + n) / (10 + n))."""

    def __init__(self, module: nn.Module, decay: float):
        self.decay = decay
        self.steps = 0
        self.weights = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take one step towards the module's present weights."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        for name, p in module.named_parameters():
            self.weights[name].lerp_(p.detach(), 1 - decay)

    def state(self, module: nn.Module) -> dict[str, Tensor]:
        """Return the module's state with the averaged weights in place of the present ones."""
        return {**module.state_dict(), **self.weights}

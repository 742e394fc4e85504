"""A network as it is trained: its optimizers, its average, and the file from which a run that was cut off goes on."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitascope.training.checkpoint import (
    load_matching,
    load_tensors,
    optimizer_tensors,
    restore_optimizers,
    save_tensors,
)
from vitascope.training.ema import EMA


class Learner:
    """Takes steps down a loss; `optimizers` are built over parameters of `net`, whose average moves with `decay`."""

    def __init__(self, net: nn.Module, optimizers: list[torch.optim.Optimizer], decay: float):
        self.net, self.optimizers = net, optimizers
        self.ema = EMA(net, decay)

    @property
    def averaged(self) -> dict[str, Tensor]:
        """The network's state with averaged weights."""
        return self.ema.state(self.net)

    def learn(self, loss: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Take one step, and return how long the gradient was before it was clipped to 1."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.ema.update(self.net)
        return norm

    def keep(self, path: Path, step: int, seconds: float) -> None:
        """Write all that `go_on` needs."""
        averages = {f"ema.{name}": weights for name, weights in self.ema.weights.items()}
        everything = self.net.state_dict() | optimizer_tensors(self.optimizers) | averages
        save_tensors(path, everything, {"step": step, "seconds": seconds})

    def go_on(self, path: Path) -> tuple[int, float]:
        """Take up the run that was kept in a file, and return its steps and seconds: none where there is no file."""
        if not path.exists():
            return 0, 0.0
        tensors, facts = load_tensors(path)
        load_matching(self.net, tensors)
        restore_optimizers(self.optimizers, tensors)
        own = self.ema.weights.items()
        self.ema.weights = {name: tensors[f"ema.{name}"].to(old.device) for name, old in own}
        self.ema.steps = facts["step"]
        return facts["step"], facts["seconds"]

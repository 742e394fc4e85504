"""Muon for hidden matrices and convolutions, AdamW for the rest."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn


def orthogonalised(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Return nearly U V^T of the matrix's U S V^T, by five Newton-Schulz steps in bfloat16 (Jordan et al., 2024)."""
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is orthogonalised, scaled to AdamW's step size (Moonlight, arXiv 2502.16982).

    Unlike `torch.optim.Muon` it takes convolutions too, as matrices of one row per output channel.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take one step along the gradients, with Nesterov momentum."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                ahead = p.grad.lerp(state["momentum"], group["momentum"]).reshape(len(p), -1)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(orthogonalised(ahead).view_as(p), alpha=-0.2 * group["lr"] * max(ahead.shape) ** 0.5)


def split_optimizers(
    modules: list[nn.Module], muon_rate: float, adam_rate: float, weight_decay: float = 0.01
) -> list[torch.optim.Optimizer]:
    """Return [Muon, AdamW] over the modules' parameters.

    Muon takes every matrix inside a block and every convolution but the first and last; embeddings, modulation, heads,
    norms and biases go to AdamW.
    """
    hidden, rest = [], []
    for module in modules:
        for name, p in module.named_parameters():
            matrix = p.ndim == 2 and ("blocks" in name or "show" in name) and "bias" not in name
            convolution = p.ndim == 4 and "head" not in name and "encoder.stem" not in name
            (hidden if matrix or convolution else rest).append(p)
    return [
        Muon(hidden, lr=muon_rate, weight_decay=weight_decay),
        torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]

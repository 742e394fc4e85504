"""Muon for hidden matrices, AdamW for the rest."""

import torch
from torch import nn


def split_optimizers(
    modules: list[nn.Module], muon_rate: float, adam_rate: float, weight_decay: float = 0.01
) -> list[torch.optim.Optimizer]:
    """Return [Muon, AdamW] over the modules' parameters.

    Muon (Jordan et al., 2024; scaled to AdamW's step size as in Moonlight, arXiv 2502.16982) takes every matrix inside a
    block; embeddings, modulation, heads, norms and biases go to AdamW.
    """
    hidden, rest = [], []
    for module in modules:
        for name, parameter in module.named_parameters():
            (hidden if "blocks" in name and parameter.ndim == 2 and "bias" not in name else rest).append(parameter)
    return [
        torch.optim.Muon(hidden, lr=muon_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]

"""Saving and loading of a run's whole state as safetensors; nothing is ever unpickled."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None) -> None:
    """Write tensors (made contiguous, on the CPU) and JSON-able facts to one file, replacing it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clean = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    partial = path.with_name(path.name + ".partial")
    save_file(clean, partial, {"facts": json.dumps(dict(facts or {}))})
    os.replace(partial, path)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote."""
    with safe_open(path, "pt") as file:
        facts = json.loads((file.metadata() or {}).get("facts", "{}"))
        return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118


def optimizer_tensors(optimizers: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Flatten the optimizers' states to named tensors: `opt.<optimizer>.<parameter>.<name>`."""
    flat: dict[str, Tensor] = {}
    for o, optimizer in enumerate(optimizers):
        for p, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                flat[f"opt.{o}.{p}.{name}"] = torch.as_tensor(value)
    return flat


def restore_optimizers(optimizers: list[torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` took out. The optimizers must be built over the same parameters."""
    for o, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            head, *rest = key.split(".")
            if head == "opt" and int(rest[0]) == o:
                state.setdefault(int(rest[1]), {})[rest[2]] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def load_matching(module: nn.Module, tensors: Mapping[str, Tensor], prefix: str = "") -> list[str]:
    """Load the tensors whose name and shape fit, and return the names of the module's that found none."""
    own = module.state_dict()
    found = {
        k: tensors[prefix + k]
        for k in own
        if prefix + k in tensors and tensors[prefix + k].shape == own[k].shape
    }
    module.load_state_dict(found, strict=False)
    return [name for name in own if name not in found]

"""The torch runtime: for training, for checking exports, and for a big GPU."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from vitascope.runtime.onnx import check_names
from vitascope.weights.tensors import read_tensors


class TorchNetwork:
    """A `Network` that calls a module; `inputs` name its arguments in order, `outputs` what it returns."""

    def __init__(
        self,
        module: nn.Module,
        inputs: Sequence[str],
        outputs: Sequence[str],
        device: str | torch.device = "cpu",
    ):
        self.module = module.eval().to(device)
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.device = torch.device(device)

    @torch.inference_mode()
    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name. Raises `TypeError` naming inputs that are missing or not the network's."""
        check_names(self.inputs, arrays)
        returned = self.module(*(torch.from_numpy(arrays[name]).to(self.device) for name in self.inputs))
        values = returned if isinstance(returned, tuple) else (returned,)
        return {name: value.cpu().numpy() for name, value in zip(self.outputs, values, strict=True)}


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Fill a module with the numbers that an exported network ships with, as float32.

    Raises `KeyError` naming the first of the module's tensors that the file does not hold.
    """
    tensors = read_tensors(path)
    state = module.state_dict()
    for name in state:
        if name not in tensors:
            raise KeyError(f"{Path(path).name} has no tensor {name}")
    module.load_state_dict({name: torch.from_numpy(tensors[name]) for name in state})

"""The weights that ship, as a new run starts from them."""

import numpy as np
import torch
from torch import Tensor

from vitascope.errors import WeightsError
from vitascope.weights.folder import WeightsFolder
from vitascope.weights.tensors import read_tensors

FILES = {
    "vae": (("encoder", ""), ("decoder", "")),
    "dit": (("briefing", "dit.context."), ("dit", "dit.denoiser."), ("text_encoder", "text.")),
    "upscaler": (("upscaler", ""),),
}
"""Files of each stage, and what stands before their tensors' names where the stage trains them together."""


OLD_NAMES = {
    ".textures.": ".pages.", ".glance.": ".field_proj.", ".trust.": ".field_gate.", ".briefing.": ".context.",
    ".steps.": ".denoiser.",
}  # fmt: skip
"""Parts of the names of tensors in the weights of November 2026, and what they are called now."""


def renamed(name: str) -> str:
    """Return a tensor's name as it is today."""
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name


def shipped(stage: str) -> dict[str, Tensor]:
    """Return a stage's shipped tensors (one of `FILES`) by the names that its training knows; none if none ship."""
    folder, tensors = WeightsFolder.shipped(), {}
    try:
        for file, prefix in FILES[stage]:
            for name, value in read_tensors(folder.file(f"{file}.safetensors")).items():
                tensors[renamed(prefix + name)] = torch.from_numpy(np.array(value))
    except WeightsError:
        return {}
    return tensors

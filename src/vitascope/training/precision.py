"""In which precision training computes: bfloat16 where the machine has instructions for it, else float32."""

import torch


def autocast(device: str) -> torch.autocast:
    """Return the context in which a network learns on a device.

    Without its instructions a CPU emulates bfloat16 at a hundredth of the speed of float32.
    """
    return torch.autocast(device, torch.bfloat16, enabled=device != "cpu" or cpu_has_bfloat16())


def cpu_has_bfloat16() -> bool:
    """Say whether this CPU multiplies bfloat16 in hardware."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()

import pytest
import torch


@pytest.fixture
def awake():
    """Give every weight a value, since layers that start at zero would hide a mistake."""

    def wake(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
        torch.manual_seed(seed)
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        return module.eval()

    return wake

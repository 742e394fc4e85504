"""Fixtures of the tests of open-weight models: where tiny checkpoints lie, and pictures to give them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.backends.tinies import moving
from tests.backends.tiny import unguarded
from vitascope.backends.diffusers.loading import SHELF


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where tiny checkpoints are made, each when first asked for."""
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two pictures, a mask, and moving pictures of several rates, in the size of tiny models."""
    folder = tmp_path_factory.mktemp("pictures")
    frames = moving(9)
    for name, number in (("first", 0), ("last", 8)):
        frames[number].save(folder / f"{name}.png")
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    for fps in (8, 16, 24, 25, 30):
        file = folder / f"clip-{fps}.png"
        frames[0].save(file, save_all=True, append_images=frames[1:], duration=1000 // fps, loop=0)
    return folder


@pytest.fixture
def no_guardrail():
    """Let a tiny Cosmos do without its guardrail, which is a package with weights of its own."""
    with unguarded():
        yield


@pytest.fixture(autouse=True)
def _released():
    yield
    if len(SHELF):
        SHELF.release()

"""What the tests of open-weight models share: tiny checkpoints, shots for them, and diffusers called directly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.backends.tiny import KINDS, make
from vitascope import pipeline
from vitascope.backends.diffusers import Diffusers
from vitascope.backends.openweights.library import library, quietly
from vitascope.backends.openweights.loading import SHELF
from vitascope.progress import Event, Progress
from vitascope.types import Clip, Given, Shot

WORDS = {"prompt": "a red ball rolls over grass", "negative_prompt": "blurry"}
SEED = 7


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where tiny checkpoints are made, each when first asked for."""
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two pictures, a mask and a moving picture of the size that tiny models draw."""
    folder = tmp_path_factory.mktemp("pictures")
    frames = moving(9)
    for name, number in (("first", 0), ("last", 8)):
        frames[number].save(folder / f"{name}.png")
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    frames[0].save(folder / "clip.png", save_all=True, append_images=frames[1:], duration=62, loop=0)
    return folder


def moving(count: int, size: int = 32) -> list[Image.Image]:
    """Return frames of a bright square that crosses a gradient."""
    y, x = np.mgrid[:size, :size]
    frames = []
    for step in range(count):
        square = (abs(x - 4 - 3 * step) < 4) & (abs(y - 16) < 5)
        frames.append(np.stack([np.where(square, 240, 4 * x), 3 * y, np.full_like(x, 90)], -1).astype(np.uint8))
    return [Image.fromarray(frame) for frame in frames]


def shot_for(kind: str, home: Path, givens: tuple[Given, ...] = (), **said: Any) -> tuple[Diffusers, Shot]:
    """Return the backend of a tiny checkpoint and a planned shot for it."""
    backend = Diffusers(str(make(kind, home)))
    tiny = KINDS[kind]
    shot = Shot(**{**WORDS, "seed": SEED, "givens": givens, "model": str(home / kind), **said})
    planned = pipeline.plan(shot, backend).shot
    assert (planned.size, planned.num_frames) == (tiny.size, said.get("num_frames", tiny.num_frames))
    return backend, planned


def rendered(backend: Diffusers, shot: Shot, heard: list[Event] | None = None) -> Clip:
    """Render a planned shot and keep what was said on the way."""
    return backend.render(shot, Progress(None if heard is None else heard.append))


def directly(kind: str, home: Path, **called: Any) -> np.ndarray:
    """Return the frames that diffusers makes of a tiny checkpoint with these arguments and a usual seed."""
    torch, folder = library("torch"), make(kind, home)
    with quietly():
        found = getattr(library(), KINDS[kind].pipeline)
        loaded = found.from_pretrained(str(folder))
        if KINDS[kind].modular:
            loaded.load_components()
        if kind == "allegro":
            loaded.vae.enable_tiling()
        generator = torch.Generator("cpu").manual_seed(SEED)
        output = loaded(**called, generator=generator, output_type="pil")
    frames = output.get("videos") if KINDS[kind].modular else output.frames
    return np.stack([np.asarray(frame) for frame in frames[0]])


@pytest.fixture(autouse=True)
def _released():
    yield
    SHELF.release()

"""What the tests of open-weight models share: shots for tiny checkpoints, and diffusers called directly."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.backends.tiny import KINDS, make, unguarded
from vitascope import pipeline
from vitascope.backends.diffusers.backend import Diffusers
from vitascope.backends.diffusers.optional_imports import library, quietly
from vitascope.progress import Event, Progress
from vitascope.types import Clip, Given, Shot

WORDS = {"prompt": "a red ball rolls over grass", "negative_prompt": "blurry"}
SEED = 7


def moving(count: int, size: int = 32) -> list[Image.Image]:
    """Return frames of a bright square that crosses a gradient."""
    y, x = np.mgrid[:size, :size]
    frames = []
    for step in range(count):
        square = (abs(x - 4 - 3 * step) < 4) & (abs(y - 16) < 5)
        frames.append(
            np.stack([np.where(square, 240, 4 * x), 3 * y, np.full_like(x, 90)], -1).astype(np.uint8)
        )
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
    with quietly(), unguarded():
        found = getattr(library(), KINDS[kind].pipeline)
        loaded = found.from_pretrained(str(folder))
        if KINDS[kind].modular:
            loaded.load_components()
        if kind == "allegro":
            loaded.vae.enable_tiling()
        torch.manual_seed(SEED)
        generator = torch.Generator("cpu").manual_seed(SEED)
        output = loaded(**called, generator=generator, output_type="pil")
    frames = output.get("videos") if KINDS[kind].modular else output.frames
    return np.stack([np.asarray(frame) for frame in frames[0]])

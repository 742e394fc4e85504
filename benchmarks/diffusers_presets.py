"""How much faster, and how near to lossless, the presets of open-weight models are, on a Wan of moderate width.

    pip install -c constraints.txt ".[test]"
    python benchmarks/diffusers_presets.py [--size 192x192] [--frames 33] [--steps 50] [--layers 12] [--json]

The network is WanTransformer3DModel as diffusers has it, large enough that the processor's arithmetic decides, with
random weights: nothing is downloaded. Three things are set as training leaves them, without which any number would mean
little: it hears only the slow part of the clock (a random network starts afresh at every step otherwise), its velocity
is as large as a trained one's (or else the noise that a clip starts from would stay, and any shortcut would
seem to cost nothing), and the frames have full contrast. Take the speeds as they are, and the decibels as the order of
the presets: on trained weights they depend on the model.

All presets make the same shot with the same seed, in turn, in one process; plain diffusers makes it too. MagCache, for
which a model has to be measured first, is calibrated here and shown beside the presets.
"""

import argparse
import contextlib
import io
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.backends import tiny
from vitascope import pipeline
from vitascope.backends.diffusers import Diffusers
from vitascope.backends.openweights import quality
from vitascope.backends.openweights.library import library, quietly
from vitascope.evaluation.metrics.psnr import psnr
from vitascope.progress import Progress
from vitascope.types import Shot

WORDS = "a red ball rolls over grass"
RATIOS = re.compile(r"\[([\d., e-]+)\]")


@dataclass(frozen=True)
class Case:
    """What is made: the size of the clip and of the network, and how often."""

    size: tuple[int, int]
    frames: int
    steps: int
    layers: int
    heads: int
    rounds: int


@dataclass(frozen=True)
class Row:
    """One way to make the clip: median seconds of its denoising, against lossless, and how near it comes (dB)."""

    name: str
    how: str
    seconds: float
    speed: float
    psnr: float

    def __str__(self) -> str:
        near = "same" if self.psnr == float("inf") else f"{self.psnr:.1f} dB"
        return f"{self.name:16}{self.seconds:9.2f} s{self.speed:8.2f}x{near:>10}  {self.how}"


def parts(case: Case) -> dict[str, Any]:
    """Return the parts of the Wan that is measured, scaled as the head of this file says."""
    torch, diffusers = library("torch"), library()
    found = tiny.KINDS["wan"].parts()
    torch.manual_seed(1)
    transformer = diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=case.heads, attention_head_dim=64, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=256, ffn_dim=case.heads * 64 * 4, num_layers=case.layers, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=1024,
    ).eval()  # fmt: skip
    _slow(transformer.condition_embedder.time_embedder.linear_1)
    latents, words = torch.randn(1, 16, 3, 8, 8), torch.randn(1, 512, 32) * 0.1
    with torch.no_grad():
        velocity = transformer(latents, torch.tensor([500.0]), words, return_dict=False)[0]
        _scale(transformer.proj_out, 1.4 / velocity.std())
        frames = found["vae"].decode(latents, return_dict=False)[0]
        found["vae"].decoder.conv_out.bias.zero_()
        _scale(found["vae"].decoder.conv_out, 0.5 / frames.std())
    return {**found, "transformer": transformer}


def _slow(layer: Any) -> None:
    """Let the first layer of a time embedding hear only waves that turn less than half in a thousand."""
    half = layer.in_features // 2
    fast = sum(1000 * 10_000 ** (-place / half) > np.pi for place in range(half))
    with library("torch").no_grad():
        layer.weight[:, :fast] = layer.weight[:, half : half + fast] = 0.0
        _scale(layer, (half / (half - fast)) ** 0.5)


def _scale(layer: Any, factor: Any) -> None:
    layer.weight.mul_(factor)
    if layer.bias is not None:
        layer.bias.mul_(factor)


def measured(case: Case, folder: Path) -> list[Row]:
    """Return a row for plain diffusers, for every preset, and for MagCache."""
    tiny.KINDS["moderate"] = replace(tiny.KINDS["wan"], parts=lambda: parts(case))
    backend = Diffusers(str(tiny.make("moderate", folder)))
    told = {"size": case.size, "num_frames": case.frames, "steps": case.steps}
    shot = Shot(prompt=WORDS, negative_prompt="blurry", seed=7, **told)
    shot = pipeline.plan(shot, backend).shot
    assert (shot.size, shot.num_frames) == (case.size, case.frames), (shot.size, shot.num_frames)
    rendered(
        backend, shot.model_copy(update={"steps": 2}), 1
    )  # the first call of all is slower than those after it
    usual, base, _ = rendered(backend, shot, case.rounds)
    rows = [Row("lossless", "every block in every step", base, 1.0, float("inf"))]
    for name, spared in quality.PRESETS.items():
        if spared is not None:
            frames, seconds, how = rendered(backend, shot.model_copy(update={"quality": name}), case.rounds)
            rows.append(Row(name, how, seconds, base / seconds, psnr(frames, usual)))
    with magnitudes(backend, shot, folder) as config:
        frames, seconds, how = rendered(backend, shot, case.rounds)
        rows.append(Row("(MagCache)", config, seconds, base / seconds, psnr(frames, usual)))
    frames, seconds = plain(folder / "moderate", shot, case.rounds)
    return [Row("plain diffusers", "its own call", seconds, base / seconds, psnr(frames, usual)), *rows]


def rendered(backend: Diffusers, shot: Shot, rounds: int) -> tuple[np.ndarray, float, str]:
    """Return the frames, the median seconds of denoising, and what was spared."""
    spent = []
    for _ in range(rounds):
        progress = Progress()
        clip = backend.render(shot, progress)
        spent.append(progress.seconds_spent["denoise"])
    how = next((note for note in clip.record.notes if note.startswith("cache: ")), "")
    return clip.frames, statistics.median(spent), how.removeprefix("cache: ")


def plain(folder: Path, shot: Shot, rounds: int) -> tuple[np.ndarray, float]:
    """Return the frames of diffusers called directly, and the median seconds from its first step to its last."""
    with quietly():
        loaded = library().WanPipeline.from_pretrained(folder)
        loaded.set_progress_bar_config(disable=True)
        made = [plainly(loaded, shot) for _ in range(rounds)]
    return made[0][0], statistics.median(seconds for _, seconds in made)


def plainly(loaded: Any, shot: Shot) -> tuple[np.ndarray, float]:
    """Call a pipeline of diffusers once."""
    marks: list[float] = []

    def mark(*said: Any) -> Any:
        marks.append(time.perf_counter())
        return said[-1] if isinstance(said[-1], dict) else None

    hook = loaded.transformer.register_forward_pre_hook(mark)
    width, height = shot.size or (0, 0)
    output = loaded(
        prompt=shot.prompt, negative_prompt=shot.negative_prompt, width=width, height=height,
        num_frames=shot.num_frames, num_inference_steps=shot.steps, guidance_scale=shot.guidance_scale,
        generator=library("torch").Generator("cpu").manual_seed(7), output_type="np", callback_on_step_end=mark,
    )  # fmt: skip
    hook.remove()
    return (output.frames[0] * 255).round().astype(np.uint8), marks[-1] - marks[0]


@contextlib.contextmanager
def magnitudes(backend: Diffusers, shot: Shot, folder: Path) -> Iterator[str]:
    """Let the backend's denoiser work with MagCache within, calibrated on this shot; yields how."""
    from vitascope.backends.openweights.loading import SHELF

    diffusers = library()
    transformer = next(iter(SHELF._kept.values())).pipeline.transformer
    steps, said = shot.steps or 1, io.StringIO()
    transformer.enable_cache(diffusers.MagCacheConfig(calibrate=True, num_inference_steps=steps))
    with contextlib.redirect_stdout(said):
        backend.render(shot, Progress())
    transformer.disable_cache()
    found = RATIOS.search(said.getvalue())
    assert found is not None, "MagCache printed no ratios"
    ratios = [float(ratio) for ratio in found[1].split(",")]
    transformer.enable_cache(diffusers.MagCacheConfig(mag_ratios=ratios, num_inference_steps=steps))
    try:
        yield "MagCache of diffusers, its own defaults, calibrated on this shot"
    finally:
        transformer.disable_cache()


def main(arguments: list[str] | None = None) -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="192x192")
    for name, usual in (("frames", 33), ("steps", 50), ("layers", 12), ("heads", 8), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    width, _, height = told.size.partition("x")
    case = Case((int(width), int(height)), told.frames, told.steps, told.layers, told.heads, told.rounds)
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(case, Path(folder))
    if told.json:
        print(json.dumps({"case": asdict(case), "rows": [asdict(row) for row in rows]}))
    else:
        print(f"{case}; random weights, {library('torch').get_num_threads()} threads")
        print("\n".join(str(row) for row in rows))
    return rows


if __name__ == "__main__":
    main()

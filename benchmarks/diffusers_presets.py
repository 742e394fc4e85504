"""How much faster, and how near to lossless, the presets of open-weight models are, on a Wan of moderate width.

    pip install -c constraints.txt ".[test]"
    python benchmarks/diffusers_presets.py [--size 192x192] [--frames 17] [--steps 50] [--layers 12] [--json]
    python benchmarks/diffusers_presets.py --sweep --size 96x96 --layers 8 --heads 2

The network is WanTransformer3DModel as diffusers has it, large enough that the processor's arithmetic decides, with
random weights: nothing is downloaded. Three things are set as training leaves them, without which any number would mean
little: it hears only the slow part of the clock (a random network starts afresh at every step otherwise), its velocity
is as large as a trained one's (or else the noise that a clip starts from would stay, and any shortcut would
seem to cost nothing), and the frames have full contrast. Take the speeds as they are, and the decibels as the order of
the presets: on trained weights they depend on the model. How little the blocks of a network with random weights change
from step to step is told by the row "(frozen)": there all but the first block run once and never again, so what a
preset is worth is what it has over that row.

All presets make the same shot with the same seed, in turn, in one process; plain diffusers makes it too. MagCache, for
which a model has to be measured first, is calibrated here and shown beside the presets. "1 in 2.4" is the share of the
blocks that ran: on a large model the speed is nearly that, whatever the machine does besides. `--sweep` shows other
settings of the caches by that share, at a size where one clip takes seconds. The last line says whether a preset keeps
what was asked for, and so does the exit status.
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
from vitascope.backends.diffusers import caching
from vitascope.backends.diffusers.backend import Diffusers
from vitascope.backends.diffusers.loading import SHELF
from vitascope.backends.diffusers.optional_imports import library, quietly
from vitascope.evaluation.metrics.psnr import psnr
from vitascope.progress import Progress
from vitascope.types import Quality, Shot

WORDS = "a red ball rolls over grass"
RATIOS = re.compile(r"\[([\d., e-]+)\]")
SPEED, NEARNESS = 1.8, 30.0
"""What is asked of at least one preset: times as fast as lossless, decibels to it."""


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
    """One way to make the clip: median seconds of its denoising, against lossless, and how near it comes (dB).

    `share` is how many blocks lossless runs for each that ran here.
    """

    name: str
    how: str
    seconds: float
    speed: float
    share: float
    psnr: float

    def __str__(self) -> str:
        near = "same" if self.psnr == float("inf") else f"{self.psnr:.1f} dB"
        return f"{self.name:16}{self.seconds:9.2f} s{self.speed:7.2f}x  1 in {self.share:5.2f}{near:>9}  {self.how}"


@dataclass(frozen=True)
class Made:
    """A clip, the median seconds of its denoising, how many blocks ran for it, and what was spared."""

    frames: np.ndarray
    seconds: float
    blocks: int
    how: str = ""

    def row(self, name: str, usual: "Made", how: str = "") -> Row:
        """Return its row beside the lossless one."""
        near = psnr(self.frames, usual.frames)
        return Row(
            name,
            how or self.how,
            self.seconds,
            usual.seconds / self.seconds,
            usual.blocks / self.blocks,
            near,
        )


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


class Bench:
    """The tiny backend over the network of a case, loaded, and the planned shot that is made again and again."""

    def __init__(self, case: Case, folder: Path):
        tiny.KINDS["moderate"] = replace(tiny.KINDS["wan"], parts=lambda: parts(case))
        self.folder, self.case = tiny.make("moderate", folder), case
        self.backend = Diffusers(str(self.folder))
        told = {"size": case.size, "num_frames": case.frames, "steps": case.steps}
        shot = Shot(prompt=WORDS, negative_prompt="blurry", seed=7, **told)
        self.shot = pipeline.plan(shot, self.backend).shot
        assert (self.shot.size, self.shot.num_frames) == (case.size, case.frames)
        # The first call of all is slower than those after it, and loads the network.
        self.backend.render(self.shot.model_copy(update={"steps": 2}), Progress())
        self.transformer = next(iter(SHELF._kept.values())).pipeline.transformer

    def made(self, preset: Quality = "lossless") -> Made:
        """Make the clip as often as is asked for."""
        shot, spent = self.shot.model_copy(update={"quality": preset}), []
        with counted(self.transformer) as blocks:
            for _ in range(self.case.rounds):
                progress = Progress()
                clip = self.backend.render(shot, progress)
                spent.append(progress.seconds_spent["denoise"])
        how = next((note for note in clip.record.notes if note.startswith("cache: ")), "")
        return Made(
            clip.frames,
            statistics.median(spent),
            len(blocks) // self.case.rounds,
            how.removeprefix("cache: "),
        )

    def cached(self, config: Any) -> Made:
        """Make the clip with a cache of diffusers as its configuration says."""
        self.transformer.enable_cache(config)
        try:
            return self.made()
        finally:
            self.transformer.disable_cache()

    def magnitudes(self) -> list[float]:
        """Return what MagCache has to know of a network: how its features grow and shrink on this shot."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self.cached(library().MagCacheConfig(calibrate=True, num_inference_steps=self.case.steps))
        found = RATIOS.search(said.getvalue())
        assert found is not None, "MagCache printed no ratios"
        return [float(ratio) for ratio in found[1].split(",")]

    def plain(self) -> Made:
        """Let diffusers make the clip by itself; the seconds are those from its first step to its last."""
        with quietly():
            loaded = library().WanPipeline.from_pretrained(self.folder)
            loaded.set_progress_bar_config(disable=True)
            with counted(loaded.transformer) as blocks:
                made = [plainly(loaded, self.shot) for _ in range(self.case.rounds)]
        seconds = statistics.median(seconds for _, seconds in made)
        return Made(made[0][0], seconds, len(blocks) // self.case.rounds)


@contextlib.contextmanager
def counted(transformer: Any) -> Iterator[list[int]]:
    """Yield a list that gets an item for every block that runs within."""
    ran: list[int] = []
    hooks = [block.attn1.register_forward_pre_hook(lambda *_: ran.append(1)) for block in transformer.blocks]
    try:
        yield ran
    finally:
        for hook in hooks:
            hook.remove()


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


def measured(bench: Bench) -> Iterator[Row]:
    """Yield a row for lossless, for every preset, for MagCache, for the frozen network and for plain diffusers."""
    usual, diffusers, steps = bench.made(), library(), bench.case.steps
    yield usual.row("lossless", usual, "every block in every step")
    for name, spared in caching.PRESETS.items():
        if spared is not None:
            yield bench.made(name).row(name, usual)
    config = diffusers.MagCacheConfig(mag_ratios=bench.magnitudes(), num_inference_steps=steps)
    yield bench.cached(config).row("(MagCache)", usual, "its own defaults, calibrated on this shot")
    yield bench.cached(diffusers.FirstBlockCacheConfig(1e9)).row(
        "(frozen)", usual, "all but the first block ran once"
    )
    yield bench.plain().row("plain diffusers", usual, "its own call")


def swept(bench: Bench) -> Iterator[Row]:
    """Yield a row for lossless and for every setting of the caches that the presets were chosen from."""
    usual = bench.made()
    yield usual.row("lossless", usual, "every block in every step")
    for name, how, config in settings(bench):
        yield bench.cached(config).row(name, usual, how)


def settings(bench: Bench) -> Iterator[tuple[str, str, Any]]:
    """Yield the caches of diffusers with a number of settings each: what it is called, how it is set, and that."""
    diffusers, steps = library(), bench.case.steps
    yield "(frozen)", "all but the first block ran once", diffusers.FirstBlockCacheConfig(1e9)
    for change, most in ((0.1, 1), (0.2, 1), (0.3, 1), (0.2, 2), (0.4, 2), (0.6, 3), (0.8, 4)):
        config = diffusers.SeaCacheConfig(threshold=change, max_consecutive_cached=most)
        yield "SeaCache", f"threshold {change}, at most {most} in a row", config
    for interval in (2, 3, 5):
        yield (
            "TaylorSeer",
            f"every {interval}",
            caching.extrapolating(interval, steps, library("torch").float32),
        )
    for threshold in (0.02, 0.03, 0.045, 0.06, 0.12):
        yield "first-block", f"threshold {threshold}", diffusers.FirstBlockCacheConfig(threshold)
    ratios = bench.magnitudes()
    for threshold, most in ((0.02, 1), (0.06, 3)):
        told = {
            "mag_ratios": ratios,
            "num_inference_steps": steps,
            "threshold": threshold,
            "max_skip_steps": most,
        }
        yield "MagCache", f"threshold {threshold}, at most {most} in a row", diffusers.MagCacheConfig(**told)


def verdict(rows: list[Row]) -> tuple[bool, str]:
    """Say whether a preset is as fast and as near to lossless as was asked for."""
    good = [
        row for row in rows if row.name in caching.PRESETS and row.speed >= SPEED and row.psnr >= NEARNESS
    ]
    good = [row for row in good if row.name != "lossless"]
    kept = "; ".join(f"{row.name}: {row.speed:.2f}x at {row.psnr:.1f} dB" for row in good)
    asked = f"asked: a preset of {SPEED:g}x at {NEARNESS:g} dB or more"
    return bool(good), f"{asked}: PASS ({kept})" if good else f"{asked}: FAIL"


def main(arguments: list[str] | None = None) -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="192x192")
    for name, usual in (("frames", 17), ("steps", 50), ("layers", 12), ("heads", 8), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument(
        "--sweep", action="store_true", help="other settings of the caches, in place of the presets"
    )
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args(arguments)
    width, _, height = told.size.partition("x")
    case = Case((int(width), int(height)), told.frames, told.steps, told.layers, told.heads, told.rounds)
    rows = []
    if not told.json:
        print(f"{case}; random weights, {library('torch').get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as folder:
        for row in (swept if told.sweep else measured)(Bench(case, Path(folder))):
            rows.append(row)
            if not told.json:
                print(row, flush=True)
    if told.json:
        print(json.dumps({"case": asdict(case), "rows": [asdict(row) for row in rows]}))
    elif not told.sweep:
        print(verdict(rows)[1])
    return rows


if __name__ == "__main__":
    found = main()
    sys.exit(0 if "--sweep" in sys.argv or verdict(found)[0] else 1)

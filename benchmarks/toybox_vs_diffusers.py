"""Toybox's denoising step and decoder beside diffusers' LTX-Video networks, and beside bare matrix products.

    pip install -c constraints.txt ".[train,bench]"
    python benchmarks/toybox_vs_diffusers.py [--rounds 7] [--threads 2] [--json]

Both sides have random weights and the same depth, width, heads, tokens, words and picture size, in float32 on the
CPU with the same number of threads; every round runs all of them in turn, and medians are compared. Ours run as they
ship, exported to ONNX Runtime; theirs run in torch, as diffusers does, and with the cheaper of their two kinds of time
embedding (one per clip, where ours has one per token).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

WORDS = 48
Run = Callable[[], object]
M = TypeVar("M")


@dataclass(frozen=True)
class Size:
    """The clip that both sides make: latent frames, latent rows and columns, and clips denoised at once."""

    groups: int = 5
    rows: int = 8
    columns: int = 8
    batch: int = 2

    @property
    def tokens(self) -> int:
        """Tokens of one clip."""
        return self.groups * self.rows * self.columns


@dataclass(frozen=True)
class Result:
    """Median milliseconds of each, and the work in the products of one step with weights."""

    step_ms: float
    int8_step_ms: float
    diffusers_step_ms: float
    products_ms: float
    decoder_ms: float
    diffusers_decoder_ms: float
    step_gflop: float

    def rows(self, steps: int, their_steps: int) -> list[tuple[str, str, str, str]]:
        """Return the table: what, ours, theirs, ratio."""
        ours = (steps * self.step_ms + self.decoder_ms) / 1000
        same = (steps * self.diffusers_step_ms + self.diffusers_decoder_ms) / 1000
        usual = (their_steps * self.diffusers_step_ms + self.diffusers_decoder_ms) / 1000
        rate, bare = self.step_gflop / self.step_ms * 1000, self.step_gflop / self.products_ms * 1000
        return [
            ("", "Toybox", "peer", "ratio"),
            ("denoising step, diffusers", *_both(self.step_ms, self.diffusers_step_ms, "ms")),
            ("the same with int8 products", *_both(self.int8_step_ms, self.diffusers_step_ms, "ms")),
            ("decoder, diffusers", *_both(self.decoder_ms, self.diffusers_decoder_ms, "ms")),
            (f"clip, {steps} steps each", *_both(ours, same, "s")),
            (f"clip, {steps} steps against {their_steps}", *_both(ours, usual, "s")),
            ("matrix products alone, GFLOP/s", f"{rate:.0f}", f"{bare:.0f}", f"{rate / bare:.0%}"),
        ]


def _both(ours: float, theirs: float, unit: str) -> tuple[str, str, str]:
    return f"{ours:.1f} {unit}", f"{theirs:.1f} {unit}", f"{theirs / ours:.2f}x"


def our_steps(size: Size, folder: Path, threads: int) -> tuple[Run, Run, list[tuple[int, int, int]]]:
    """Return our denoising step in float32 and with int8 products, and the shapes of its products with weights.

    A shape is (rows, inner, columns).
    """
    import torch
    from torch import nn

    from vitascope.nn.dit import Denoiser, DiTConfig
    from vitascope.runtime.export import export
    from vitascope.runtime.onnx import OnnxNetwork

    config = DiTConfig()
    module = awake(Denoiser(config))
    inputs = {
        "video": torch.randn(size.batch, size.tokens, config.latent_channels),
        "levels": torch.rand(size.batch, size.tokens),
        "base": torch.randn(size.batch, size.tokens, config.dim),
        "view": torch.randn(size.batch, size.tokens, config.modulation),
        "field": torch.randn(size.batch, size.tokens, config.latent_channels),
        "positions": torch.randn(size.tokens, 3),
        "states": torch.randn(size.batch, WORDS, config.text_dim),
        "mask": torch.ones(size.batch, WORDS, dtype=torch.bool),
    }
    shapes: list[tuple[int, int, int]] = []

    def note(layer: nn.Linear, given: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        shapes.append((given[0].numel() // layer.in_features, layer.in_features, layer.out_features))

    hooks = [each.register_forward_hook(note) for each in module.modules() if isinstance(each, nn.Linear)]
    with torch.inference_mode():
        module(*inputs.values())
    for hook in hooks:
        hook.remove()
    names, outputs = list(inputs), ["clean"]
    whole = export(module, inputs, names, outputs, {}, folder, "dit")
    int8 = export(
        module, inputs, names, outputs, {}, folder, "dit8", int8=["blocks.*.weight"], integer_products=True
    )
    first, second = OnnxNetwork(whole.graph, threads), OnnxNetwork(int8.graph, threads)
    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    return lambda: first(**arrays), lambda: second(**arrays), shapes


def our_decoder(size: Size, folder: Path, threads: int) -> Run:
    """Return our decoder at work on one clip."""
    import torch

    from vitascope.nn.video_vae import Decoder, VideoVAEConfig
    from vitascope.runtime.export import export
    from vitascope.runtime.onnx import OnnxNetwork

    config = VideoVAEConfig()
    module = awake(Decoder(config))
    latents = torch.randn(1, config.latent_channels, size.groups, size.rows, size.columns)
    deep, shallow = module.state(latents)
    inputs = {"latents": latents, "deep": deep, "shallow": shallow}
    outputs = ["frames", "deep_out", "shallow_out"]
    network = OnnxNetwork(export(module, inputs, list(inputs), outputs, {}, folder, "decoder").graph, threads)
    arrays = {name: tensor.numpy() for name, tensor in inputs.items()}
    return lambda: network(**arrays)


def their_step(size: Size) -> Run:
    """Return the denoising step of diffusers' LTX-Video transformer at our depth, width, heads and tokens."""
    import torch
    from diffusers import LTXVideoTransformer3DModel  # pyright: ignore[reportMissingImports]

    from vitascope.nn.dit import DiTConfig

    config = DiTConfig()
    model = LTXVideoTransformer3DModel(
        in_channels=config.latent_channels,
        out_channels=config.latent_channels,
        num_attention_heads=config.heads,
        attention_head_dim=config.dim // config.heads,
        cross_attention_dim=config.dim,
        num_layers=config.depth,
        caption_channels=config.text_dim,
    ).eval()
    inputs = {
        "hidden_states": torch.randn(size.batch, size.tokens, config.latent_channels),
        "encoder_hidden_states": torch.randn(size.batch, WORDS, config.text_dim),
        "timestep": torch.full((size.batch,), 500.0),
        "encoder_attention_mask": torch.ones(size.batch, WORDS),
        "num_frames": size.groups,
        "height": size.rows,
        "width": size.columns,
        "rope_interpolation_scale": (0.5, 16.0, 16.0),
    }
    return torch.inference_mode()(lambda: model(**inputs))


def their_decoder(size: Size) -> Run:
    """Return diffusers' LTX-Video decoder at our widths, depths and strides."""
    import torch
    from diffusers import AutoencoderKLLTXVideo  # pyright: ignore[reportMissingImports]

    from vitascope.nn.video_vae import VideoVAEConfig

    config = VideoVAEConfig()
    model = AutoencoderKLLTXVideo(
        latent_channels=config.latent_channels,
        block_out_channels=(32, 32, 32),
        down_block_types=("LTXVideoDownBlock3D",) * 3,
        downsample_type=("conv",) * 3,
        layers_per_block=(1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False),
        decoder_block_out_channels=config.decoder_widths,
        decoder_layers_per_block=(2, 2, 1, 2),
        decoder_spatio_temporal_scaling=(True, True, False),
        decoder_inject_noise=(False,) * 4,
        upsample_residual=(False,) * 3,
        upsample_factor=(1,) * 3,
    ).eval()
    latents = torch.randn(1, config.latent_channels, size.groups, size.rows, size.columns)
    with torch.inference_mode():
        frames = model.decode(latents).sample.shape
    assert frames == (1, 3, 4 * size.groups - 3, 16 * size.rows, 16 * size.columns), frames
    return torch.inference_mode()(lambda: model.decode(latents))


def bare_products(shapes: list[tuple[int, int, int]]) -> tuple[Run, Run]:
    """Return the matrix products of these shapes and nothing else, in NumPy and in torch."""
    import numpy as np
    import torch

    rng = np.random.default_rng(0)
    arrays = [(rng.standard_normal((n, k), "f"), rng.standard_normal((k, m), "f")) for n, k, m in shapes]
    tensors = [(torch.from_numpy(a), torch.from_numpy(b)) for a, b in arrays]
    return lambda: [a @ b for a, b in arrays], lambda: [a @ b for a, b in tensors]


def awake(module: M) -> M:
    """Give every weight a value, since layers that start at zero might be skipped."""
    import torch

    for parameter in module.parameters():  # pyright: ignore[reportAttributeAccessIssue]
        torch.nn.init.normal_(parameter, std=0.02)
    return module.eval()  # pyright: ignore[reportAttributeAccessIssue]


def medians(runs: Mapping[str, Run], rounds: int) -> dict[str, float]:
    """Run everything in turn, `rounds` times after one for warming up; return median milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if turn:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(each) for name, each in times.items()}


def measure(size: Size, rounds: int, threads: int) -> Result:
    """Build both sides and time them."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        step, int8_step, shapes = our_steps(size, Path(folder), threads)
        decoder = our_decoder(size, Path(folder), threads)
    in_numpy, in_torch = bare_products(shapes)
    runs = {
        "step": step,
        "int8 step": int8_step,
        "diffusers step": their_step(size),
        "numpy": in_numpy,
        "torch": in_torch,
    }
    runs |= {"decoder": decoder, "diffusers decoder": their_decoder(size)}
    took = medians(runs, rounds)
    return Result(
        step_ms=took["step"],
        int8_step_ms=took["int8 step"],
        diffusers_step_ms=took["diffusers step"],
        products_ms=min(took["numpy"], took["torch"]),
        decoder_ms=took["decoder"],
        diffusers_decoder_ms=took["diffusers decoder"],
        step_gflop=sum(2 * n * k * m for n, k, m in shapes) / 1e9,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="0: one per core")
    parser.add_argument("--steps", type=int, default=20, help="our steps per clip")
    parser.add_argument("--their-steps", type=int, default=50, help="what diffusers takes by default")
    parser.add_argument("--batch", type=int, default=2, help="2: with guidance")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.threads:
        # The libraries read these when they are first imported, which is only below.
        os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(options.threads))
    from vitascope.runtime.onnx import usable_cores

    threads = options.threads or usable_cores()
    try:
        result = measure(Size(batch=options.batch), options.rounds, threads)
    except ModuleNotFoundError as error:
        sys.exit(f'{error.name} is not installed: pip install -c constraints.txt ".[train,bench]"')
    rows = result.rows(options.steps, options.their_steps)
    if options.json:
        ratios = {name: ratio for name, _, _, ratio in rows[1:]}
        print(json.dumps(asdict(result) | {"threads": threads, "ratios": ratios}, indent=2))
        return
    print(f"{threads} threads, {options.batch} clips at once, median of {options.rounds} rounds")
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()

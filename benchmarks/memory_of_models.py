"""What the networks of the catalogue take of memory beside their weights, found without any weights.

    pip install -c constraints.txt ".[bench]"
    python benchmarks/memory_of_models.py [NAME ...]

Each network is built at its true width on torch's "meta" device, where tensors have shapes but no numbers, and run
once; every allocation and release is counted on the way. A transformer has two of its layers (what it works with does
not grow with depth). The figures go into `weights/catalogue/*.toml`: `token_kib` is the peak of one pass a token,
`decode_bytes` the peak of decoding a pixel of a frame, in the precision that each entry uses. Attention is taken to
make no matrix of tokens by tokens, which is so for every back end of `scaled_dot_product_attention` on a GPU.
"""

import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
import torch.fx.experimental._config
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

Kwargs = Mapping[str, Any]
diffusers.utils.logging.set_verbosity_error()


class Peak(TorchDispatchMode):
    """Counts the bytes of all storages that are made while it is on, and how many there were at most at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.most, self._seen = 0, 0, weakref.WeakSet[Any]()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count what it made."""
        made = function(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        size = storage.nbytes()
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._release, size)

    def _release(self, size: int) -> None:
        self.now -= size


class LeanAttention(TorchFunctionMode):
    """Stands in for attention that keeps nothing but its result."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Return an empty result for attention, and call everything else."""
        if function is torch.nn.functional.scaled_dot_product_attention:
            query, value = args[0] if args else kwargs["query"], args[2] if len(args) > 2 else kwargs["value"]
            return query.new_empty(*query.shape[:-1], value.shape[-1])
        return function(*args, **(kwargs or {}))


@contextmanager
def counted() -> Iterator[Peak]:
    """Count what the work inside takes."""
    torch.fx.experimental._config.meta_nonzero_assume_all_nonzero = True
    plain, torch.autocast = (
        torch.autocast,
        lambda *_, **__: nullcontext(),
    )  # which does not know the meta device
    try:
        with torch.no_grad(), torch.device("meta"), LeanAttention(), Peak() as peak:
            yield peak
    finally:
        torch.autocast = plain


@dataclass(frozen=True)
class Net:
    """One network: its class, its settings where they are not the class's own, and what it is called with."""

    kind: str
    settings: Kwargs
    call: Callable[[int, int, int], Kwargs]
    dtype: torch.dtype = torch.bfloat16
    layers: str = "num_layers"
    depth: int = 2

    def build(self, **more: object) -> torch.nn.Module:
        """Return the network on the meta device."""
        with torch.device("meta"):
            return getattr(diffusers, self.kind)(**{**self.settings, **more}).to(self.dtype).eval()

    def parameters(self) -> float:
        """Return its parameters in billions, at full depth."""
        return sum(parameter.numel() for parameter in self.build().parameters()) / 1e9


def empty(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    """Return a tensor without numbers."""
    return torch.empty(*shape, dtype=dtype, device="meta")


def when(batch: int = 1) -> torch.Tensor:
    """Return a time step."""
    return empty(batch, dtype=torch.int64)


def wan(frames: int, rows: int, columns: int, channels: int = 16) -> Kwargs:
    """Return what Wan's transformer is called with, for a grid of tokens."""
    latents = empty(1, channels, frames, 2 * rows, 2 * columns)
    return {"hidden_states": latents, "timestep": when(), "encoder_hidden_states": empty(1, 512, 4096)}


def vace(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what Wan VACE is called with."""
    control = empty(1, 96, frames, 2 * rows, 2 * columns)
    return {**wan(frames, rows, columns), "control_hidden_states": control}


def ltx(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what LTX-Video's transformer is called with."""
    words = {
        "encoder_hidden_states": empty(1, 128, 4096),
        "encoder_attention_mask": empty(1, 128, dtype=torch.int64),
    }
    tokens = empty(1, frames * rows * columns, 128)
    grid = {
        "num_frames": frames,
        "height": rows,
        "width": columns,
        "rope_interpolation_scale": (0.32, 32, 32),
    }
    return {"hidden_states": tokens, "timestep": when(), **words, **grid}


def ltx2(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what LTX-2's transformer is called with: picture and sound."""
    words = {
        "encoder_hidden_states": empty(1, 1024, 3840),
        "audio_encoder_hidden_states": empty(1, 1024, 3840),
    }
    tokens = {
        "hidden_states": empty(1, frames * rows * columns, 128),
        "audio_hidden_states": empty(1, 126, 128),
    }
    grid = {"num_frames": frames, "height": rows, "width": columns, "fps": 24.0, "audio_num_frames": 126}
    return {**tokens, **words, **grid, "timestep": when()}


def hunyuan(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what HunyuanVideo's transformer is called with."""
    words = {"encoder_hidden_states": empty(1, 256, 4096), "encoder_attention_mask": empty(1, 256)}
    pooled = {"pooled_projections": empty(1, 768), "guidance": empty(1)}
    return {
        "hidden_states": empty(1, 16, frames, 2 * rows, 2 * columns),
        "timestep": when(),
        **words,
        **pooled,
    }


def cogvideox(frames: int, rows: int, columns: int, dtype: torch.dtype = torch.bfloat16) -> Kwargs:
    """Return what CogVideoX's transformer is called with."""
    latents, words = (
        empty(1, frames, 16, 2 * rows, 2 * columns, dtype=dtype),
        empty(1, 226, 4096, dtype=dtype),
    )
    return {"hidden_states": latents, "timestep": when(), "encoder_hidden_states": words}


def cogvideox_rope(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what the larger CogVideoX is called with."""
    rope = empty(frames * rows * columns, 64, dtype=torch.float32)
    return {**cogvideox(frames, rows, columns), "image_rotary_emb": (rope, rope)}


def mochi(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what Mochi's transformer is called with."""
    words = {
        "encoder_hidden_states": empty(1, 256, 4096),
        "encoder_attention_mask": empty(1, 256, dtype=torch.bool),
    }
    return {"hidden_states": empty(1, 12, frames, 2 * rows, 2 * columns), "timestep": when(), **words}


def kandinsky5(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what Kandinsky 5's transformer is called with."""
    places = [torch.arange(side) for side in (frames, rows, columns)]
    words = {"encoder_hidden_states": empty(1, 256, 3584), "pooled_projections": empty(1, 768)}
    where = {"visual_rope_pos": places, "text_rope_pos": torch.arange(256)}
    return {
        "hidden_states": empty(1, frames, 2 * rows, 2 * columns, 33),
        "timestep": when(),
        **words,
        **where,
    }


def cosmos(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what Cosmos 2.5's transformer is called with."""
    latents, mask = empty(1, 17, frames, 2 * rows, 2 * columns), empty(1, 1, frames, 2 * rows, 2 * columns)
    words = {
        "encoder_hidden_states": empty(1, 512, 100352),
        "padding_mask": empty(1, 1, 16 * rows, 16 * columns),
    }
    return {"hidden_states": latents, "condition_mask": mask, "timestep": empty(1), **words}


def sana(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what SANA-Video's transformer is called with."""
    words = {"encoder_hidden_states": empty(1, 300, 2304), "encoder_attention_mask": empty(1, 300)}
    return {"hidden_states": empty(1, 16, frames, 2 * rows, 2 * columns), "timestep": when(), **words}


def allegro(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what Allegro's transformer is called with."""
    latents = empty(1, 4, frames, 2 * rows, 2 * columns)
    words = {"encoder_hidden_states": empty(1, 512, 4096), "encoder_attention_mask": empty(1, 512)}
    rope = tuple((empty(side, 32, dtype=F32), empty(side, 32, dtype=F32)) for side in (frames, rows, columns))
    places = tuple(empty(1, frames * rows * columns, dtype=torch.int64) for _ in range(3))
    mask = {"attention_mask": empty(1, frames, 2 * rows, 2 * columns)}
    return {
        "hidden_states": latents,
        "timestep": when(),
        **words,
        **mask,
        "image_rotary_emb": (rope, places),
    }


def animatediff(frames: int, rows: int, columns: int) -> Kwargs:
    """Return what AnimateDiff's network is called with."""
    words = {"encoder_hidden_states": empty(frames, 77, 768, dtype=F16)}
    return {"sample": empty(1, 4, frames, rows, columns, dtype=F16), "timestep": when(), **words}


F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
WAN_1B = {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}
WAN_5B = {
    "num_attention_heads": 24,
    "ffn_dim": 14336,
    "num_layers": 30,
    "in_channels": 48,
    "out_channels": 48,
}
VACE_1B = {**WAN_1B, "vace_layers": list(range(0, 30, 2))}
LTX_13B = {
    "num_attention_heads": 32,
    "attention_head_dim": 128,
    "cross_attention_dim": 4096,
    "num_layers": 48,
}
COG_5B = {"num_attention_heads": 48, "num_layers": 42, "use_rotary_positional_embeddings": True}
K5 = {"in_visual_dim": 16, "out_visual_dim": 16, "visual_cond": True}
K5_LITE = {**K5, "model_dim": 1792, "ff_dim": 7168, "time_dim": 512}
K5_PRO = {
    **K5,
    "model_dim": 4096,
    "ff_dim": 16384,
    "time_dim": 1024,
    "num_text_blocks": 4,
    "num_visual_blocks": 60,
}
COSMOS = {
    "in_channels": 18, "concat_padding_mask": False, "extra_pos_embed_type": None,
    "use_crossattn_projection": True, "rope_scale": (1.0, 3.0, 3.0),
    "crossattn_proj_in_channels": 100352, "encoder_hidden_states_channels": 1024,
}  # fmt: skip
COSMOS_2B, COSMOS_14B = (
    {**COSMOS, "num_attention_heads": 16},
    {**COSMOS, "num_attention_heads": 40, "num_layers": 36},
)

TRANSFORMERS = {
    "wan-1.3b": Net("WanTransformer3DModel", WAN_1B, wan),
    "wan-5b": Net("WanTransformer3DModel", WAN_5B, lambda *grid: wan(*grid, channels=48)),
    "wan-14b": Net("WanTransformer3DModel", {}, wan),
    "wan-vace-1.3b": Net("WanVACETransformer3DModel", VACE_1B, vace),
    "wan-vace-14b": Net("WanVACETransformer3DModel", {}, vace),
    "ltx-2b": Net("LTXVideoTransformer3DModel", {}, ltx),
    "ltx-13b": Net("LTXVideoTransformer3DModel", LTX_13B, ltx),
    "ltx-2": Net("LTX2VideoTransformer3DModel", {}, ltx2),
    "hunyuan": Net("HunyuanVideoTransformer3DModel", {}, hunyuan),
    "cog-2b": Net(
        "CogVideoXTransformer3DModel", {}, lambda *grid: cogvideox(*grid, dtype=F16), torch.float16
    ),
    "cog-5b": Net("CogVideoXTransformer3DModel", COG_5B, cogvideox_rope),
    "mochi": Net("MochiTransformer3DModel", {}, mochi),
    "k5-lite": Net("Kandinsky5Transformer3DModel", K5_LITE, kandinsky5, layers="num_visual_blocks"),
    "k5-pro": Net("Kandinsky5Transformer3DModel", K5_PRO, kandinsky5, layers="num_visual_blocks"),
    "cosmos-2b": Net("CosmosTransformer3DModel", COSMOS_2B, cosmos),
    "cosmos-14b": Net("CosmosTransformer3DModel", COSMOS_14B, cosmos),
    "sana": Net("SanaVideoTransformer3DModel", {}, sana),
    "allegro": Net("AllegroTransformer3DModel", {}, allegro),
    "animatediff": Net("UNetMotionModel", {"cross_attention_dim": 768}, animatediff, F16, layers=""),
}
GRIDS = {
    "cog-2b": (13, 30, 45),
    "cog-5b": (13, 30, 45),
    "allegro": (22, 45, 80),
    "svd": (25, 72, 128),
    "animatediff": (16, 64, 64),
}
"""Grids of tokens for transformers that are picky; all others get `GRID`."""
GRID = (21, 30, 52)


def decoder(kind: str, channels: int, time: int, space: int, dtype: torch.dtype, **settings: object) -> tuple:
    """Return one line of the table of decoders: the network, frames and pixels of a latent, and its channels."""
    return Net(kind, settings, lambda *_: {}, dtype), time, space, channels


WAN_22 = {
    "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "is_residual": True, "in_channels": 12, "out_channels": 12,
    "patch_size": 2, "scale_factor_spatial": 16, "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
}  # fmt: skip
LTX_095 = {
    "block_out_channels": (128, 256, 512, 1024, 2048), "decoder_block_out_channels": (256, 512, 1024),
    "layers_per_block": (4, 6, 6, 2, 2), "decoder_layers_per_block": (5, 5, 5, 5), "decoder_causal": False,
    "spatio_temporal_scaling": (True, True, True, True), "decoder_spatio_temporal_scaling": (True, True, True),
    "decoder_inject_noise": (False, False, False, False), "upsample_residual": (True, True, True),
    "upsample_factor": (2, 2, 2), "timestep_conditioning": True,
    "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
}  # fmt: skip
DECODERS = {
    "wan": decoder("AutoencoderKLWan", 16, 4, 8, F32),
    "wan-2.2-5b": decoder("AutoencoderKLWan", 48, 4, 16, F32, **WAN_22),
    "ltx": decoder("AutoencoderKLLTXVideo", 128, 8, 32, BF16, **LTX_095),
    "ltx-2": decoder("AutoencoderKLLTX2Video", 128, 8, 32, BF16),
    "hunyuan": decoder("AutoencoderKLHunyuanVideo", 16, 4, 8, F16),
    "hunyuan-1.5": decoder("AutoencoderKLHunyuanVideo15", 32, 4, 16, F16),
    "cogvideox": decoder("AutoencoderKLCogVideoX", 16, 4, 8, BF16),
    "mochi": decoder("AutoencoderKLMochi", 12, 6, 8, BF16),
    "kandinsky-6": decoder("AutoencoderKLKVAEVideo", 16, 4, 8, BF16),
}


def work_per_token(net: Net, grid: tuple[int, int, int]) -> float:
    """Return the KiB that one pass of a transformer takes at its peak, a token."""
    network, call = net.build(**shallow(net)), net.call(*grid)
    with counted() as peak:
        network(**call)
    return peak.most / (grid[0] * grid[1] * grid[2]) / 1024


def shallow(net: Net) -> Kwargs:
    """Return what else makes a network of few layers."""
    more: dict[str, object] = {net.layers: net.depth} if net.layers else {}
    if "Hunyuan" in net.kind:
        more["num_single_layers"] = net.depth
    return {**more, "vace_layers": [0, 1]} if "VACE" in net.kind else more


def work_per_pixel(net: Net, time: int, space: int, channels: int) -> tuple[float, float]:
    """Return the bytes that decoding takes at its peak: a pixel whatever the length, and more a pixel of a frame."""
    network, peaks = net.build(), []
    if hasattr(network, "use_framewise_decoding"):
        network.use_framewise_decoding = False
    lengths = (6, 12)
    more = {"temb": torch.empty(1, device="meta")} if net.settings.get("timestep_conditioning") else {}
    for latents in lengths:
        code = empty(1, channels, latents, 256 // space, 256 // space, dtype=net.dtype)
        with counted() as peak:
            network.decode(code, **more)
        peaks.append(peak.most / 256**2)
    each = (peaks[1] - peaks[0]) / (time * (lengths[1] - lengths[0]))
    return peaks[0] - each * (1 + time * (lengths[0] - 1)), each


def main(names: list[str]) -> None:
    """Print the table, or the lines of it that are named."""
    for name, net in TRANSFORMERS.items():
        if not names or name in names:
            kib = work_per_token(net, GRIDS.get(name, GRID))
            print(f"transformer {name:14} {net.parameters():6.2f} B parameters {kib:8.1f} KiB a token")
    for name, (net, *strides) in DECODERS.items():
        if not names or name in names:
            still, each = work_per_pixel(net, *strides)
            size = net.parameters()
            print(
                f"decoder     {name:14} {size:6.2f} B parameters {still:8.0f} bytes a pixel + {each:6.0f} a frame"
            )


if __name__ == "__main__":
    main(sys.argv[1:])

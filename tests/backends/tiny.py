"""Tiny checkpoints of the real pipeline classes: random weights in the real folder layout, nothing downloaded.

`python -m tests.backends.tiny FOLDER [KIND …]` writes them for use from the command line, as in
`vitascope generate "a cat" --model FOLDER/wan -o cat.mp4`. Each folder has a `vitascope.json` beside its index: the
catalogue's entry for its class, with defaults as small as the weights.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from vitascope.backends.diffusers.optional_imports import library, quietly
from vitascope.planning.rules import SizeRule
from vitascope.weights.catalogue import Entry, Task, catalogue

Parts = dict[str, Any]


@dataclass(frozen=True)
class Tiny:
    """What one tiny checkpoint is: its pipeline class, what makes its parts, and the small clip that it makes."""

    pipeline: str
    parts: Callable[[], Parts]
    num_frames: int = 9
    size: tuple[int, int] = (32, 32)
    tasks: tuple[Task, ...] = ("text",)
    fixed: dict[str, bool | int | float | str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    """What the pipeline's constructor takes beside its parts."""
    modular: bool = False


def make(kind: str, home: Path) -> Path:
    """Write the tiny checkpoint of a kind below `home` and return its folder; one that is there is left alone."""
    folder, tiny = home / kind, KINDS[kind]
    if not (folder / "vitascope.json").is_file():
        with quietly():
            _save(tiny, folder)
        (folder / "vitascope.json").write_text(entry(kind).model_dump_json(indent=1), "utf-8")
    return folder


def _save(tiny: Tiny, folder: Path) -> None:
    diffusers = library()
    library("torch").manual_seed(0)
    if tiny.modular:
        pipeline = getattr(diffusers, tiny.pipeline)()
        pipeline.update_components(**tiny.parts())
        pipeline.save_pretrained(str(folder), overwrite_modular_index=True)
        return
    with unguarded():
        pipeline = getattr(diffusers, tiny.pipeline)(**tiny.parts(), **tiny.options)
    if hasattr(pipeline, "safety_checker"):
        pipeline.register_modules(safety_checker=None)
    pipeline.save_pretrained(folder)


class _Guardrail:
    """Stands in for the guardrail of Cosmos, a package with weights of its own, and lets all pass."""

    def to(self, *_: Any) -> None:
        pass

    def check_text_safety(self, words: str) -> bool:
        return True

    def check_video_safety(self, frames: Any) -> Any:
        return frames


@contextmanager
def unguarded() -> Iterator[None]:
    """Let a tiny Cosmos, whose noise nobody needs to be kept from, do without its guardrail within.

    Where there is no torchvision, of which it takes one function, it does without that too.
    """
    home = library("diffusers.pipelines.cosmos.pipeline_cosmos2_5_predict")
    network = library("diffusers.models.transformers.transformer_cosmos")
    usual, home.CosmosSafetyChecker = home.CosmosSafetyChecker, _Guardrail
    bare = not hasattr(network, "transforms")
    if bare:
        network.transforms = _nearest()
    try:
        yield
    finally:
        home.CosmosSafetyChecker = usual
        if bare:
            del network.transforms


def _nearest() -> Any:
    interpolate = library("torch").nn.functional.interpolate
    resize = SimpleNamespace(
        resize=lambda mask, size, interpolation: interpolate(mask, size, mode=interpolation)
    )
    return SimpleNamespace(functional=resize, InterpolationMode=SimpleNamespace(NEAREST="nearest"))


def entry(kind: str) -> Entry:
    """Return the catalogue's entry for the class of a kind, made small."""
    tiny = KINDS[kind]
    task = tiny.tasks[0]
    # The catalogue has no modular pipeline for what a modular Wan can do, so that one is called as the plain one is.
    like = "WanPipeline" if tiny.modular else tiny.pipeline
    known = next(known for known in catalogue().values() if known.pipelines.get(task) == like)
    rule = SizeRule(multiple=min(known.size.multiple, 32), default=tiny.size, most_pixels=1 << 20)
    return known.model_copy(
        update={
            "id": f"tiny-{kind}",
            "title": f"tiny {kind}, random weights",
            "repository": f"tiny/{kind}",
            "revision": "0",
            "repositories": {},
            "parts": (),
            "pipelines": dict.fromkeys(tiny.tasks, tiny.pipeline),
            "task_arguments": {t: names for t, names in known.task_arguments.items() if t in tiny.tasks},
            "arguments": {**known.arguments, **tiny.arguments},
            "fixed": {**known.fixed, **tiny.fixed},
            "frames": known.frames.model_copy(update={"default": tiny.num_frames, "choices": ()}),
            "size": rule,
            "steps": 2,
            "dtype": "float32",
            "decoder_dtype": "float32",
            "gated": False,
            "needs": (),
            "modular": tiny.modular,
        }
    )


# The parts: each function makes one, small and random.


def _byt5() -> Parts:
    from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=384, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_decoder_layers=0, num_heads=4
    )
    return {"tokenizer": ByT5Tokenizer(), "text_encoder": T5EncoderModel(config).eval()}


def _umt5() -> Parts:
    from transformers import ByT5Tokenizer, UMT5Config, UMT5EncoderModel

    config = UMT5Config(vocab_size=384, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    return {"tokenizer": ByT5Tokenizer(), "text_encoder": UMT5EncoderModel(config).eval()}


def _bytes(*special: str, suffixes: tuple[str, ...] = ("",)) -> dict[str, int]:
    """Return a vocabulary of special words and of every byte as byte-level tokenizers write it."""
    from tokenizers.pre_tokenizers import ByteLevel

    words = [*special, *(byte + suffix for suffix in suffixes for byte in sorted(ByteLevel.alphabet()))]
    return {word: number for number, word in enumerate(words)}


def _clip() -> Parts:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    vocabulary = _bytes("<|startoftext|>", "<|endoftext|>", suffixes=("", "</w>"))
    config = CLIPTextConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=37, num_attention_heads=4,
        num_hidden_layers=2, projection_dim=32, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)
    return {"tokenizer": tokenizer, "text_encoder": CLIPTextModel(config).eval()}


def _gemma_tokenizer() -> Any:
    from transformers import GemmaTokenizer

    words = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    return GemmaTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[])


_GEMMA = {
    "vocab_size": 261, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
}  # fmt: skip


def _gemma2() -> Parts:
    from transformers import Gemma2Config, Gemma2Model

    config = Gemma2Config(**_GEMMA, max_position_embeddings=8192)
    return {"tokenizer": _gemma_tokenizer(), "text_encoder": Gemma2Model(config).eval()}


def _gemma3() -> Parts:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 16,
    }  # fmt: skip
    config = Gemma3Config(
        text_config={**_GEMMA, "hidden_size": 32},
        vision_config=vision,
        mm_tokens_per_image=4,
        image_token_index=4,
    )
    return {"tokenizer": _gemma_tokenizer(), "text_encoder": Gemma3ForConditionalGeneration(config).eval()}


TEMPLATE = """{% for message in messages %}{% set said = message['content'] %}{% if said is string %}{{ said }}
{% else %}{% for part in said %}{{ part['text'] }}{% endfor %}
{% endif %}{% endfor %}"""


def _qwen() -> Parts:
    from transformers import Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel, Qwen2Tokenizer

    vocabulary = _bytes("<|endoftext|>")
    rope = {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [1, 1, 2]}
    config = Qwen2_5_VLTextConfig(
        vocab_size=len(vocabulary), hidden_size=16, intermediate_size=16, num_hidden_layers=4,
        num_attention_heads=2, num_key_value_heads=2, rope_parameters=rope,
        bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[])
    tokenizer.chat_template = TEMPLATE
    return {"tokenizer": tokenizer, "text_encoder": Qwen2_5_VLTextModel(config).eval()}


def _euler(**settings: Any) -> Any:
    return library().FlowMatchEulerDiscreteScheduler(**settings)


def _unipc(shift: float) -> Any:
    return library().UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift
    )


def _wan_vae() -> Any:
    return library().AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )


_WAN = {
    "patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 16, "in_channels": 16, "out_channels": 16,
    "text_dim": 32, "freq_dim": 256, "ffn_dim": 32, "num_layers": 2, "cross_attn_norm": True,
    "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 32,
}  # fmt: skip


def _wan(**changes: Any) -> Parts:
    transformer = library().WanTransformer3DModel(**{**_WAN, **changes})
    return {**_umt5(), "vae": _wan_vae(), "transformer": transformer, "scheduler": _unipc(3.0)}


def _wan_image() -> Parts:
    return {**_wan(in_channels=36), "image_encoder": None, "image_processor": None}


def _wan_experts() -> Parts:
    return {**_wan(), "transformer_2": library().WanTransformer3DModel(**_WAN)}


def _wan_vace() -> Parts:
    changes = {"num_layers": 3, "vace_layers": [0, 2], "vace_in_channels": 96}
    return {**_wan(), "transformer": library().WanVACETransformer3DModel(**{**_WAN, **changes})}


def _wan_animate() -> Parts:
    from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModel

    motion = {
        "motion_encoder_channel_sizes": {"4": 8, "8": 8, "16": 8}, "motion_encoder_size": 16, "motion_style_dim": 8,
        "motion_dim": 4, "motion_encoder_dim": 8, "face_encoder_hidden_dim": 8, "face_encoder_num_heads": 2,
        "inject_face_latents_blocks": 2,
    }  # fmt: skip
    eye = CLIPVisionConfig(
        hidden_size=8, projection_dim=8, num_hidden_layers=2, num_attention_heads=2, image_size=8,
        intermediate_size=16, patch_size=4,
    )  # fmt: skip
    changes = {"in_channels": 36, "image_dim": 8, **motion}
    return {
        **_wan(), "transformer": library().WanAnimateTransformer3DModel(**{**_WAN, **changes}),
        "image_encoder": CLIPVisionModel(eye).eval(), "image_processor": CLIPImageProcessorPil(crop_size=8, size=8),
    }  # fmt: skip


def _wan_modular() -> Parts:
    return {**_wan(), "guider": library().ClassifierFreeGuidance(guidance_scale=5.0)}


def _skyreels() -> Parts:
    transformer = library().SkyReelsV2Transformer3DModel(**_WAN)
    return {**_wan(), "transformer": transformer, "scheduler": _unipc(8.0)}


def _sana() -> Parts:
    diffusers = library()
    transformer = diffusers.SanaVideoTransformer3DModel(
        in_channels=16, out_channels=16, num_attention_heads=2, attention_head_dim=12, num_layers=2,
        num_cross_attention_heads=2, cross_attention_head_dim=12, cross_attention_dim=24, caption_channels=16,
        mlp_ratio=2.5, sample_size=8, patch_size=(1, 2, 2), qk_norm="rms_norm_across_heads", rope_max_seq_len=32,
    )  # fmt: skip
    scheduler = diffusers.DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True)
    return {**_gemma2(), "vae": _wan_vae(), "transformer": transformer, "scheduler": scheduler}


def _ltx() -> Parts:
    diffusers = library()
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=4, attention_head_dim=8, cross_attention_dim=32,
        num_layers=1, caption_channels=32,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False), decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        patch_size=1, patch_size_t=1,
    )  # fmt: skip
    return {**_byt5(), "vae": vae, "transformer": transformer, "scheduler": _euler()}


def _ltx2() -> Parts:
    from diffusers.pipelines.ltx2 import LTX2TextConnectors
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

    diffusers = library()
    transformer = diffusers.LTX2VideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
        audio_in_channels=4, audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4,
        audio_cross_attention_dim=8, num_layers=2, caption_channels=32, rope_double_precision=False, rope_type="split",
    )  # fmt: skip
    side = {
        "num_attention_heads": 4,
        "attention_head_dim": 8,
        "num_layers": 1,
        "num_learnable_registers": None,
    }
    connectors = LTX2TextConnectors(
        caption_channels=32, text_proj_in_factor=3, connector_rope_base_seq_len=32, rope_double_precision=False,
        causal_temporal_positioning=False, rope_type="split",
        **{f"{kind}_connector_{name}": value for kind in ("video", "audio") for name, value in side.items()},
    )  # fmt: skip
    vae = diffusers.AutoencoderKLLTX2Video(
        latent_channels=4, block_out_channels=(8,), decoder_block_out_channels=(8,), layers_per_block=(1,),
        decoder_layers_per_block=(1, 1), spatio_temporal_scaling=(True,), decoder_spatio_temporal_scaling=(True,),
        decoder_inject_noise=(False, False), downsample_type=("spatial",), upsample_residual=(False,),
        upsample_factor=(1,), timestep_conditioning=False, patch_size=1, patch_size_t=1,
    )  # fmt: skip
    hearing = diffusers.AutoencoderKLLTX2Audio(
        base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1, attn_resolutions=None, in_channels=2,
        resolution=32, latent_channels=2, causality_axis="height", sample_rate=16000, mel_hop_length=160, mel_bins=8,
    )  # fmt: skip
    vocoder = LTX2Vocoder(
        in_channels=16, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[4, 4], upsample_factors=[2, 2],
        resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], output_sampling_rate=16000,
    )  # fmt: skip
    parts = {"vae": vae, "audio_vae": hearing, "connectors": connectors, "vocoder": vocoder}
    return {**_gemma3(), **parts, "transformer": transformer, "scheduler": _euler()}


def _hunyuan15() -> Parts:
    from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

    diffusers = library()
    transformer = diffusers.HunyuanVideo15Transformer3DModel(
        in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=1, num_refiner_layers=1,
        mlp_ratio=2.0, patch_size=1, patch_size_t=1, text_embed_dim=16, text_embed_2_dim=32, image_embed_dim=12,
        rope_axes_dim=(2, 2, 4), target_size=16, task_type="t2v",
    )  # fmt: skip
    vae = diffusers.AutoencoderKLHunyuanVideo15(
        latent_channels=4, block_out_channels=(16, 16), layers_per_block=1, spatial_compression_ratio=4,
        temporal_compression_ratio=2, downsample_match_channel=False, upsample_match_channel=False,
    )  # fmt: skip
    glyphs = T5Config(
        vocab_size=384, d_model=32, d_kv=8, d_ff=37, num_layers=1, num_decoder_layers=0, num_heads=4
    )
    second = {"tokenizer_2": ByT5Tokenizer(), "text_encoder_2": T5EncoderModel(glyphs).eval()}
    guider = diffusers.ClassifierFreeGuidance(guidance_scale=6.0)
    parts = {"vae": vae, "transformer": transformer, "scheduler": _euler(shift=7.0), "guider": guider}
    return {**_qwen(), **second, **parts}


def _cogvideox(in_channels: int = 4) -> Parts:
    diffusers = library()
    transformer = diffusers.CogVideoXTransformer3DModel(
        num_attention_heads=4, attention_head_dim=8, in_channels=in_channels, out_channels=4, time_embed_dim=2,
        text_embed_dim=32, num_layers=1, sample_width=4, sample_height=4, sample_frames=9, max_text_seq_length=226,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
    )  # fmt: skip
    return {
        **_byt5(),
        "vae": vae,
        "transformer": transformer,
        "scheduler": diffusers.CogVideoXDDIMScheduler(),
    }


def _mochi() -> Parts:
    diffusers = library()
    transformer = diffusers.MochiTransformer3DModel(
        num_attention_heads=2, attention_head_dim=8, num_layers=2, pooled_projection_dim=16, in_channels=12,
        text_embed_dim=32, time_embed_dim=4, max_sequence_length=256,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLMochi(
        latent_channels=12, encoder_block_out_channels=(32,) * 4, decoder_block_out_channels=(32,) * 4,
        layers_per_block=(1,) * 5,
    )  # fmt: skip
    return {**_byt5(), "vae": vae, "transformer": transformer, "scheduler": _euler()}


def _allegro() -> Parts:
    from transformers import ByT5Tokenizer, T5Config, T5EncoderModel

    diffusers = library()
    text = T5Config(
        vocab_size=384, d_model=24, d_kv=8, d_ff=37, num_layers=2, num_decoder_layers=0, num_heads=4
    )
    transformer = diffusers.AllegroTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, num_layers=1,
        cross_attention_dim=24, sample_width=16, sample_height=16, sample_frames=24, caption_channels=24,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLAllegro(
        down_block_types=("AllegroDownBlock3D",) * 4, up_block_types=("AllegroUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
        sample_size=128,  # a tile; its decoder makes nothing of what is smaller
    )  # fmt: skip
    return {
        "tokenizer": ByT5Tokenizer(), "text_encoder": T5EncoderModel(text).eval(), "vae": vae,
        "transformer": transformer, "scheduler": diffusers.DDIMScheduler(),
    }  # fmt: skip


def _animatediff() -> Parts:
    diffusers = library()
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=4, out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, norm_num_groups=2,
    )  # fmt: skip
    motion = diffusers.MotionAdapter(
        block_out_channels=(32, 64),
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=4,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=[32, 64], down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2, latent_channels=4,
    )  # fmt: skip
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False
    )
    return {**_clip(), "unet": unet, "motion_adapter": motion, "vae": vae, "scheduler": scheduler}


def _second(parts: Parts) -> Parts:
    """Return a text encoder and its tokenizer as the second ones of a pipeline."""
    return {f"{name}_2": part for name, part in parts.items()}


def _hunyuan_vae() -> Any:
    return library().AutoencoderKLHunyuanVideo(
        latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4,
        down_block_types=("HunyuanVideoDownBlock3D",) * 4, up_block_types=("HunyuanVideoUpBlock3D",) * 4,
    )  # fmt: skip


def _hunyuan() -> Parts:
    from transformers import LlamaConfig, LlamaModel

    llama = LlamaConfig(
        vocab_size=261, hidden_size=16, intermediate_size=37, num_attention_heads=4, num_hidden_layers=3,
        pad_token_id=0, bos_token_id=2, eos_token_id=1,
    )  # fmt: skip
    transformer = library().HunyuanVideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=10, num_layers=1, num_single_layers=1,
        num_refiner_layers=1, patch_size=1, patch_size_t=1, guidance_embeds=True, text_embed_dim=16,
        pooled_projection_dim=32, rope_axes_dim=(2, 4, 4),
    )  # fmt: skip
    words = {"tokenizer": _gemma_tokenizer(), "text_encoder": LlamaModel(llama).eval(), **_second(_clip())}
    return {**words, "vae": _hunyuan_vae(), "transformer": transformer, "scheduler": _euler(shift=7.0)}


def _kandinsky5(seen: bool = False) -> Parts:
    transformer = library().Kandinsky5Transformer3DModel(
        in_visual_dim=4, out_visual_dim=4, in_text_dim=16, in_text_dim2=32, time_dim=32, patch_size=(1, 2, 2),
        model_dim=48, ff_dim=64, num_text_blocks=1, num_visual_blocks=2, axes_dims=(8, 8, 8), visual_cond=seen,
    )  # fmt: skip
    parts = {"vae": _hunyuan_vae(), "transformer": transformer, "scheduler": _euler(shift=7.0)}
    return {**_qwen(), **_second(_clip()), **parts}


def _kandinsky6() -> Parts:
    diffusers = library()
    transformer = diffusers.Kandinsky6Transformer3DModel(
        in_visual_dim=4, out_visual_dim=4, in_text_dim=16, in_text_dim2=32, time_dim=16, patch_size=(1, 2, 2),
        model_dim=12, ff_dim=24, num_text_blocks=1, num_visual_blocks=2, axes_dims=(2, 1, 1), visual_cond=True,
        in_audio_dim=4, out_audio_dim=4, visual_token_type_num_embeddings=2,
    )  # fmt: skip
    hearing = diffusers.MMAudioVAE(
        mel_bins=8, latent_channels=4, hidden_channels=8, channel_multipliers=(1, 2), layers_per_block=1,
        sample_rate=64, n_fft=16, hop_length=4,
    )  # fmt: skip
    vocoder = diffusers.MMAudioVocoder(
        num_mels=8, upsample_initial_channel=8, upsample_rates=(2, 2), upsample_kernel_sizes=(4, 4),
        resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3),),
    )  # fmt: skip
    parts = {"vae": _hunyuan_vae(), "audio_vae": hearing, "vocoder": vocoder, "scheduler": _euler(shift=7.0)}
    return {**_qwen(), **_second(_clip()), **parts, "transformer": transformer}


def _cosmos() -> Parts:
    transformer = library().CosmosTransformer3DModel(
        in_channels=17, out_channels=16, num_attention_heads=2, attention_head_dim=16, num_layers=2, mlp_ratio=2,
        text_embed_dim=64, adaln_lora_dim=4, max_size=(8, 32, 32), patch_size=(1, 2, 2), rope_scale=(2.0, 1.0, 1.0),
        concat_padding_mask=True, extra_pos_embed_type="learnable",
    )  # fmt: skip
    return {**_qwen(), "vae": _wan_vae(), "transformer": transformer, "scheduler": _unipc(5.0)}


def _helios() -> Parts:
    diffusers = library()
    transformer = diffusers.HeliosTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=256, ffn_dim=32, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        rope_dim=(4, 4, 4), has_multi_term_memory_patch=True, guidance_cross_attn=True, zero_history_timestep=True,
        is_amplify_history=False,
    )  # fmt: skip
    scheduler = diffusers.HeliosScheduler(stage_range=[0, 1], stages=1, use_dynamic_shifting=True)
    return {**_umt5(), "vae": _wan_vae(), "transformer": transformer, "scheduler": scheduler}


def _svd() -> Parts:
    from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

    diffusers = library()
    unet = diffusers.UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=8, out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"), cross_attention_dim=32,
        num_attention_heads=8, projection_class_embeddings_input_dim=96, addition_time_embed_dim=32,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLTemporalDecoder(
        block_out_channels=[32, 64], down_block_types=["DownEncoderBlock2D"] * 2, latent_channels=4
    )
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        sigma_max=700.0, sigma_min=0.002, steps_offset=1, timestep_spacing="leading", timestep_type="continuous",
        use_karras_sigmas=True,
    )  # fmt: skip
    eye = CLIPVisionConfig(
        hidden_size=32, projection_dim=32, num_hidden_layers=2, num_attention_heads=4, image_size=224,
        intermediate_size=37, patch_size=56,
    )  # fmt: skip
    seeing = {
        "image_encoder": CLIPVisionModelWithProjection(eye).eval(),
        "feature_extractor": CLIPImageProcessorPil(crop_size=32, size=32),
    }
    return {**seeing, "unet": unet, "vae": vae, "scheduler": scheduler}


PLAIN = {"stg_scale": 0.0, "audio_stg_scale": 0.0}

KINDS = {
    "wan": Tiny("WanPipeline", _wan),
    "wan-experts": Tiny("WanPipeline", _wan_experts, options={"boundary_ratio": 0.875}),
    "wan-image": Tiny("WanImageToVideoPipeline", _wan_image, tasks=("image", "first-last")),
    "wan-vace": Tiny("WanVACEPipeline", _wan_vace, tasks=("inpaint", "reference", "extend", "image")),
    "wan-video": Tiny("WanVideoToVideoPipeline", _wan, tasks=("source",)),
    "wan-animate": Tiny(
        "WanAnimatePipeline", _wan_animate, tasks=("motion",), fixed={"segment_frame_length": 9}
    ),
    "wan-modular": Tiny("WanModularPipeline", _wan_modular, arguments={"guidance_scale": ""}, modular=True),
    "skyreels": Tiny(
        "SkyReelsV2DiffusionForcingPipeline",
        _skyreels,
        17,
        fixed={"base_num_frames": 9, "overlap_history": 5},
    ),
    "sana": Tiny("SanaVideoPipeline", _sana, fixed={"use_resolution_binning": False}),
    "ltx": Tiny("LTXPipeline", _ltx),
    "ltx-condition": Tiny("LTXConditionPipeline", _ltx, tasks=("keyframes", "image", "extend")),
    "ltx2": Tiny("LTX2Pipeline", _ltx2, fixed=PLAIN),
    "hunyuan15": Tiny("HunyuanVideo15Pipeline", _hunyuan15),
    "hunyuan": Tiny("HunyuanVideoPipeline", _hunyuan),
    "kandinsky5": Tiny("Kandinsky5T2VPipeline", _kandinsky5),
    "kandinsky5-image": Tiny("Kandinsky5I2VPipeline", lambda: _kandinsky5(True), 17, tasks=("image",)),
    "kandinsky6": Tiny("Kandinsky6TI2VAPipeline", _kandinsky6, tasks=("text", "image")),
    "cosmos": Tiny("Cosmos2_5_PredictBasePipeline", _cosmos, tasks=("text", "extend")),
    "helios": Tiny("HeliosPipeline", _helios, 33, tasks=("text", "image", "extend")),
    "svd": Tiny("StableVideoDiffusionPipeline", _svd, 14, (64, 64), tasks=("image",)),
    "cogvideox": Tiny("CogVideoXPipeline", _cogvideox),
    "cogvideox-image": Tiny("CogVideoXImageToVideoPipeline", lambda: _cogvideox(8), tasks=("image",)),
    "cogvideox-video": Tiny("CogVideoXVideoToVideoPipeline", _cogvideox, tasks=("source",)),
    "mochi": Tiny("MochiPipeline", _mochi, 7),
    "allegro": Tiny("AllegroPipeline", _allegro, 24, (128, 128)),
    "animatediff": Tiny("AnimateDiffPipeline", _animatediff, 8),
}
"""Every kind of tiny checkpoint by name."""


if __name__ == "__main__":
    for chosen in sys.argv[2:] or KINDS:
        print(make(chosen, Path(sys.argv[1])))

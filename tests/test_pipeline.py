from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from vitascope import pipeline
from vitascope.decode.video import Decoder
from vitascope.denoise.run import Denoiser
from vitascope.errors import Cancelled, RequestError
from vitascope.nn import dit as networks
from vitascope.nn.dit import ContextEmbedder, DiTConfig
from vitascope.nn.text_encoder import TextEncoder, TextEncoderConfig
from vitascope.nn.video_vae import Decoder as DecoderModule
from vitascope.nn.video_vae import Encoder as EncoderModule
from vitascope.nn.video_vae import VideoVAEConfig
from vitascope.progress import Event, Progress
from vitascope.runtime.torch import TorchNetwork
from vitascope.testing.fakes import CARD, FakeBackend
from vitascope.toybox.backend import Transformer, encode_video
from vitascope.toybox.conditioning.text import encode_texts
from vitascope.toybox.conditioning.tokenizer import Tokenizer
from vitascope.toybox.motion.encoders import Encoders
from vitascope.toybox.render import LatentModel, render
from vitascope.types import Clip, Shot

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
TOKENIZER = Tokenizer(["<unk>", "<s>", "</s>", *BYTES])


@pytest.fixture(scope="module")
def model() -> LatentModel:
    """The real networks at toy size, with random numbers, on the torch runtime."""
    torch.manual_seed(0)
    table = torch.randn(259, 8)
    text = TextEncoder(
        TextEncoderConfig(vocabulary=259, table_dim=8, dim=16, heads=2, depth=1, max_words=24), table
    )
    config = DiTConfig(dim=32, heads=2, depth=2, text_dim=16, hidden=32, modulation=16, axes=(2, 3, 3))
    dit, context = networks.Denoiser(config), ContextEmbedder(config)
    decoder = DecoderModule(VideoVAEConfig(decoder_widths=(8, 12, 16)))
    for module in (dit, context, decoder):
        for parameter in module.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
    words = ("ids", "mask"), ("states", "pooled")
    told = ("base", "view", "field")
    tokens = ("video", "levels", *told, "positions", "states", "mask")
    grid = ("latents", "deep", "shallow"), ("frames", "deep_out", "shallow_out")
    encode, steps = TorchNetwork(text, *words), TorchNetwork(dit, tokens, ("clean",))
    briefing = TorchNetwork(context, ("channels", "subjects", "pages", "positions", "pooled"), told)
    look = TorchNetwork(EncoderModule(VideoVAEConfig(encoder_widths=(8, 12, 16))), ("frames",), ("latents",))
    return LatentModel(
        encoders=Encoders(
            lambda sentences: encode_texts(sentences, TOKENIZER, encode, max_words=24),
            partial(encode_video, look),
        ),
        longest=17,
        denoiser=Denoiser(Transformer(briefing, steps, takes_pages=True), sampler="ab2", shift=2.0),
        decoder=Decoder(TorchNetwork(decoder, *grid), 16, 12),
        weights={"dit.safetensors": "abc"},
    )


class LatentBackend(FakeBackend):
    """The fake backend's plan, with real networks behind it."""

    def __init__(self, model: LatentModel):
        self.model = model

    def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
        return render(shot, lambda: self.model, progress, resume_folder)


def test_words_become_a_clip(model):
    heard: list[Event] = []
    progress = Progress(heard.append)
    shot = Shot(prompt="a kraken walks in a garden", seed=3, seconds=1.0, negative_prompt="rain")
    clip = pipeline.generate(shot, LatentBackend(model), progress)
    assert clip.frames.shape == (9, 48, 64, 3)
    assert clip.frames.std() > 1
    assert list(progress.seconds_spent) == ["load", "encode", "denoise", "decode"]
    assert [e.step for e in heard if e.phase == "denoise" and e.preview is not None] == [1, 2, 3, 4]
    assert clip.record.weights == {"dit.safetensors": "abc"}
    assert clip.record.shot.steps == CARD.steps
    assert [event.note for event in heard if event.note] == list(clip.record.notes)
    assert any("kraken" in note for note in clip.record.notes)


def test_the_record_makes_the_same_clip_again(model):
    shot = Shot(prompt="a cat dances, slow zoom in", seed=3)
    first = pipeline.generate(shot, LatentBackend(model), Progress())
    again = pipeline.generate(first.record.shot, LatentBackend(model), Progress())
    assert (first.frames == again.frames).all()
    assert again.record.shot == first.record.shot


def test_seed_words_camera_and_guidance_all_matter(model):
    def frames(**said) -> np.ndarray:
        shot = Shot(**{"prompt": "a cat walks in a garden", "seed": 3, "num_frames": 5, **said})
        return pipeline.generate(shot, LatentBackend(model), Progress()).frames

    usual = frames()
    assert (frames() == usual).all()
    for said in (
        {"seed": 4},
        {"prompt": "a dog walks in a garden"},
        {"prompt": "a cat walks in a garden, zoom in"},
    ):
        assert (frames(**said) != usual).any()
    assert (frames(guidance_scale=1.0) != usual).any()
    assert (frames(negative_prompt="rain") != usual).any()


@pytest.mark.parametrize("after", range(1, 8))
def test_it_stops_wherever_it_is_cancelled(model, after):
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    shot = Shot(prompt="a cat", seed=3, num_frames=5)
    with pytest.raises(Cancelled):
        pipeline.generate(shot, LatentBackend(model), Progress(cancelled=cancelled))


def test_a_request_is_refused_before_any_work():
    class Lazy(FakeBackend):
        def render(self, shot: Shot, progress: Progress, resume_folder: Path | None = None) -> Clip:
            pytest.fail("there was work")

    for said in ({"prompt": ""}, {"prompt": "a cat", "seconds": -1.0}, {"prompt": "a cat", "size": (7, 7)}):
        with pytest.raises(RequestError):
            pipeline.generate(Shot(seed=1, **said), Lazy(), Progress())

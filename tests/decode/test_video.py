import numpy as np
import pytest
import torch

from vitascope.decode.video import Decoder, decode, decode_chunks, to_bytes
from vitascope.errors import Cancelled
from vitascope.nn.video_vae import Decoder as DecoderModule
from vitascope.nn.video_vae import VideoVAEConfig
from vitascope.progress import Progress
from vitascope.runtime.torch import TorchNetwork
from vitascope.types import Latents, LatentShape

SHAPE = LatentShape(frames=5, height=2, width=3)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(0)
    module = DecoderModule(VideoVAEConfig(decoder_widths=(8, 12, 16)))
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network = TorchNetwork(module, ("latents", "deep", "shallow"), ("frames", "deep_out", "shallow_out"))
    return Decoder(network, 16, 12)


@pytest.fixture(scope="module")
def latents() -> Latents:
    video = np.random.default_rng(0).standard_normal((SHAPE.num_tokens, 24), np.float32)
    return Latents(video, SHAPE, fps=8.0)


def test_the_shape_is_that_of_the_clip(decoder, latents):
    frames = decode(latents, decoder, Progress())
    assert frames.shape == (17, 32, 48, 3)
    assert frames.std() > 1


@pytest.mark.parametrize("size", [1, 2, 3])
def test_chunks_of_any_size_give_the_same_frames(decoder, latents, size):
    whole = np.concatenate(list(decode_chunks(latents, decoder, size=5)))
    chunks = list(decode_chunks(latents, decoder, size=size))
    assert len(chunks[0]) == 4 * size - 3
    # Sums may be taken in another order for another batch; one step of 255 is all that may come of it.
    assert np.abs(np.concatenate(chunks).astype(int) - whole).max() <= 1


def test_it_stops_when_nobody_wants_the_rest(decoder, latents):
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        decode(latents, decoder, Progress(cancelled=lambda: next(answers)))


def test_bytes_are_rounded_and_clipped():
    frames = np.array([-1.0, 0.0, 0.5, 1.0, 7.0], np.float32).reshape(1, 1, 1, 5).repeat(3, axis=0)
    assert to_bytes(frames)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]

import numpy as np
import pytest
import torch

from vitascope.decode.video import CHUNK, Decoder, cut, decode, decode_chunks, decode_stream, to_bytes
from vitascope.errors import Cancelled
from vitascope.nn.video_vae import Decoder as DecoderModule
from vitascope.nn.video_vae import VideoVAEConfig
from vitascope.progress import Progress
from vitascope.runtime.torch import TorchNetwork
from vitascope.toybox.backend import Toybox
from vitascope.toybox.layout import LATENT_CHANNELS, TIME_STRIDE
from vitascope.types import Latents, LatentShape

SHAPE = LatentShape(frames=5, height=2, width=3)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(0)
    module = DecoderModule(VideoVAEConfig(latent_channels=LATENT_CHANNELS, decoder_widths=(8, 12, 16)))
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network = TorchNetwork(module, ("latents", "deep", "shallow"), ("frames", "deep_out", "shallow_out"))
    return Decoder(network, 16, 12)


@pytest.fixture(scope="module")
def latents() -> Latents:
    video = np.random.default_rng(0).standard_normal((SHAPE.num_tokens, LATENT_CHANNELS), np.float32)
    return Latents(video, SHAPE, fps=8.0)


def test_the_shape_is_that_of_the_clip(decoder, latents):
    frames = decode(latents, decoder, Progress())
    assert frames.shape == (17, 32, 48, 3)
    assert frames.std() > 1


@pytest.mark.parametrize("size", [1, 2, 3])
def test_chunks_of_any_size_give_the_same_frames(decoder, latents, size):
    whole = np.concatenate(list(decode_chunks(latents, decoder, size=5)))
    chunks = list(decode_chunks(latents, decoder, size=size))
    assert len(chunks[0]) == TIME_STRIDE * (size - 1) + 1
    # Sums may be taken in another order for another batch; one step of 255 is all that may come of it.
    assert np.abs(np.concatenate(chunks).astype(int) - whole).max() <= 1


@pytest.fixture(scope="module")
def shipped() -> Decoder:
    return Toybox(threads=1).model().decoder


@pytest.mark.parametrize("shape", [LatentShape(CHUNK + 1, 4, 4), LatentShape(7, 3, 5)])
@pytest.mark.parametrize("size", [1, 2, 3, CHUNK, 5])
def test_the_shipped_weights_give_the_same_pixels_in_chunks_of_any_size(shipped, shape, size):
    video = np.random.default_rng(1).standard_normal((shape.num_tokens, LATENT_CHANNELS), np.float32)
    latents = Latents(video, shape, fps=8.0)
    whole = np.concatenate(list(decode_chunks(latents, shipped, size=shape.frames)))
    np.testing.assert_array_equal(np.concatenate(list(decode_chunks(latents, shipped, size))), whole)
    np.testing.assert_array_equal(np.concatenate(list(decode_stream(latents, shipped, Progress()))), whole)


def test_even_the_sums_before_rounding_do_not_depend_on_the_chunks(shipped):
    """Bytes hide most differences; the memories between chunks do not."""
    shape, seen = LatentShape(4, 2, 2), []

    def network(**arrays: np.ndarray) -> dict[str, np.ndarray]:
        out = shipped.network(**arrays)
        _, deep, _ = out.values()
        seen.append(deep[:1])
        return out

    decoder = Decoder(network, shipped.deep_channels, shipped.shallow_channels)
    video = np.random.default_rng(2).standard_normal((shape.num_tokens, LATENT_CHANNELS), np.float32)
    for size in (1, 2, 4):
        list(decode_chunks(Latents(video, shape, fps=8.0), decoder, size))
    np.testing.assert_array_equal(seen[3], seen[5])
    np.testing.assert_array_equal(seen[5], seen[6])


@pytest.mark.parametrize(
    ("frames", "size", "lengths"),
    [(1, 4, [1]), (4, 4, [4]), (5, 4, [5]), (6, 4, [4, 2]), (9, 4, [4, 5]), (3, 1, [1, 1, 1])],
)
def test_no_latent_frame_is_left_alone_at_the_end(frames, size, lengths):
    spans = cut(frames, size)
    assert [span.stop - span.start for span in spans] == lengths
    assert [at for span in spans for at in range(span.start, span.stop)] == list(range(frames))


def test_it_stops_when_nobody_wants_the_rest(decoder, latents):
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        decode(latents, decoder, Progress(cancelled=lambda: next(answers)))


def test_bytes_are_rounded_and_clipped():
    frames = np.array([-1.0, 0.0, 0.5, 1.0, 7.0], np.float32).reshape(1, 1, 1, 5).repeat(3, axis=0)
    assert to_bytes(frames)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]

import numpy as np
import pytest
import torch

from vitascope.nn.dit import DiTConfig
from vitascope.nn.text_encoder import TextEncoderConfig
from vitascope.nn.video_vae import VideoVAE, VideoVAEConfig
from vitascope.toybox.layout import CAMERA_CHANNELS, REFERENCE_SECONDS, SUBJECT_CHANNELS
from vitascope.toybox.scene import Scene
from vitascope.training.dit import (
    FIELD_LESSONS,
    DiTTraining,
    Generator,
    Words,
    channel_weights,
    draw_kind,
    draw_lesson,
    field_loss,
    flow_loss,
    named,
)
from vitascope.training.latents import Encoded, LatentPool
from vitascope.training.words import tokenizer

CLIPS, CHANNELS = 12, 6
SUBJECTS = ("cat", "dog")
SCENES = tuple(Scene(("cat", "dog")[i % 2], "walk", "garden") for i in range(CLIPS))
TRAINING = DiTTraining(frame_batch=4, clip_batch=3, text_dropout=0.0)


def pool(edited: bool = False) -> LatentPool:
    generator = torch.Generator().manual_seed(int(edited))
    latents = torch.randn((CLIPS, CHANNELS, 5, 2, 2), generator=generator)
    heat = torch.rand((CLIPS, 5, 2, 2), generator=generator)
    camera = torch.randn((CLIPS, 5, CAMERA_CHANNELS), generator=generator)
    subject = torch.randn((CLIPS, 5, SUBJECT_CHANNELS - 1), generator=generator)
    source = (latents + 1, ("make it night",) * CLIPS) if edited else (None, ())
    return LatentPool(Encoded(latents, camera, heat, subject, SCENES, *source), "cpu")


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(tokenizer(), 24, TRAINING)


POOLS = {"take": pool(), "pair": pool(edited=True), "route": pool()}


@pytest.mark.parametrize("kind", ["frame", "take", "pair", "route", "reference"])
def test_a_lesson_has_one_row_per_token(words, kind):
    lesson = draw_lesson(kind, POOLS, words, np.random.default_rng(0))
    clips, frames = (4, 1) if kind == "frame" else (3, 6 if kind == "reference" else 5)
    assert lesson.clean.shape == (clips, frames * 4, CHANNELS)
    assert lesson.given.shape == lesson.focus.shape == (clips, frames * 4)
    assert lesson.extra.shape == (clips, frames * 4, CHANNELS + CAMERA_CHANNELS + SUBJECT_CHANNELS)
    assert lesson.positions.shape == (frames * 4, 3)
    assert len(lesson.texts) == clips


def test_an_edit_sees_its_source_and_only_an_edit_does(words):
    rng = np.random.default_rng(0)
    pair, take = (draw_lesson(kind, POOLS, words, rng) for kind in ("pair", "take"))
    assert not pair.given.any()
    assert pair.extra[..., :CHANNELS].any()
    assert not take.extra[..., :CHANNELS].any()
    assert "make it night" in pair.texts


def test_a_route_is_always_told_and_a_take_only_sometimes(words):
    told = {
        kind: [
            bool(draw_lesson(kind, POOLS, words, np.random.default_rng(i)).extra[0, :, -1].any())
            for i in range(30)
        ]
        for kind in ("route", "take")
    }
    assert all(told["route"])
    assert 0 < sum(told["take"]) < 30


def test_a_reference_is_given_and_lies_long_before_the_clip(words):
    lesson = draw_lesson("reference", POOLS, words, np.random.default_rng(0))
    assert lesson.given[:, :4].all()
    torch.testing.assert_close(lesson.positions[:4, 0], torch.full((4,), -REFERENCE_SECONDS))
    assert not lesson.focus[:, :4].any()


def test_the_toy_counts_more_than_the_set(words):
    lesson = draw_lesson("take", POOLS, words, np.random.default_rng(0))
    assert lesson.focus.min() >= 1
    assert lesson.focus.max() > 1 + TRAINING.focus / 2


def test_lessons_are_drawn_among_what_there_are_clips_for():
    rng = np.random.default_rng(0)
    assert {draw_kind(rng, {"take": POOLS["take"]}) for _ in range(200)} == {"take", "frame", "reference"}


def test_channels_count_by_the_pixels_they_stand_for():
    vae = VideoVAE(VideoVAEConfig(latent_channels=3, encoder_widths=(8, 8, 8), decoder_widths=(8, 8, 8)))
    for channel, size in enumerate((3.0, 1.0, 0.0)):
        vae.decoder.linear.weight[channel] = size
    weights = channel_weights(vae, torch.ones(3))
    torch.testing.assert_close(weights.mean(), torch.tensor(1.0))
    assert weights[0] / weights[1] == pytest.approx(3, rel=0.01)
    assert 0 < weights[2] < 0.01


def tiny() -> Generator:
    torch.manual_seed(0)
    dit = DiTConfig(
        latent_channels=CHANNELS, channels=1 + CHANNELS + CAMERA_CHANNELS + SUBJECT_CHANNELS, dim=32, heads=2, depth=2,
        text_dim=16, hidden=32, modulation=16, field=32, field_depth=1, subjects=2,
        texture=8, phases=2, axes=(2, 3, 3),
    )  # fmt: skip
    text = TextEncoderConfig(table_dim=256, dim=16, heads=2, depth=1)
    return Generator(dit, text, torch.randn(text.vocabulary, 256))


def test_the_field_learns_what_is_where(words):
    net, weights = tiny(), torch.ones(CHANNELS)
    lesson = draw_lesson("route", POOLS, words, np.random.default_rng(0))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        loss = field_loss(net, lesson, words, TRAINING, weights, SUBJECTS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.grad is None for p in net.dit.steps.blocks.parameters()), "the transformer is not asked"


def test_the_transformers_loss_teaches_the_field_too(words):
    net, rng = tiny(), np.random.default_rng(0)
    lesson = draw_lesson("take", POOLS, words, rng)
    flow_loss(net, lesson, words, rng, TRAINING, torch.ones(CHANNELS), SUBJECTS, True).backward()
    assert net.dit.briefing.field.head.weight.grad is not None
    assert net.dit.briefing.field.head.weight.grad.abs().max() > 0


def test_only_clips_whose_captions_say_all_teach_the_field(words):
    rng = np.random.default_rng(0)
    assert {draw_kind(rng, POOLS, FIELD_LESSONS) for _ in range(60)} == {"take", "route"}


@pytest.mark.parametrize(
    ("kind", "text", "who"),
    [
        ("take", "a kitty walks", "cat"), ("take", "", ""), ("pair", "make it night", ""),
        ("pair", "add a cat", "cat"), ("reference", "a toy walks", ""),
    ],
)  # fmt: skip
def test_the_textures_are_nobodys_where_the_words_name_nobody(kind, text, who):
    assert named(kind, text, SCENES[0]) == who

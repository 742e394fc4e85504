from dataclasses import replace

import numpy as np
import pytest
import torch

from vitascope.nn.dit import DiTConfig
from vitascope.nn.text_encoder import TextEncoderConfig
from vitascope.nn.video_vae import VideoVAE, VideoVAEConfig
from vitascope.toybox.layout import CAMERA_CHANNELS, SUBJECT_CHANNELS
from vitascope.toybox.scene import Scene
from vitascope.training.checkpoint import load_tensors
from vitascope.training.dit import (
    FOCUS,
    DiTTraining,
    Generator,
    Words,
    channel_weights,
    draw_kind,
    draw_lesson,
    field_error,
    field_loss,
    flow_loss,
    toy_caption,
    train_field,
)
from vitascope.training.latents import Encoded, LatentPool, ShardFolder, save_shard
from vitascope.training.loop import LoopConfig
from vitascope.training.words import tokenizer

CLIPS, CHANNELS, SLOTS = 12, 6, 3
SCENES = tuple(Scene(("cat", "dog")[i % 2], "walk", "garden") for i in range(CLIPS))
TRAINING = DiTTraining(frame_batch=4, clip_batch=3, text_dropout=0.0)


def encoded(edited: bool = False) -> Encoded:
    """Clips of one subject or two, made up."""
    generator = torch.Generator().manual_seed(int(edited))
    latents = torch.randn((CLIPS, CHANNELS, 5, 2, 2), generator=generator)
    heat = torch.rand((CLIPS, 5, 2, 2), generator=generator)
    camera = torch.randn((CLIPS, 5, CAMERA_CHANNELS), generator=generator)
    subjects = torch.randn((CLIPS, SLOTS, 5, SUBJECT_CHANNELS), generator=generator)
    which = torch.tensor([(i % 4, -1 if i % 2 else 1, -1) for i in range(CLIPS)], dtype=torch.int16)
    subjects[..., 0] = 1
    subjects *= (which >= 0)[:, :, None, None]
    pages = torch.randint(0, 256, (4, 4, 2, 8, 8), generator=generator, dtype=torch.uint8)
    source = (latents + 1, ("make it night",) * CLIPS) if edited else (None, ())
    return Encoded(latents, camera, heat, subjects, which, pages, SCENES, *source)


def pool(edited: bool = False) -> LatentPool:
    return LatentPool(encoded(edited), "cpu")


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(tokenizer(), 24, TRAINING)


POOLS = {"take": pool(), "pair": pool(edited=True)}


@pytest.mark.parametrize("kind", ["frame", "take", "pair"])
def test_a_lesson_has_one_row_per_token(words, kind):
    lesson = draw_lesson(kind, POOLS, words, np.random.default_rng(0))
    clips, frames = (4, 1) if kind == "frame" else (3, 5)
    slots = lesson.pages.shape[1]
    assert lesson.clean.shape == (clips, frames * 4, CHANNELS)
    assert lesson.given.shape == lesson.focus.shape == (clips, frames * 4)
    assert lesson.extra.shape == (clips, frames * 4, CHANNELS + CAMERA_CHANNELS)
    assert lesson.subjects.shape == (clips, frames * 4, slots, SUBJECT_CHANNELS)
    assert lesson.positions.shape == (frames * 4, 3)
    assert len(lesson.texts) == clips


def test_lessons_have_as_many_places_as_their_clips_have_subjects(words):
    rng = np.random.default_rng(0)
    assert {draw_lesson("take", POOLS, words, rng).pages.shape[1] for _ in range(20)} == {1, 2}


def test_captions_name_nobody():
    scene = Scene("no subject at all", "walk", "garden")
    assert toy_caption(scene).startswith("a toy walks in a garden in ")
    assert toy_caption(scene, 0).startswith("nobody, in a garden in ")


def test_a_pool_takes_in_what_another_process_makes(tmp_path):
    for number in range(2):
        save_shard(tmp_path / f"take-{number:04d}.safetensors", encoded())
    made = ShardFolder(tmp_path, "take").pool("cpu", most=2 * CLIPS + 4)
    assert made is not None
    assert len(made) == 2 * CLIPS
    save_shard(tmp_path / "take-0002.safetensors", replace(encoded(), scenes=SCENES[::-1]))
    assert made.renew()
    assert not made.renew()
    assert len(made) == len(made.latents) == 2 * CLIPS + 4
    assert made.scenes[0].subject == SCENES[::-1][4].subject, "the rest took the place of the oldest"


def test_an_edit_sees_its_source_and_only_an_edit_does(words):
    rng = np.random.default_rng(0)
    pair, take = (draw_lesson(kind, POOLS, words, rng) for kind in ("pair", "take"))
    assert not pair.given.any()
    assert pair.extra[..., :CHANNELS].any()
    assert not take.extra[..., :CHANNELS].any()
    texts = {text for _ in range(4) for text in draw_lesson("pair", POOLS, words, rng).texts}
    assert "make it night" in texts


def test_the_field_is_always_told_and_a_take_only_mostly(words):
    told = {
        kind: [
            bool(row.any())
            for i in range(30)
            for row in draw_lesson(kind, POOLS, words, np.random.default_rng(i)).subjects
        ]
        for kind in ("field", "take")
    }
    assert all(told["field"])
    assert 0.7 < np.mean(told["take"]) < 1


def test_the_toy_counts_more_than_the_set(words):
    lesson = draw_lesson("take", POOLS, words, np.random.default_rng(0))
    assert lesson.focus.min() >= 1
    assert lesson.focus.max() > 1 + FOCUS / 2


def test_lessons_are_drawn_among_what_there_are_clips_for():
    rng = np.random.default_rng(0)
    assert {draw_kind(rng, {"take": POOLS["take"]}) for _ in range(200)} == {"take", "frame"}


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
        latent_channels=CHANNELS, channels=1 + CHANNELS + CAMERA_CHANNELS, dim=32, heads=2, depth=2,
        text_dim=16, hidden=32, modulation=16, field=32, field_depth=1, page=8,
        phases=2, axes=(2, 3, 3),
    )  # fmt: skip
    text = TextEncoderConfig(table_dim=256, dim=16, heads=2, depth=1)
    return Generator(dit, text, torch.randn(text.vocabulary, 256))


def test_the_field_learns_what_is_where(words):
    net, weights = tiny(), torch.ones(CHANNELS)
    lesson = draw_lesson("field", POOLS, words, np.random.default_rng(0))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        loss = field_loss(net, lesson, words, TRAINING, weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.grad is None for p in net.dit.denoiser.blocks.parameters()), "the transformer is not asked"


def test_the_transformers_loss_teaches_the_field_too(words):
    net, rng = tiny(), np.random.default_rng(0)
    lesson = draw_lesson("take", POOLS, words, rng)
    flow_loss(net, lesson, words, rng, TRAINING, torch.ones(CHANNELS), True).backward()
    assert net.dit.context.field.head.weight.grad is not None
    assert net.dit.context.field.head.weight.grad.abs().max() > 0


def test_the_field_alone_is_trained_and_measured_on_what_it_never_sees(words, tmp_path):
    net = tiny()
    configs = net.dit.context.config, net.text.config, torch.randn(net.text.config.vocabulary, 256), words
    pools, weights = {"take": pool(), "unseen": pool()}, torch.ones(CHANNELS)
    before = net.state_dict() | {}
    loop = LoopConfig(minutes=1.0, max_steps=2)
    path = train_field(*configs, 1e-2, loop, pools, weights, tmp_path, before)
    after, facts = load_tensors(path)
    changed = {name.split(".")[1] for name in before if not torch.equal(before[name], after[name])}
    assert "context" in changed
    assert "denoiser" not in changed
    assert facts["step"] == 2
    assert all(error > 0 for error in field_error(net, pools["unseen"], words, weights))

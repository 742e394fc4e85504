from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from vitascope.camera.path import camera_path, scene_camera
from vitascope.runtime.onnx import OnnxNetwork
from vitascope.toybox.classifier import Judge, JudgeCard
from vitascope.toybox.scene import Scene
from vitascope.toybox.world import FULL, World, sample_scene
from vitascope.training import judge as stage
from vitascope.training.judge import (
    JudgeTraining,
    cover,
    export_judge,
    flip,
    head_labels,
    learn,
    lingering,
    load_judge,
    quantise,
    spoil,
    standing,
    targets,
)
from vitascope.training.judge_clips import open_shards, shrink, write_shards
from vitascope.training.loop import LoopConfig

WORLD = replace(FULL, subjects=("cat", "dog"), actions=("walk", "jump"), sets=("garden", "beach"))


@dataclass(frozen=True)
class Facts:
    scene: Scene
    boxes: np.ndarray
    camera: np.ndarray


def source(world: World, seed: int):
    """A stage of noise: the labels and the truth are right, the pictures mean nothing."""
    rng = np.random.default_rng(seed)

    def draw(count: int):
        frames = torch.from_numpy(rng.integers(0, 255, (count, 17, 3, 32, 32), dtype=np.uint8))
        scenes = [sample_scene(rng, world) for _ in range(count)]
        paths = [camera_path(scene_camera(scene.camera), np.arange(17) / 8, 2.0) for scene in scenes]
        boxes = np.tile(np.array([0.2, 0.3, 0.6, 0.9], np.float32), (17, 1))
        return frames, [Facts(scene, boxes, path) for scene, path in zip(scenes, paths, strict=True)]

    return draw


@pytest.fixture(name="store")
def _store(tmp_path):
    write_shards(shrink(source(WORLD, 0), 17, 96, at_once=4), tmp_path / "clips", 8)
    return open_shards(tmp_path / "clips")


def test_shards_are_written_once_and_read_back(store, tmp_path):
    assert len(store) == 8
    assert store.pictures([3, 5]).shape == (2, 17, 3, 96, 96)
    torch.testing.assert_close(store.stills([3, 5], [0, 16]), store.pictures([3, 5])[:, [0, 16]])
    means = store.pictures([3]).float().unflatten(-1, (48, 2)).unflatten(-3, (48, 2)).mean((-1, -3))
    torch.testing.assert_close(store.motion([3]).float(), means, atol=0.6, rtol=0)
    before = (tmp_path / "clips" / "clips-0000.npy").stat().st_mtime_ns
    write_shards(shrink(source(WORLD, 9), 17, 96), tmp_path / "clips", 8)
    assert (tmp_path / "clips" / "clips-0000.npy").stat().st_mtime_ns == before
    with pytest.raises(FileNotFoundError, match="other"):
        open_shards(tmp_path / "clips", "other")


def test_the_road_from_clips_to_a_card(store, tmp_path):
    path = learn(JudgeTraining(batch=4), WORLD, store, LoopConfig(minutes=1.0, max_steps=1), tmp_path)
    judge, world = load_judge(path)
    assert world == WORLD
    export_judge(judge, tmp_path / "toybox")
    network = OnnxNetwork(tmp_path / "toybox" / "judge.onnx", threads=1)
    clip = store.pictures([0, 1, 2]).float() / 255
    with torch.no_grad():
        expected = judge(clip).logits
    found = network(clip=clip.numpy())
    for head, logits in expected.items():
        np.testing.assert_allclose(found[head], logits.numpy(), atol=0.05)
    assert sum(file.stat().st_size for file in (tmp_path / "toybox").iterdir()) < 4 * 2**20
    card = standing(network, world, [store])
    assert set(card.accuracy) <= set(head_labels(WORLD))
    assert card.held_back == 8
    assert card.reference["warping"]
    card.save(tmp_path / "judge.json")
    frames = np.zeros((9, 40, 60, 3), np.uint8)
    assert (
        Judge(network, JudgeCard.load(tmp_path / "judge.json")).judge(frames).labels["subject"]
        in WORLD.subjects
    )


def test_targets_leave_out_what_a_place_cannot_show():
    scenes = [Scene("cat", "walk", "garden", "winter", weather="snow"), Scene("dog", "jump", "beach")]
    classes = targets(scenes, head_labels(WORLD))
    assert classes["season"].tolist() == [WORLD.seasons.index("winter"), -1]
    assert classes["subject"].tolist() == [0, 1]


def test_a_box_covers_its_cells():
    covered = cover(torch.tensor([[0.25, 0.0, 0.75, 0.125]]), 4)[0]
    assert covered.tolist() == [[0, 0.5, 0.5, 0], [0] * 4, [0] * 4, [0] * 4]


def test_a_mirrored_clip_pans_the_other_way():
    cameras = ("static", "pan-left", "pan-right", "roll-left", "roll-right")
    boxes = torch.tensor([[[0.1, 0.2, 0.3, 0.4]]] * 2)
    moved = torch.tensor([[0.3, 0.1, 0.2, -0.1]] * 2)
    box, way, camera = flip(boxes, moved, torch.tensor([1, 4]), cameras, torch.tensor([True, False]))
    torch.testing.assert_close(box[0, 0], torch.tensor([0.7, 0.2, 0.9, 0.4]))
    torch.testing.assert_close(way[0], torch.tensor([-0.3, 0.1, 0.2, 0.1]))
    assert camera.tolist() == [2, 4]
    torch.testing.assert_close(way[1], moved[1])


def test_spoiled_clips_stay_pictures_and_change_by_little():
    pictures = torch.randint(60, 190, (6, 2, 3, 16, 16), dtype=torch.uint8)
    clips = pictures.float() / 255
    mirrored = torch.tensor([True, False] * 3)
    spoiled = spoil(pictures, mirrored, torch.Generator().manual_seed(0))
    assert spoiled.shape == clips.shape
    assert 0 <= float(spoiled.min()) <= float(spoiled.max()) <= 1
    assert 0 < float((spoiled[1::2] - clips[1::2]).abs().mean()) < 0.2
    straight, turned = (float((spoiled[::2] - c).abs().mean()) for c in (clips[::2], clips[::2].flip(-1)))
    assert turned < straight


def test_lingering_blurs_what_moves_and_keeps_what_stays():
    clips = torch.zeros(1, 5, 3, 2, 2)
    clips[:, :, 1] = 0.5
    clips[:, 2, 0] = 0.9
    blurred = lingering(clips)
    assert blurred[0, :, 0, 0, 0].tolist() == pytest.approx([0, 0.3, 0.3, 0.3, 0])
    torch.testing.assert_close(blurred[:, :, 1], clips[:, :, 1])


def test_quantising_finely_changes_nothing():
    clips = torch.rand(1, 1, 3, 16, 16)
    torch.testing.assert_close(quantise(clips, 1e-4), clips, atol=1e-3, rtol=0)
    assert float((quantise(clips, 0.5) - clips).abs().mean()) > 0.01


def test_mirrored_labels_come_in_pairs():
    assert all(stage.MIRRORED[stage.MIRRORED[name]] == name for name in stage.MIRRORED)

"""The cast's words, its pictures and the packed atlas agree; packing and loading keep what they are given."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope.toybox.scene import ACTIONS, SETS
from vitascope.toybox.world import cast
from vitascope.training.toytheatre import atlas as atlas_module
from vitascope.training.toytheatre.atlas import (
    FRAMES,
    PACKAGES,
    SIZE,
    build_atlas,
    draw_sheet,
    fetch,
    load_atlas,
    main,
    read_loop,
)
from vitascope.training.toytheatre.cast import SMALL, members

COMMITTED = Path(atlas_module.__file__).with_name("atlas_small.zip")


def animation(path: Path, num_frames: int = 32) -> None:
    """Save a loop of 50 ms frames: a red square that slides down, with a blue nose on its left."""
    frames = []
    for place in range(num_frames):
        picture = np.zeros((64, 64, 4), np.uint8)
        picture[8 + place : 24 + place, 20:40] = (255, 0, 0, 255)
        picture[12 + place : 20 + place, 10:20] = (0, 0, 255, 255)
        frames.append(Image.fromarray(picture))
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, loop=0, lossless=True)


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an animation where the cat's and the penguin's pictures are looked for."""
    folder = tmp_path_factory.mktemp("assets")
    for name in ("cat", "penguin"):
        member = members()[name]
        animation(folder / member.package / "package" / "assets" / f"{member.codepoint}.webp")
    return folder


def test_every_subject_has_a_picture_and_sensible_words():
    assert tuple(members()) == tuple(cast())
    assert len(members()) >= 64
    assert sum(member.package != "still" for member in members().values()) >= 60
    for member in members().values():
        assert member.package in PACKAGES
        assert member.facing in ("left", "right", "front")
        assert 0.2 <= member.height <= 0.6
        assert member.loop is None or member.loop[1] - member.loop[0] >= 12
    for subject in cast().values():
        assert set() < set(subject.actions) <= set(ACTIONS), subject.id
        assert set() < set(subject.sets) <= set(SETS), subject.id


def test_no_two_subjects_share_a_word():
    said = [word for subject in cast().values() for word in {subject.name, subject.plural, *subject.synonyms}]
    assert sorted(said) == sorted(set(said))


def test_the_committed_atlas_is_small_and_complete():
    atlas = load_atlas(COMMITTED)
    assert COMMITTED.stat().st_size <= 2**20
    assert "Microsoft" in COMMITTED.with_name("atlas_small.LICENSE").read_text("utf-8")
    assert atlas.ids == SMALL
    assert {loop.shape for loop in atlas.sprites} == {(FRAMES, 4, SIZE, SIZE), (1, 4, SIZE, SIZE)}
    opaque = np.array([(loop[:, 3] > 128).mean() for loop in atlas.sprites])
    assert (opaque > 0.2).all()
    for index, name in enumerate(atlas.ids):
        seen = atlas.sprites[index][:, 3].max(0) > 24
        assert all(edge.any() for edge in (seen[:3], seen[-3:], seen[:, :3], seen[:, -3:])), name
        assert atlas.height[index] == pytest.approx(members()[name].height)
        assert (atlas.loop_frames[index] == 1) == (members()[name].package == "still")


def test_the_cat_looks_where_it_goes():
    """Its dark eye is in the right half; it once walked backwards through every clip."""
    atlas = load_atlas(COMMITTED)
    sprite = atlas.sprites[atlas.ids.index("cat")][0].astype(int)
    dark = (sprite[:3].max(0) < 90) & (sprite[3] > 200)
    assert np.argwhere(dark)[:, 1].mean() > SIZE / 2


def test_sprites_are_cropped_to_the_whole_loop_and_look_right(assets: Path, tmp_path: Path):
    build_atlas(tmp_path / "a.zip", assets, ("cat", "penguin"), size=32)
    atlas = load_atlas(tmp_path / "a.zip")
    assert atlas.ids == ("cat", "penguin")
    assert [loop.shape for loop in atlas.sprites] == 2 * [(FRAMES, 4, 32, 32)]
    np.testing.assert_allclose(atlas.aspect, 30 / 46, atol=1e-3)
    np.testing.assert_allclose(atlas.loop_seconds, 1.6, atol=1e-3)
    sprites = np.stack(atlas.sprites)
    blue = (sprites[:, :, 2] > 128) & (sprites[:, :, 3] > 128)
    columns = np.arange(32)
    centres = [(columns * member.sum((0, 1))).sum() / member.sum() for member in blue]
    assert members()["cat"].facing == "left"
    assert members()["penguin"].facing == "front"
    assert centres[0] > 24
    assert centres[1] < 8
    heights = [np.argwhere(frame > 128)[:, 0].mean() for frame in atlas.sprites[0][:, 3]]
    assert (np.diff(heights) > 0).all()


def test_a_cut_loop_plays_only_its_frames(tmp_path: Path):
    animation(tmp_path / "loop.webp")
    frames, seconds = read_loop(tmp_path / "loop.webp", (4, 20))
    assert len(frames) == FRAMES
    assert seconds == pytest.approx(0.8)
    tops = [np.asarray(frame)[..., 3].any(1).argmax() for frame in frames]
    assert tops == [8 + place for place in range(4, 20)]


def test_a_still_is_packed_once_and_repeated(tmp_path: Path):
    member = members()["ball"]
    path = tmp_path / "assets" / member.package / "package" / "assets" / f"{member.codepoint}.webp"
    path.parent.mkdir(parents=True)
    Image.new("RGBA", (40, 20), (10, 200, 10, 255)).save(path)
    build_atlas(tmp_path / "a.zip", tmp_path / "assets", ("ball",), size=16)
    atlas = load_atlas(tmp_path / "a.zip")
    assert (atlas.loop_frames[0], atlas.loop_seconds[0], atlas.aspect[0]) == (1, 1.0, 2.0)
    assert atlas.sprites[0].shape == (1, 4, 16, 16)


def test_the_sheet_shows_every_member(assets: Path, tmp_path: Path):
    build_atlas(tmp_path / "a.zip", assets, ("cat", "penguin"), size=32)
    draw_sheet(load_atlas(tmp_path / "a.zip"), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert len(sheet.getcolors(2**16) or ()) > 4


def test_missing_pictures_are_named_and_the_old_atlas_is_kept(tmp_path: Path):
    out = tmp_path / "a.zip"
    out.write_bytes(b"old")
    with pytest.raises(SystemExit, match=members()["cat"].codepoint):
        main(out, small=True, assets=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert out.read_bytes() == b"old"


def test_a_file_that_is_no_atlas_is_refused(tmp_path: Path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(zipfile.BadZipFile):
        load_atlas(tmp_path / "a.zip")


def test_fetching_without_npm_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"npm is not installed.*--assets"):
        fetch(("still",), tmp_path / "packages")
    (tmp_path / "packages" / "still" / "package").mkdir(parents=True)
    fetch(("still",), tmp_path / "packages")

import numpy as np
import pytest
from PIL import Image

from vitascope.deliver.mux import save
from vitascope.deliver.sheet import BACKGROUND, GAP, LINE, SIDE, save_sheet, sheet
from vitascope.errors import InputFileError, OutputExistsError
from vitascope.testing.fakes import synthetic_clip


def test_every_clip_has_its_moments_and_its_seed(tmp_path):
    clips = [save(synthetic_clip(num_frames=9, seed=seed), tmp_path / f"{seed}.mp4") for seed in (1, 2)]
    with Image.open(save_sheet(clips, tmp_path / "sheet.png")) as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    for seed in (1, 2):
        frames = synthetic_clip(num_frames=9, seed=seed).frames
        sky = frames[0, 0, -1].astype(int)
        assert (np.abs(pixels - sky).max(axis=2) < 12).mean() > 0.01, "the sky of each clip is there"
    title = pixels[GAP : GAP + LINE, GAP : GAP + SIDE]
    assert (title.max(axis=2) > 150).any(), "something is written above the first clip"
    assert (pixels[:GAP] == BACKGROUND).all()


def test_the_same_clips_give_the_same_sheet(tmp_path):
    clip = save(synthetic_clip(num_frames=5), tmp_path / "clip.mp4")
    one, other = (save_sheet([clip, clip], tmp_path / f"{name}.png").read_bytes() for name in "ab")
    assert one == other


@pytest.mark.parametrize("number", [1, 2, 3, 6, 17, 64])
def test_a_sheet_is_about_as_wide_as_high_and_holds_them_all(number):
    strips = [Image.new("RGB", (652, 186), (255, i, 0)) for i in range(number)]
    drawn = sheet(strips)
    if number > 3:
        assert 0.7 < drawn.width / drawn.height < 2.5
    seen = {colour[1] for _, colour in drawn.getcolors(10**6) or [] if colour[0] == 255}
    assert seen == set(range(number))


def test_one_frame_is_one_moment(tmp_path):
    clip = save(synthetic_clip(num_frames=1), tmp_path / "clip.mp4")
    assert save_sheet([clip, clip], tmp_path / "sheet.png").is_file()


def test_nothing_is_overwritten_and_foreign_files_are_refused(tmp_path):
    clip = save(synthetic_clip(num_frames=1), tmp_path / "clip.mp4")
    (tmp_path / "sheet.png").write_text("precious")
    with pytest.raises(OutputExistsError):
        save_sheet([clip], tmp_path / "sheet.png")
    with pytest.raises(InputFileError):
        save_sheet([tmp_path / "sheet.png"], tmp_path / "other.png")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["clip.mp4", "sheet.png"]

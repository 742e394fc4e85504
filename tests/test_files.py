import errno

import pytest

from vitascope.errors import OutputError, OutputExistsError
from vitascope.files import published, sweep


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    file = tmp_path / "clip.mp4"
    with pytest.raises(OutputExistsError), published(file, force=False) as part:
        part.write_text("new")
        file.write_text("precious")
    assert file.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), RuntimeError()])
def test_nothing_half_written_stays(tmp_path, error):
    expected = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), published(tmp_path / "clip.mp4", force=False) as part:
        part.write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_the_argument_that_asked_is_named(tmp_path):
    with (
        pytest.raises(OutputError, match=r"^resume: "),
        published(tmp_path / "no" / "file", force=True, argument="resume"),
    ):
        pass


def test_what_a_killed_process_left_is_swept_away_and_nothing_else(tmp_path):
    for name in (
        ".clip.mp4.0123abcd.part",
        "clip.mp4",
        ".clip.mp4.part",
        "other.part",
        ".clip2.mp4.0123abcd.part",
    ):
        (tmp_path / name).touch()
    sweep(tmp_path / "clip.mp4")
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"clip.mp4", ".clip.mp4.part", "other.part", ".clip2.mp4.0123abcd.part"}

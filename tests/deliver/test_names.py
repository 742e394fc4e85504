import os
from pathlib import Path

import pytest

from vitascope.deliver.names import check_output, output_path, slug
from vitascope.errors import OutputError, OutputExistsError, RequestError


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A cat, walking!", "a-cat-walking"),
        ("🐈🌳", "clip"),
        ("../../etc/passwd", "etc-passwd"),
        ("قطة في حديقة", "قطة-في-حديقة"),
        ("x" * 500, "x" * 48),
        (
            "a very long prompt about a cat that walks through a garden",
            "a-very-long-prompt-about-a-cat-that-walks",
        ),
    ],
)
def test_slugs_are_short_file_names(prompt, name):
    assert slug(prompt) == name
    assert len(slug(prompt * 100).encode()) <= 150


def test_a_name_comes_from_prompt_and_seed():
    assert output_path(None, "a cat", 7) == Path("a-cat-7.mp4")


def test_a_folder_gets_the_name_put_into_it(tmp_path):
    assert output_path(tmp_path, "a cat", 7) == tmp_path / "a-cat-7.mp4"
    assert output_path(tmp_path / "clip.mp4", "a cat", 7) == tmp_path / "clip.mp4"


def test_several_clips_have_their_seed_in_their_names(tmp_path):
    assert output_path(tmp_path / "clip.mp4", "a cat", 7, several=True) == tmp_path / "clip-7.mp4"


def test_other_formats_are_refused_with_the_nearest():
    with pytest.raises(RequestError, match=r"nearest: clip\.mp4"):
        output_path(Path("clip.avi"), "a cat", 7)


def test_an_existing_file_is_refused_unless_forced(tmp_path):
    file = tmp_path / "clip.mp4"
    file.write_text("precious")
    with pytest.raises(OutputExistsError, match="--force"):
        check_output(file, force=False)
    check_output(file, force=True)


def test_a_missing_folder_is_refused_with_the_nearest_there_is(tmp_path):
    with pytest.raises(RequestError, match=f"nearest: {tmp_path}$"):
        check_output(tmp_path / "no" / "such" / "clip.mp4", force=False)


def test_a_device_is_never_replaced():
    with pytest.raises(RequestError, match="not a regular file"):
        check_output(Path(os.devnull), force=True)


def test_a_name_too_long_for_the_system_is_an_error_of_ours(tmp_path):
    with pytest.raises(OutputError):
        check_output(tmp_path / ("x" * 300 + ".mp4"), force=False)

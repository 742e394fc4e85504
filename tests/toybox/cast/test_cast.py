import re
from collections import Counter

import numpy as np
import pytest

from vitascope.toybox.cast import KINDS, LANGUAGES, Cast
from vitascope.toybox.cast.pages import read_strip, resize_page, shipped_archive
from vitascope.toybox.cast.table import read_entries

CAST = Cast.load()
NEVER_TRAINED = ("tiger", "sheep", "giraffe", "snail", "bus", "teddy bear", "pumpkin", "woman", "owl", "train",
                 "pig", "octopus")  # fmt: skip


def test_there_are_a_thousand_pages_and_many_move_by_themselves():
    plain = [entry for entry in CAST if not entry.tone]
    assert len(plain) >= 1000
    assert sum(entry.phases > 1 for entry in plain) >= 150
    assert {entry.kind for entry in plain} == set(KINDS)
    assert shipped_archive().stat().st_size <= 12 * 2**20


def test_every_entry_is_sound():
    for entry in CAST:
        assert 0.2 <= entry.height <= 0.6, entry.id
        assert 0.1 <= entry.aspect <= 6, entry.id
        assert entry.facing in ("right", "front"), entry.id
        assert all(0 <= share <= 1 for share in entry.feet), entry.id
        assert (entry.phases > 1) == (entry.loop_seconds > 0), entry.id
        assert entry.size <= 128, entry.id
        assert entry.actions, entry.id
        assert not entry.base or CAST.find(entry.base).tone == "", entry.id


def test_names_stand_in_all_languages():
    lacking = Counter(
        language
        for entry in CAST
        if not entry.tone
        for language in LANGUAGES
        if not entry.names.get(language)
    )
    assert lacking["ar"] <= 0.2 * len(CAST)
    assert all(count == 0 for language, count in lacking.items() if language != "ar")
    assert CAST.find("cat").names["de"] == ("Katze",)
    assert "قطة" in CAST.find("cat").names["ar"]


def test_one_in_ten_subjects_is_never_trained():
    held_out = [entry for entry in CAST if entry.held_out and not entry.tone]
    assert len(held_out) >= 100
    assert set(NEVER_TRAINED) <= {entry.id for entry in held_out}
    assert {entry.kind for entry in held_out} == set(KINDS)
    by_strip = {}
    for entry in CAST:
        by_strip.setdefault(entry.strip or entry.id, set()).add(entry.held_out)
    assert all(len(marks) == 1 for marks in by_strip.values()), "a page is both trained and held out"


def test_a_tone_is_held_out_with_its_plain_page():
    for entry in CAST:
        if entry.base:
            assert entry.held_out == CAST.find(entry.base).held_out, entry.id


@pytest.mark.parametrize("name", ["cat", "woman", "woman:dark", "boy", "cake", "castle"])
def test_a_page_is_a_stack_of_premultiplied_pictures(name):
    entry = CAST.find(name)
    page = CAST.page(name, entry.size)
    assert page.shape == (entry.phases, 4, entry.size, entry.size)
    assert page.dtype == np.uint8
    assert (page[:, :3] <= page[:, 3:]).all()
    assert page[:, 3].max() > 200


def test_a_page_is_resized_without_leaking_colour_past_its_alpha():
    page = CAST.page("tiger", 32)
    assert page.shape == (8, 4, 32, 32)
    assert (page[:, :3] <= page[:, 3:]).all()
    full = CAST.page("tiger", CAST.find("tiger").size)
    assert page.mean() == pytest.approx(full.mean(), rel=0.02)
    assert (resize_page(full, 160)[:, :3] <= resize_page(full, 160)[:, 3:]).all()


def test_feet_touch_what_is_drawn():
    for name in ("cat", "penguin", "car", "house", "woman"):
        entry = CAST.find(name)
        page = CAST.page(name, 64)[:, 3] > 40
        lowest = np.median([np.flatnonzero(frame.any(1))[-1] + 1 for frame in page])
        assert lowest / 64 == pytest.approx(entry.feet[1], abs=0.05), name


def test_copies_share_their_pictures():
    assert CAST.find("girl").strip == "woman"
    np.testing.assert_array_equal(CAST.page("girl", 32), CAST.page("woman", 32))
    assert CAST.find("girl").height < CAST.find("woman").height


def test_an_unknown_page_is_a_key_error():
    with pytest.raises(KeyError):
        CAST.page("quokka", 32)


def test_a_table_is_read_as_it_was_written():
    entries = [CAST.find(name) for name in ("woman", "woman:dark", "cake")]
    assert list(read_entries("\n".join(entry.to_json() for entry in entries)).values()) == entries


def test_a_strip_that_is_no_row_of_squares_is_refused():
    with pytest.raises(OSError, match="identify"):
        read_strip(b"nonsense")


def test_ids_are_safe_file_names():
    assert not [entry.id for entry in CAST if not re.fullmatch(r"[\w .:&!'’+,()-]+", entry.id)]

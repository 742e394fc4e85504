import io
import json
import shutil
import stat
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from vitascope.deliver.compare import compare
from vitascope.deliver.mux import encode, read, save
from vitascope.deliver.provenance.anchors import trust_anchors
from vitascope.deliver.provenance.boxes import C2PA_UUID, top_boxes, unsigned
from vitascope.deliver.provenance.c2pa import read_manifest
from vitascope.deliver.provenance.marks import save_picture
from vitascope.deliver.provenance.verify import verify
from vitascope.deliver.stream import stream
from vitascope.errors import InputFileError, MarkError
from vitascope.settings import settings
from vitascope.testing.fakes import synthetic_clip
from vitascope.types import Given


def given(clip, *givens):
    return replace(
        clip, record=replace(clip.record, shot=clip.record.shot.model_copy(update={"givens": givens}))
    )


def test_a_clip_says_what_it_is_to_us_and_to_strangers(tmp_path):
    file = synthetic_clip().save(tmp_path / "a.mp4")
    ours, theirs = verify(file, trust_anchors(settings())), verify(file)
    assert (ours.verdict, ours.manifest.state) == ("marked", "Trusted")
    assert (theirs.verdict, theirs.manifest.state) == ("marked", "Valid")
    assert theirs.manifest.digital_source_types == ("trainedAlgorithmicMedia",)
    assert theirs.xmp.digital_source_type == "trainedAlgorithmicMedia"
    assert theirs.manifest.record["shot"]["prompt"] == "a disc"
    assert "nobody vouches" in " ".join(theirs.lines)


def test_the_bytes_before_the_signature_are_the_same(tmp_path):
    one, two = (synthetic_clip().save(tmp_path / f"{name}.mp4") for name in "ab")
    assert one.read_bytes() != two.read_bytes()
    assert unsigned(one) == unsigned(two)
    assert compare(one, read(one), two).bytes_identical


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_one_flipped_byte_breaks_it(tmp_path, place):
    file = synthetic_clip().save(tmp_path / "a.mp4")
    with file.open("rb") as opened:
        mdat = next(box for box in top_boxes(opened) if box.kind == b"mdat")
    data = bytearray(file.read_bytes())
    data[mdat.start + 8 + int((mdat.size - 8) * place)] ^= 1
    file.write_bytes(data)
    report = verify(file)
    assert (report.verdict, report.manifest.state) == ("broken", "Invalid")
    assert "changed after it was signed" in report.lines[0]


def test_a_stream_is_signed_at_its_end(tmp_path):
    clip, out = synthetic_clip(), io.BytesIO()
    stream(iter((clip.frames[:4], clip.frames[4:])), clip.fps, clip.record, out)
    file = tmp_path / "stream.mp4"
    file.write_bytes(out.getvalue())
    with file.open("rb") as opened:
        assert list(top_boxes(opened))[-1].uuid == C2PA_UUID
    report = verify(file, trust_anchors(settings()))
    assert (report.verdict, report.manifest.state) == ("marked", "Trusted")
    assert len(read(file).frames) == 9


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_pictures_are_marked(tmp_path, kind):
    clip = synthetic_clip().save(tmp_path / "a.mp4")
    picture = tmp_path / "picture"
    save_picture(Image.fromarray(read(clip).frames[0]), picture, kind, clips=[clip], still=True)
    report = verify(picture)
    assert (report.verdict, report.manifest.state) == ("marked", "Valid")
    assert report.xmp.digital_source_type == "trainedAlgorithmicMedia"
    assert report.manifest.history == (
        f"made from clip 1 (trainedAlgorithmicMedia), signed by {report.manifest.signer.partition(',')[0]}",
    )


def test_what_it_came_from_stays_with_its_own_history(tmp_path):
    photograph = tmp_path / "photograph.png"
    Image.new("RGB", (64, 48), "red").save(photograph)
    film = given(synthetic_clip(), Given(kind="image", source=str(photograph))).save(tmp_path / "film.mp4")
    edit = given(synthetic_clip(), Given(kind="video", source=str(film), role="source"))
    report = verify(edit.save(tmp_path / "edit.mp4"))
    assert report.manifest.digital_source_types == ("compositeWithTrainedAlgorithmicMedia",)
    assert [line.partition(",")[0] for line in report.manifest.history] == [
        "made from film.mp4 (compositeWithTrainedAlgorithmicMedia)",
        "  holds photograph.png",
    ]


def test_the_switch_is_of_the_settings_and_written_down(tmp_path, configure, home):
    encode(synthetic_clip(), tmp_path / "plain.mp4")
    configure("enabled = false")
    settings.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VITASCOPE_MARKS")
        settings.cache_clear()
        file = synthetic_clip().save(tmp_path / "a.mp4")
    assert file.read_bytes() == (tmp_path / "plain.mp4").read_bytes()
    assert verify(file).verdict == "none"
    lines = (home / "marks" / "switch.jsonl").read_text().splitlines()
    assert [json.loads(line)["enabled"] for line in lines] == [False]


def test_a_key_that_others_can_read_is_refused_and_nothing_written(tmp_path, home):
    synthetic_clip().save(tmp_path / "a.mp4")
    key = home / "marks" / "credentials.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    from vitascope.deliver.provenance.credentials import own_credentials

    own_credentials.cache_clear()
    with pytest.raises(MarkError, match="can be read by others; say: chmod 600"):
        save(synthetic_clip(), tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_the_manifest_of_another_file_is_told_from_its_own(tmp_path):
    one, two = (
        synthetic_clip(seed=1).save(tmp_path / "a.mp4"),
        synthetic_clip(seed=2).save(tmp_path / "b.mp4"),
    )
    with one.open("rb") as file:
        box = next(box for box in top_boxes(file) if box.uuid == C2PA_UUID)
    stolen = one.read_bytes()[box.start : box.start + box.size]
    two.write_bytes(unsigned(two) + stolen)
    assert verify(two).verdict == "broken"


def test_damaged_manifests_are_one_line_each(tmp_path):
    file = synthetic_clip().save(tmp_path / "a.mp4")
    whole = file.read_bytes()
    with file.open("rb") as opened:
        box = next(box for box in top_boxes(opened) if box.uuid == C2PA_UUID)
    rng = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(box.start + 24, box.start + box.size, 6):
            data[place] = rng.integers(256)
        file.write_bytes(data)
        report = read_manifest(file)
        assert report is None or (report.state == "Invalid") == bool(report.problem)
        assert report is None or "\n" not in report.problem
    file.write_bytes(whole[: box.start + box.size // 2])
    assert verify(file).verdict in ("broken", "none")


def test_a_stripped_file_has_none(tmp_path):
    plain = tmp_path / "plain.png"
    Image.new("RGB", (8, 8)).save(plain)
    report = verify(plain)
    assert report.verdict == "none"
    assert "does not prove that a person made it" in report.lines[-1]
    shutil.copy(plain, tmp_path / "same.png")


def test_a_private_record_stays_in_the_home_folder(tmp_path, configure, home):
    configure('record = "private"')
    file = synthetic_clip().save(tmp_path / "a.mp4")
    assert b"a disc" not in file.read_bytes()
    report = verify(file)
    assert (report.verdict, report.manifest.record, report.xmp.prompt) == ("marked", None, "")
    assert read(file).record.shot.prompt == "a disc"
    (kept,) = (home / "marks" / "records").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.unlink()
    with pytest.raises(InputFileError, match="private, and kept where it was made"):
        read(file)

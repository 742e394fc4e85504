import numpy as np
import pytest
from PIL import Image

from vitascope.deliver.mux import save
from vitascope.deliver.provenance.codes import Payload, decode, encode, model_number, parse, payload_of
from vitascope.deliver.provenance.detect import BOUND, chance, detect
from vitascope.deliver.provenance.verify import verify
from vitascope.deliver.provenance.watermark import PUBLIC_KEY, Embedder, mark_picture
from vitascope.testing.fakes import synthetic_clip

PAYLOAD = Payload(0xABC, 0x123456789)
WIDTH, HEIGHT = 448, 256


@pytest.fixture(scope="module")
def luma():
    """A picture as rough as many: soft shapes under fine texture."""
    rng = np.random.default_rng(0)
    soft = Image.fromarray(rng.integers(30, 220, (8, 14), dtype=np.uint8)).resize((WIDTH, HEIGHT), 3)
    return np.clip(np.asarray(soft) + rng.normal(0, 4, (HEIGHT, WIDTH)), 16, 235).astype(np.uint8)


@pytest.fixture(scope="module")
def marked(luma):
    return Embedder(PAYLOAD)(luma)


def resized(picture, width, height):
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def test_the_code_mends_a_fifth_of_wrong_signs():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2, (20, 64)).astype(np.int8)
    soft = np.stack([encode(word) for word in words]) + rng.normal(0, 0.9, (20, 192))
    assert (np.sign(soft) != np.stack([encode(word) for word in words])).mean() > 0.1
    wrong = (decode(soft.astype(np.float32)) != words).any(axis=1)
    assert wrong.mean() <= 0.05


def test_the_code_is_that_of_lte():
    """3GPP TS 36.212: a single one meets each generator's taps in turn, 133, 171 and 165 in octal."""
    word = np.zeros(64, np.int8)
    word[0] = 1
    streams = (1 - encode(word)[:21].reshape(7, 3).T) // 2
    assert ["".join(map(str, stream)) for stream in streams] == [f"{g:07b}" for g in (0o133, 0o171, 0o165)]


def test_64_bits_are_checked():
    bits = PAYLOAD.bits()
    assert parse(bits) == PAYLOAD
    for place in range(64):
        wrong = bits.copy()
        wrong[place] ^= 1
        assert parse(wrong) is None
    assert len(PAYLOAD.text()) == 16


def test_an_identifier_depends_on_the_key():
    assert payload_of("toybox", b"a cat", b"one") != payload_of("toybox", b"a cat", b"two")
    assert payload_of("toybox", b"a cat", b"one").model == model_number("toybox")


def test_little_is_added_and_always_the_same(luma, marked):
    apart = (marked.astype(float) - luma) * 255 / 219
    assert 10 * np.log10(255**2 / np.mean(apart**2)) >= 42
    assert (Embedder(PAYLOAD)(luma) == marked).all()
    again = Embedder(PAYLOAD)(marked).astype(float) - marked
    assert np.sqrt(np.mean(again**2)) < 0.6, "a marked frame is left nearly as it is"


@pytest.mark.parametrize(
    "attack",
    [
        lambda frame: frame,
        lambda frame: frame[:, ::-1],
        lambda frame: frame[9:-4, 15:-8],
        lambda frame: resized(frame, WIDTH // 2, HEIGHT // 2),
        lambda frame: resized(frame, WIDTH * 2, HEIGHT * 2),
        lambda frame: resized(frame[9:-4, 15:-8], WIDTH, HEIGHT),
        lambda frame: np.pad(frame, ((40, 40), (0, 0)), constant_values=16),
        lambda frame: np.clip(frame * 1.1 + 8, 0, 235),
    ],
    ids=["none", "mirror", "crop", "half", "double", "crop and zoom", "letterbox", "brightness"],
)
def test_it_is_found_in(marked, attack):
    found = detect([(np.ascontiguousarray(attack(marked)).astype(np.uint8), 0)], PUBLIC_KEY)
    assert found is not None
    assert found.payload == PAYLOAD


def test_another_key_and_an_unmarked_picture_find_nothing(luma, marked):
    assert detect([(marked, 0)], b"another key of the owner") is None
    assert detect([(luma, 0)], PUBLIC_KEY) is None


def test_chance_is_bounded_by_calculation():
    assert chance(13.0, 4) < BOUND < chance(9.0, 4)
    assert chance(0.0, 4) == 1.0


def test_a_second_mark_takes_the_place_of_the_first(marked):
    other = Payload(7, 42)
    found = detect([(Embedder(other)(marked), 0)], PUBLIC_KEY)
    assert found is not None
    assert found.payload == other


def test_pictures_are_marked_in_their_luma(luma):
    picture = np.stack([luma, luma // 2 + 40, 200 - luma // 2], axis=-1)
    grey = np.asarray(Image.fromarray(mark_picture(picture, Embedder(PAYLOAD))).convert("L"))
    assert detect([(grey, 0)], PUBLIC_KEY).payload == PAYLOAD


def test_a_clip_and_its_manifest_say_the_same(tmp_path):
    report = verify(save(synthetic_clip(num_frames=5, width=320, height=192), tmp_path / "a.mp4"))
    assert report.verdict == "marked"
    assert [("vitascope.watermark.1", report.watermark.payload)] == list(report.manifest.soft_bindings)


def test_frames_without_room_for_a_tile_claim_no_watermark(tmp_path):
    report = verify(save(synthetic_clip(), tmp_path / "a.mp4"))
    assert (report.watermark, report.manifest.soft_bindings) == (None, ())

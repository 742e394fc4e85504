"""Denoising that is broken off anywhere goes on to the same bits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.toybox.planned import conditioned, planned
from vitascope.denoise.run import Denoiser, denoise
from vitascope.errors import Cancelled
from vitascope.givens.canvas import Canvas
from vitascope.givens.load import Known
from vitascope.progress import Event, Progress
from vitascope.resume import StateFolder
from vitascope.testing.fakes import fake_clean, fake_texts, fake_video
from vitascope.toybox.conditioning.windows import Window
from vitascope.toybox.motion.encoders import Encoders
from vitascope.types import Conditioning, Latents, Shot

SHOT = Shot(prompt="a cat", seed=7, steps=5, guidance_scale=2.0, num_frames=5, size=(32, 16), fps=8.0)
DENOISER = Denoiser(fake_clean, sampler="ab2", shift=2.0)


def known() -> Conditioning:
    """The conditioning of the shot, its first token given."""
    nothing = Known(Canvas.empty(SHOT.video_shape()))
    encoders = Encoders(fake_texts, fake_video)
    conditioning = conditioned(SHOT, nothing, Window(0, 5), encoders)
    levels = conditioning.levels.copy()
    levels[0] = 0
    return replace(conditioning, levels=levels)


def looked(latents: Latents) -> np.ndarray:
    return np.zeros((1, 1, 3), np.uint8)


def run(
    folder: Path | None, conditioning: Conditioning, steps: int = 99
) -> tuple[np.ndarray | None, list[Event]]:
    """Denoise, and be cancelled after so many steps."""
    heard: list[Event] = []
    progress = Progress(heard.append, lambda: heard[-1].step >= steps if heard else False)
    kept = None if folder is None else StateFolder(folder).open(SHOT, {})
    try:
        return denoise(planned(SHOT), conditioning, DENOISER, progress, kept, looked).video, heard
    except Cancelled:
        return None, heard


def notes(heard: list[Event]) -> list[str]:
    return [event.note for event in heard if event.note]


@pytest.mark.parametrize("steps", range(1, 6))
def test_a_clip_that_was_broken_off_ends_in_the_same_bits(tmp_path, steps):
    whole, _ = run(None, known())
    assert run(tmp_path, known(), steps)[0] is None
    again, heard = run(tmp_path, known())
    np.testing.assert_array_equal(again, whole)
    assert notes(heard) == [f"going on after step {steps} of 5"]
    assert [event.step for event in heard if event.preview is not None] == list(range(1, 6 - steps))


def test_it_may_be_broken_off_again_and_again(tmp_path):
    whole, _ = run(None, known())
    for _ in range(4):
        assert run(tmp_path, known(), 1)[0] is None
    again, heard = run(tmp_path, known())
    np.testing.assert_array_equal(again, whole)
    assert notes(heard) == ["going on after step 4 of 5"]


def test_a_damaged_state_starts_the_clip_over_with_a_note(tmp_path):
    whole, _ = run(None, known())
    run(tmp_path, known(), 3)
    file = tmp_path / "state-7.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    again, heard = run(tmp_path, known())
    np.testing.assert_array_equal(again, whole)
    assert notes(heard) == [f"{file} is damaged: the clip starts over"]


def test_a_picture_that_has_changed_since_starts_the_clip_over_with_a_note(tmp_path):
    run(tmp_path, known(), 3)
    given = known().given.copy()
    given[0] = 1.0
    changed = replace(known(), given=given)
    whole, _ = run(None, changed)
    again, heard = run(tmp_path, changed)
    np.testing.assert_array_equal(again, whole)
    assert len(notes(heard)) == 1
    assert "starts over" in notes(heard)[0]


def test_a_lower_temperature_starts_from_less_noise():
    conditioning, seen = known(), []

    def watched(latents, levels, conditioning):
        seen.append(latents.std())
        return fake_clean(latents, levels, conditioning)

    for temperature in (1.0, 0.5):
        denoiser = replace(DENOISER, model=watched, temperature=temperature)
        unguided = SHOT.model_copy(update={"guidance_scale": 1.0})
        denoise(planned(unguided), conditioning, denoiser, Progress())
    hot, cold = seen[0], seen[len(seen) // 2]
    assert cold == pytest.approx(hot / 2)

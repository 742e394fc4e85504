import numpy as np
import pytest
from PIL import Image

from vitascope import pipeline
from vitascope.backends.registry import backend
from vitascope.decode.video import decode, glimpse
from vitascope.jobs import previews as module
from vitascope.jobs.previews import Previews
from vitascope.jobs.progress import JobProgress
from vitascope.jobs.service import JobService
from vitascope.jobs.storage import JobStorage
from vitascope.jobs.stores.memory import memory_store
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.progress import Event, Progress
from vitascope.testing.chaos import take
from vitascope.testing.fakes import FakeLatents
from vitascope.toybox.layout import LATENT_CHANNELS
from vitascope.types import Latents, LatentShape


class Clock:
    """Stands still until it is told otherwise."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def picture(clock: Clock, seconds: float = 0.0, side: int = 512):
    """An event that can be looked at, which takes so long."""

    def make() -> np.ndarray:
        clock.now += seconds
        return np.full((side // 2, side, 3), 200, np.uint8)

    return Event("denoise", 1, 4, preview=make)


def test_pictures_are_small_and_seldom(tmp_path):
    clock = Clock()
    previews = Previews(tmp_path / "p.webp", every=2, clock=clock)
    assert previews.see(picture(clock)) == 0, "not at once"
    clock.now = 1.0
    assert previews.see(picture(clock)) == 1
    assert previews.see(picture(clock)) == 1
    clock.now = 2.9
    assert previews.see(picture(clock)) == 1
    clock.now = 3.0
    assert previews.see(Event("denoise", 1, 4)) == 1, "nothing to be seen"
    assert previews.see(picture(clock)) == 2
    with Image.open(tmp_path / "p.webp") as seen:
        assert (seen.format, seen.size) == ("WEBP", (256, 128))
    assert [file.name for file in tmp_path.iterdir()] == ["p.webp"]


def test_who_takes_long_is_asked_less_often(tmp_path):
    clock = Clock()
    previews = Previews(tmp_path / "p.webp", every=2, clock=clock)
    made, seen = [], 0
    while clock.now < 1000:
        begun = clock.now
        if (number := previews.see(picture(clock, seconds=3))) > seen:
            made.append(begun)
            seen = number
        clock.now += 0.5
    assert 3 * len(made) / 1000 < 0.06, "a twentieth of the time"
    assert len(made) > 10


@pytest.mark.parametrize("error", [OSError(28, "No space left"), MemoryError(), ValueError("no picture")])
def test_a_picture_that_cannot_be_made_harms_nothing(tmp_path, error):
    clock = Clock()
    previews = Previews(tmp_path / "p.webp", clock=clock)
    clock.now = 10.0

    def broken() -> np.ndarray:
        raise error

    assert previews.see(Event("denoise", 1, 4, preview=broken)) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_glimpse_is_near_the_frame_that_will_be_there():
    shape = LatentShape(5, 3, 4)
    latents = Latents(
        np.random.default_rng(1).normal(size=(shape.num_tokens, LATENT_CHANNELS)).astype(np.float32),
        shape,
        8.0,
    )
    decoder = FakeLatents()._model().decoder
    frames = decode(latents, decoder, Progress())
    np.testing.assert_array_equal(glimpse(latents, decoder), frames[8])
    one = Latents(latents.video[:12], LatentShape(1, 3, 4), 8.0)
    np.testing.assert_array_equal(glimpse(one, decoder), frames[0])


def test_every_step_of_a_clip_can_be_looked_at_and_looking_changes_nothing():
    def made(looks: bool) -> tuple[np.ndarray, list[tuple[str, int]]]:
        seen = []

        def listen(event: Event) -> None:
            if looks and event.preview is not None:
                assert event.preview().shape == (48, 64, 3)
                seen.append((event.phase, event.step))

        return pipeline.generate(take(7), FakeLatents(), Progress(listen)).frames, seen

    blind, _ = made(False)
    frames, seen = made(True)
    np.testing.assert_array_equal(frames, blind)
    assert seen == [*(("denoise", step) for step in (1, 2, 3, 4)), ("decode", 1)]


def test_a_worker_shows_the_clip_in_the_making_and_clears_up(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARE", 1e9)
    storage = JobStorage(tmp_path / "jobs")
    storage.make()
    service = JobService(memory_store(), storage)
    job = service.submit(take(7)).id
    shown = []

    class Watching(FakeLatents):
        def render(self, shot, progress, resume_folder=None):
            listener = progress._listener

            def listen(event: Event) -> None:
                listener(event)
                if event.phase == "denoise" and event.step == 3 and not event.finished:
                    with Image.open(service.storage.preview(job)) as seen:
                        shown.append((seen.size, service.store.get(job).standing.preview))

            progress._listener = listen
            return super().render(shot, progress, resume_folder)

    Worker(service, WorkerOptions(once=True, preview=0), lambda model: Watching()).run()
    assert service.store.get(job).state == "completed"
    assert shown == [((64, 48), 3)]
    assert [file.name for file in service.storage.folder(job).iterdir()] == ["1-0.mp4"]
    numbers = [one.data["preview"] for one in service.store.events(job) if one.type == "progress"]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 5


def test_the_guess_for_the_whole_job_is_of_the_pace_of_this_attempt():
    clock = Clock()
    planned = pipeline.plan(take(7, steps=10), backend("fake")).shot
    job_progress = JobProgress([planned], clock=clock)
    job_progress.read(Event("load", 0, 1))
    clock.now = 50.0
    job_progress.read(Event("encode", 0, 1))
    told = []
    for step in range(1, 11):
        clock.now += 2.0
        told.append(job_progress.read(Event("denoise", step, 10)).job_seconds_left)
    assert told[0] is None, "one step is no pace"
    assert told[1] == pytest.approx(2 * (8 + 2.5), rel=0.2), "eight steps, decoding and writing"
    assert told[1:] == sorted(told[1:], reverse=True)
    assert job_progress.read(Event("write", 1, 1)).job_seconds_left == pytest.approx(0, abs=0.3)

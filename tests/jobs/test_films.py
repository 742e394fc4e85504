"""A film is one job: it is checked as a whole, made shot after shot, and goes on in the shot where it was."""

import os
from functools import cache

import pytest
from PIL import Image

from tests.director.conftest import SHOTS, film
from tests.jobs.test_worker import Watched, fail, left_after, work
from vitascope.deliver.mux import read_record
from vitascope.director.make import kept_in, make_film, shots_of
from vitascope.director.storyboard import storyboard
from vitascope.errors import BudgetError, JobConflictError, LeaseLostError, RequestError
from vitascope.jobs.budget import Budget
from vitascope.jobs.service import JobService
from vitascope.jobs.storage import JobStorage
from vitascope.jobs.stores.memory import memory_store
from vitascope.progress import Progress
from vitascope.testing.fakes import FakeLatents


@pytest.fixture
def service(tmp_path) -> JobService:
    """A service whose queue is in memory: worker and test share one process."""
    storage = JobStorage(tmp_path / "jobs")
    storage.make()
    return JobService(memory_store(), storage)


@pytest.fixture
def whole(tmp_path) -> bytes:
    """The bytes of the film when nobody disturbs it."""
    make_film(film(), tmp_path / "whole.mp4")
    return (tmp_path / "whole.mp4").read_bytes()


@cache
def calls(number: int) -> int:
    """How often the network is called for so many shots."""
    counting = Watched()
    with kept_in(None) as folder:
        shots_of(storyboard(film(*SHOTS[:number])), counting, folder, Progress())
    return counting.calls


def test_a_film_is_one_job_with_the_bytes_of_make_film(service, whole):
    job = service.submit_film(film())
    assert (job.request.kind, job.request.model, job.request.planned.num_frames) == ("film", "fake", 20)
    work(service)
    done = service.store.get(job.id)
    assert (done.state, done.notes) == ("completed", job.notes)
    assert service.file(job.id).read_bytes() == whole
    (output,) = done.outputs
    assert (output.num_frames, output.fps, output.size, output.seed) == (20, 8.0, (64, 48), 7)
    assert [file.name for file in service.storage.folder(job.id).iterdir()] == [output.name], (
        "the shots are gone"
    )


def test_progress_is_told_shot_by_shot(service):
    job = service.submit_film(film())
    work(service)
    told = [event.data for event in service.store.events(job.id) if event.type == "progress"]
    percents = [one["percent"] for one in told]
    assert (percents, percents[-1]) == (sorted(percents), 99)
    assert sorted({one["clip"] for one in told}) == [0, 1, 2, 3]
    second = [one["clip_percent"] for one in told if one["clip"] == 1]
    assert second == sorted(second)
    assert second[-1] > 90
    assert told[-1]["phase"] == "cut"


def test_a_film_that_is_given_back_in_its_second_shot_goes_on_there(service, whole):
    job = service.submit_film(film())
    first = calls(1)
    left_after(service, calls=first + 2)
    assert service.store.get(job.id).standing.clip == 1
    following = Watched()
    work(service, following)
    assert following.calls < calls(3) - first, "the first shot is not made again, nor all of the second"
    assert service.file(job.id).read_bytes() == whole


def test_a_film_whose_shot_fails_says_which_and_is_retried_from_there(service, whole):
    job, first = service.submit_film(film()), calls(1)
    work(service, Watched(at=first + 1, do=fail(RequestError("steps", "0 is too few"))))
    failed = service.store.get(job.id)
    assert (failed.state, failed.failure.code) == ("failed", "invalid_request")
    assert failed.failure.message == "shots[1].steps: 0 is too few"
    service.store.retry(job.id)
    again = Watched()
    work(service, again)
    assert again.calls == calls(3) - first
    assert service.file(job.id).read_bytes() == whole


def test_cancelling_ends_it_within_one_step(service):
    job, first = service.submit_film(film()), calls(1)
    renderer = Watched(at=first + 1, do=lambda: service.store.cancel(job.id))
    work(service, renderer)
    assert service.store.get(job.id).state == "cancelled"
    assert renderer.calls <= first + calls(1) // 4, "not one step more"
    assert not service.storage.folder(job.id).exists()


def test_a_film_that_was_published_before_its_worker_died_is_found(service, whole, monkeypatch):
    job = service.submit_film(film())

    def die(*_) -> None:
        raise LeaseLostError

    with monkeypatch.context() as context:
        context.setattr(service.store, "complete", die)
        work(service, name="dead")
    assert [lost.state for lost in service.store.release_worker("dead")] == ["queued"]
    renderer = Watched()
    work(service, renderer)
    assert (renderer.calls, service.file(job.id).read_bytes()) == (0, whole)


def test_other_weights_begin_the_shot_anew(service, monkeypatch):
    job = service.submit_film(film())
    left_after(service, calls=calls(1) + 3)
    monkeypatch.setattr(FakeLatents, "weights", "new")
    work(service)
    assert service.store.get(job.id).state == "completed"
    assert read_record(service.file(job.id)).weights == {"fake.safetensors": "new"}


def test_pictures_are_kept_for_as_long_as_the_film_is(service, tmp_path):
    Image.new("RGB", (64, 48), "red").save(tmp_path / "a.png")
    job = service.submit_film(
        film({"prompt": "a cat"}, {"prompt": "a cat", "image": str(tmp_path / "a.png")})
    )
    (tmp_path / "a.png").unlink()
    (kept,) = service.storage.inputs.iterdir()
    os.utime(kept, (1, 1))
    service.tidy()
    assert kept.exists()
    work(service)
    assert service.store.get(job.id).state == "completed"
    assert str(tmp_path).encode() not in service.file(job.id).read_bytes()
    service.delete(job.id)
    service.tidy()
    assert not kept.exists()


def test_a_film_costs_all_of_its_shots(service):
    service.submit_film(film(), owner="me", budget=Budget(seconds_per_day=3))
    (charge,) = service.store.tables.charges("me", 0.0)
    assert charge.seconds == (9 + 9 + 5) / 8
    with pytest.raises(BudgetError):
        service.submit_film(film(), owner="me", budget=Budget(seconds_per_day=3))
    assert service.store.counts() == {"queued": 1}


def test_a_key_makes_one_film(service):
    said = film().model_copy(update={"seed": None})
    assert service.submit_film(said, key="k").id == service.submit_film(said, key="k").id
    with pytest.raises(JobConflictError):
        service.submit_film(film(*SHOTS[:1]), key="k")


def test_a_film_that_cannot_be_is_no_job(service):
    with pytest.raises(RequestError, match=r"shots\[1\]\.camera"):
        service.submit_film(film({"prompt": "a cat"}, {"prompt": "a cat", "camera": "flutter"}))
    assert service.store.counts() == {}


def test_a_clone_is_the_same_film(service, whole):
    job = service.clone(service.submit_film(film()).id)
    work(service)
    assert service.file(job.id).read_bytes() == whole

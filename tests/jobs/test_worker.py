import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitascope import pipeline
from vitascope.backends.registry import backend
from vitascope.deliver.mux import read, read_record
from vitascope.errors import DiskFullError, JobConflictError, RequestError, WeightsError
from vitascope.jobs.job import Failure
from vitascope.jobs.service import JobService
from vitascope.jobs.storage import JobStorage
from vitascope.jobs.stores.memory import memory_store
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.progress import Progress
from vitascope.testing.chaos import take
from vitascope.testing.fakes import FakeLatents, fake_clean
from vitascope.toybox.render import LatentModel


class Watched(FakeLatents):
    """The fake model, which does something at a call of its network (or `always`), and counts the calls."""

    def __init__(self, at: int = 0, do=lambda: None, always: bool = False):
        self.at, self.do, self.always, self.calls = at, do, always, 0

    def _model(self) -> LatentModel:
        model = super()._model()

        def watched(*told):
            self.calls += 1
            if self.calls == self.at or self.always:
                self.do()
            return fake_clean(*told)

        return replace(model, denoiser=replace(model.denoiser, model=watched))


def fail(error: BaseException):
    def do():
        raise error

    return do


@pytest.fixture
def service(tmp_path) -> JobService:
    """A service whose queue is in memory: worker and test share one process."""
    storage = JobStorage(tmp_path / "jobs")
    storage.make()
    return JobService(memory_store(), storage)


def work(service: JobService, renderer: FakeLatents | None = None, **options) -> Worker:
    """Let a worker do all that it finds."""
    find = backend if renderer is None else lambda model: renderer
    worker = Worker(service, WorkerOptions(once=True, **options), find)
    worker.run()
    return worker


def left_after(service: JobService, calls: int) -> None:
    """Let a worker leave after so many calls of the network."""
    leaving = Watched(at=calls)
    worker = Worker(service, WorkerOptions(once=True), lambda model: leaving)
    leaving.do = worker.leave
    worker.run()


def calls_per_step(service: JobService) -> int:
    whole = Watched()
    pipeline.generate(take(0), whole, Progress())
    return whole.calls // whole.card.steps


def whole(tmp_path: Path, seed: int) -> bytes:
    """The bytes of `vitascope generate` for the same shot."""
    return (
        pipeline.generate(take(seed), backend("fake"), Progress())
        .save(tmp_path / f"whole-{seed}.mp4", force=True)
        .read_bytes()
    )


def test_a_job_makes_the_very_file_that_generate_makes(service, tmp_path):
    job = service.submit(take(7, prompt="a kraken walks in a garden"), number=2)
    assert any("kraken" in note for note in job.notes)
    work(service)
    done = service.store.get(job.id)
    assert (done.state, done.attempt, done.notes) == ("completed", 1, job.notes)
    assert [(output.seed, output.name) for output in done.outputs] == [(7, "1-0.mp4"), (8, "1-1.mp4")]
    for index, seed in enumerate((7, 8)):
        shot = take(seed, prompt="a kraken walks in a garden")
        clip = pipeline.generate(shot, backend("fake"), Progress()).save(tmp_path / f"{seed}.mp4")
        assert service.file(job.id, index).read_bytes() == clip.read_bytes()
    assert sorted(file.name for file in service.storage.folder(job.id).iterdir()) == ["1-0.mp4", "1-1.mp4"]
    facts = done.outputs[1]
    assert (facts.size, facts.num_frames, facts.fps, facts.bytes) == ((64, 48), 5, 8.0, clip.stat().st_size)


def test_a_loop_is_described_as_it_is(service):
    job = service.submit(take(7, num_frames=17, loop=True))
    work(service)
    output = service.store.get(job.id).outputs[0]
    assert output.num_frames == len(read(service.file(job.id)).frames) < 17
    assert output.seconds == output.num_frames / 8


def test_progress_is_told_step_by_step(service):
    job = service.submit(take(7, num_frames=25), number=2)
    work(service)
    told = [event.data for event in service.store.events(job.id) if event.type == "progress"]
    steps = [(one["step"], one["total"]) for one in told if one["phase"] == "denoise" and one["step"]]
    assert steps == [(step, 4) for step in (1, 2, 3, 4)] * 4, "two clips of two windows"
    percents = [one["percent"] for one in told]
    assert percents == sorted(percents)
    assert percents[0] < 5
    assert 90 < percents[-1] <= 99


@pytest.mark.parametrize("step", [1, 2, 4])
def test_cancelling_ends_it_within_one_step(service, step):
    each = calls_per_step(service)
    job = service.submit(take(7))
    renderer = Watched(at=(step - 1) * each + 1, do=lambda: service.store.cancel(job.id))
    work(service, renderer)
    assert service.store.get(job.id).state == "cancelled"
    assert renderer.calls == step * each, "not one step more"
    assert not service.storage.folder(job.id).exists()


def test_a_worker_that_has_to_leave_gives_its_job_back_and_the_next_goes_on(service, tmp_path):
    each, job = calls_per_step(service), service.submit(take(7))
    left_after(service, calls=2 * each)
    assert (service.store.get(job.id).state, service.store.get(job.id).lost) == ("queued", 0)
    following = Watched()
    work(service, following)
    assert following.calls == 2 * each, "two of four steps were left"
    done = service.store.get(job.id)
    assert (done.state, done.attempt) == ("completed", 2)
    assert service.file(job.id).read_bytes() == whole(tmp_path, 7)
    steps = [e.data["step"] for e in service.store.events(job.id) if e.data.get("phase") == "denoise"]
    assert steps == [0, 1, 2, 2, 3, 4], "counted from the first step, not from where it went on"


def test_a_worker_that_lost_its_job_publishes_nothing(service, tmp_path):
    job = service.submit(take(7))

    def taken() -> None:
        for lost in service.store.release_worker(service.store.get(job.id).worker or ""):
            assert lost.state == "queued"
        work(service, name="other")

    work(service, Watched(at=3, do=taken), name="late")
    done = service.store.get(job.id)
    assert (done.state, done.attempt, [output.name for output in done.outputs]) == (
        "completed",
        2,
        ["2-0.mp4"],
    )
    assert [event.type for event in service.store.events(job.id)].count("completed") == 1
    assert len(service.store.take_messages()) == 1
    assert service.file(job.id).read_bytes() == whole(tmp_path, 7)


@pytest.mark.parametrize(
    ("error", "code", "attempts"),
    [
        (WeightsError("dit.onnx is missing"), "weights", 1),
        (RequestError("steps", "0 is too few"), "invalid_request", 1),
        (MemoryError(), "out_of_memory", 1),
        (RuntimeError("std::bad_alloc"), "out_of_memory", 1),
        (RuntimeError("a bug\nin native code"), "internal_error", 3),
    ],
)
def test_what_fails_says_why_and_is_tried_again_only_if_that_may_help(service, error, code, attempts):
    job = service.submit(take(7))
    work(service, Watched(do=fail(error), always=True))
    failed = service.store.get(job.id)
    assert (failed.state, failed.attempt, failed.failure.code) == ("failed", attempts, code)
    assert "\n" not in failed.failure.message
    work(service)
    assert service.store.get(job.id).attempt == attempts, "nothing is left to do"


def test_a_failed_job_that_is_retried_goes_on_from_its_last_step(service):
    each, job = calls_per_step(service), service.submit(take(7))
    work(service, Watched(at=3 * each, do=fail(WeightsError())))
    service.store.retry(job.id)
    again = Watched()
    work(service, again)
    assert again.calls == 2 * each
    assert service.store.get(job.id).state == "completed"


def test_a_job_that_takes_too_long_fails(service):
    job = service.submit(take(7))
    renderer = Watched(at=1, do=lambda: time.sleep(1.2))
    work(service, renderer, seconds=1.0)
    failed = service.store.get(job.id)
    assert (failed.state, failed.failure.code, failed.attempt) == ("failed", "timed_out", 1)
    assert renderer.calls <= calls_per_step(service), "not one step more"


def test_the_lease_is_renewed_in_a_phase_without_steps(tmp_path):
    storage = JobStorage(tmp_path / "jobs")
    storage.make()
    service = JobService(memory_store(lease_seconds=1.5), storage)
    job = service.submit(take(7))
    lost = []
    work(service, Watched(at=1, do=lambda: (time.sleep(3), lost.extend(service.store.expire()))))
    assert lost == []
    assert (service.store.get(job.id).state, service.store.get(job.id).attempt) == ("completed", 1)


def test_nothing_is_begun_or_taken_in_on_a_full_disk(service):
    job = service.submit(take(7))
    full = replace(service, storage=replace(service.storage, free=lambda path: 2**20))
    work(full)
    assert (service.store.get(job.id).state, service.store.get(job.id).attempt) == ("queued", 0)
    with pytest.raises(DiskFullError, match="1 MiB are free, 256 are wanted"):
        full.submit(take(8))
    work(service)
    assert service.store.get(job.id).state == "completed"


def test_a_disk_that_fills_up_meanwhile_costs_no_attempt(service, tmp_path):
    left = [2**40]
    filling = replace(service, storage=replace(service.storage, free=lambda path: left[0]))
    job = service.submit(take(7))

    def fill() -> None:
        left[0] = 0
        raise OSError(28, "No space left on device")

    work(filling, Watched(at=5, do=fill))
    waiting = service.store.get(job.id)
    assert (waiting.state, waiting.attempt, waiting.lost) == ("queued", 1, 0)
    left[0] = 2**40
    work(filling)
    assert service.file(job.id).read_bytes() == whole(tmp_path, 7)


def test_what_was_kept_of_other_weights_is_begun_anew(service, monkeypatch):
    job = service.submit(take(7))
    left_after(service, calls=5)
    monkeypatch.setattr(FakeLatents, "weights", "new")
    work(service)
    assert service.store.get(job.id).state == "completed"
    assert read_record(service.file(job.id)).weights == {"fake.safetensors": "new"}


def test_the_files_of_a_job_may_go_once_it_is_taken_in(service, tmp_path):
    picture = tmp_path / "my secret name.PNG"
    Image.fromarray(np.full((48, 64, 3), 200, np.uint8)).save(picture)
    given = {"kind": "image", "source": str(picture)}
    job, twin = (service.submit(take(seed, givens=(given,))) for seed in (7, 8))
    picture.unlink()
    work(service)
    for one in (job, twin):
        assert service.store.get(one.id).state == "completed"
    (kept,) = service.storage.inputs.iterdir()
    (told,) = read_record(service.file(job.id)).shot.givens
    assert told.source == f"inputs/{kept.name}"
    assert str(tmp_path).encode() not in service.file(job.id).read_bytes()


def test_a_bad_request_is_refused_before_it_is_a_job(service):
    for said in ({"prompt": ""}, {"size": (7, 7)}, {"seconds": -1.0, "num_frames": None}):
        with pytest.raises(RequestError):
            service.submit(take(7, **said))
    with pytest.raises(RequestError, match="n: 65 is outside 1 to 64; nearest: 64"):
        service.submit(take(7), number=65)
    with pytest.raises(RequestError, match="leaves no seeds for 2 clips"):
        service.submit(take(2**63 - 1), number=2)
    with pytest.raises(RequestError, match="'nothing' is not known"):
        service.submit(take(7, model="nothing"))
    assert service.store.counts() == {}
    assert not list(service.storage.inputs.iterdir())


def test_a_shot_without_a_seed_gets_one_and_stays_the_same_request(service):
    shot = take(0).model_copy(update={"seed": None})
    job = service.submit(shot, key="k")
    assert job.request.shot.seed is not None
    assert service.submit(shot, key="k").id == job.id
    with pytest.raises(JobConflictError):
        service.submit(take(7), key="k")


def test_a_running_job_that_is_deleted_leaves_nothing(service):
    job = service.submit(take(7))
    work(service, Watched(at=3, do=lambda: service.delete(job.id)))
    assert service.store.counts() == {}
    assert not service.storage.folder(job.id).exists()


def test_a_worker_takes_up_what_a_dead_one_had_without_waiting_for_the_lease(service):
    job = service.submit(take(7))
    (service.storage.workers / "dead.lock").touch()
    service.store.claim("dead")
    work(service)
    done = service.store.get(job.id)
    assert (done.state, done.lost, done.attempt) == ("completed", 1, 2)
    assert list(service.storage.workers.iterdir()) == []


def test_a_job_of_a_model_that_is_not_here_waits(service):
    job = service.submit(take(7))
    work(service, models=("toybox",))
    assert service.store.get(job.id).state == "queued"
    work(service, models=("toybox", "fake"))
    assert service.store.get(job.id).state == "completed"
    with pytest.raises(JobConflictError):
        service.store.cancel(job.id)


PROGRAM = """
import sys, time
from pathlib import Path
import numpy as np
from vitascope.jobs import heartbeat
from vitascope.jobs.service import open_service
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.testing.fakes import FakeLatents
heartbeat.GRACE_SECONDS = 1.0

class Greedy(FakeLatents):
    def render(self, shot, progress, resume_folder=None):
        with progress.phase("load"):
            {what}

service = open_service(Path(sys.argv[1]), lease_seconds=4.0)
Worker(service, WorkerOptions(once=True, {limit}), lambda model: Greedy()).run()
"""


@pytest.mark.parametrize(
    ("what", "limit", "code", "status"),
    [
        ("np.ones(2**33, np.uint8)", "memory=2**31", "out_of_memory", 0),
        ("time.sleep(1000)", "seconds=0.5", "timed_out", -9),
    ],
)
def test_what_a_job_takes_is_limited_in_a_real_process(tmp_path, what, limit, code, status):
    from vitascope.jobs.service import open_service

    service = open_service(tmp_path)
    job = service.submit(take(7))
    program = PROGRAM.format(what=what, limit=limit)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    failed = service.store.get(job.id)
    assert (failed.state, failed.failure.code) == ("failed", code), done.stderr


def test_a_light_start():
    """A worker of the fake model must not pay for what it does not use."""
    modules = "vitascope.jobs.worker, vitascope.jobs.stores.sqlite, vitascope.testing.fakes"
    program = f"import sys; import {modules}; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "onnxruntime", "scipy", "matplotlib"} & set(out.split())


def test_a_failure_has_a_word_for_programs(service):
    job = service.submit(take(7))
    lease = service.store.claim("w").lease
    service.store.fail(lease, Failure("internal_error", "x"))
    assert service.store.get(job.id).to_json()["error"] == {"code": "internal_error", "message": "x"}

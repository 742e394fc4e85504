"""A queue that is lost loses no clip: the folders stay, and are taken in again."""

import shutil

import pytest

from vitascope.errors import JobConflictError, RequestError, StoreError
from vitascope.jobs.adoption import adopt
from vitascope.jobs.service import JobService, open_service
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.testing.chaos import run, take


@pytest.fixture
def clips(home, service) -> dict[str, str]:
    """Checksums of the clips of three jobs, whose queue is then lost."""
    for seed in range(3):
        service.submit(take(seed), number=1 + seed)
    Worker(service, WorkerOptions(once=True)).run()
    page = service.store.page()
    service.store.close()
    assert all(job.state == "completed" for job in page.jobs)
    return {job.id: [output.sha256 for output in job.outputs] for job in page.jobs}


def lose(home) -> None:
    for file in (home / "jobs").glob("queue.sqlite3*"):
        file.unlink()


def test_a_lost_queue_erases_nothing_and_all_is_taken_in_again(home, clips):
    lose(home)
    service = open_service(home)
    service.tidy()
    assert service.prune(older_than=0.0, max_bytes=0) == []
    assert service.unknown_folders() == sorted(clips)
    adoption = adopt(service, owner="ann")
    assert adoption.problems == {}
    assert {job.id: [output.sha256 for output in job.outputs] for job in adoption.jobs} == clips
    assert {job.id for job in service.store.page(owner="ann").jobs} == set(clips)
    service.tidy()
    for name in clips:
        job = service.store.get(name)
        assert job.state == "completed"
        assert job.request.shot.prompt == "a cat walks in a garden"
        assert all(service.file(name, index).is_file() for index in range(len(job.outputs)))
    assert service.unknown_folders() == []
    assert adopt(service).jobs == ()
    again = service.clone(next(iter(clips)))
    Worker(service, WorkerOptions(once=True)).run()
    assert [output.sha256 for output in service.store.get(again.id).outputs] == clips[next(iter(clips))]


def test_an_adopted_job_is_deleted_and_pruned_like_others(home, clips):
    lose(home)
    service = open_service(home)
    first, *rest = (job.id for job in adopt(service).jobs)
    service.delete(first)
    assert not service.storage.folder(first).exists()
    assert set(service.prune(max_bytes=0)) == set(rest)
    assert service.store.take_messages() == [], "nobody is told of it a second time"


def test_an_empty_file_beside_clips_is_not_taken_for_a_new_queue(home, clips):
    lose(home)
    (home / "jobs" / "queue.sqlite3").touch()
    with pytest.raises(
        StoreError, match=r"queue\.sqlite3 is empty, but 3 folders .*jobs restore.*jobs adopt"
    ):
        open_service(home)
    assert len(list((home / "jobs").glob("video_*/*.mp4"))) == 6


def test_an_empty_file_without_clips_is_a_new_queue(home):
    (home / "jobs").mkdir()
    (home / "jobs" / "queue.sqlite3").touch()
    assert open_service(home).store.counts() == {}


@pytest.mark.parametrize("kind", ["damaged", "empty", "foreign", "unnamed"])
def test_a_folder_that_is_no_jobs_is_left_as_it_is(home, clips, kind):
    lose(home)
    folder = home / "jobs" / sorted(clips)[0]
    file = next(folder.glob("*-0.mp4"))
    if kind == "damaged":
        file.write_bytes(file.read_bytes()[:200])
    elif kind == "empty":
        shutil.rmtree(folder)
        (folder / "state").mkdir(parents=True)
    elif kind == "foreign":
        file.write_bytes(b"no film at all")
    else:
        file.rename(folder / "holiday.mp4")
    before = sorted((path.name, path.stat().st_size) for path in folder.rglob("*"))
    service = open_service(home)
    adoption = adopt(service)
    assert list(adoption.problems) == [folder.name]
    assert len(adoption.jobs) == 2
    service.tidy()
    assert sorted((path.name, path.stat().st_size) for path in folder.rglob("*")) == before


def test_of_two_attempts_the_later_one_is_the_job(home, clips):
    lose(home)
    folder = home / "jobs" / sorted(clips)[0]
    file = next(folder.glob("1-0.mp4"))
    shutil.copy(file, folder / "3-0.mp4")
    job = next(job for job in adopt(open_service(home)).jobs if job.id == folder.name)
    assert job.attempt == 3
    assert job.outputs[0].name == "3-0.mp4"


def test_names_that_are_known_or_nobodys_are_refused(service: JobService, home):
    name = service.submit(take(1)).id
    for wrong in (name, "video_0123", "../../etc"):
        with pytest.raises(RequestError, match="no folder of clips that the queue does not know"):
            adopt(service, [wrong])


def test_a_deleted_job_does_not_come_back(service: JobService, home):
    name = service.submit(take(1)).id
    Worker(service, WorkerOptions(once=True)).run()
    job = service.store.get(name)
    shutil.copytree(service.storage.folder(name), home / "copy")
    service.delete(name)
    shutil.copytree(home / "copy", service.storage.folder(name))
    assert service.unknown_folders() == []
    with pytest.raises(JobConflictError):
        service.store.adopt(job)
    service.tidy()
    assert not service.storage.folder(name).exists()


def test_from_the_command_line(home, clips):
    lose(home)
    assert run(home, "jobs", "adopt", "--list") == 0
    assert run(home, "jobs", "ls") == 0
    assert run(home, "jobs", "adopt", sorted(clips)[0]) == 0
    assert run(home, "jobs", "adopt") == 0
    assert run(home, "jobs", "adopt", "video_0123") == 2
    said = (home / "log").read_text()
    assert said.count(sorted(clips)[0]) == 3
    assert "folders of clips that the queue does not know are left alone (3: " in said
    assert {job.id for job in open_service(home).store.page().jobs} == set(clips)

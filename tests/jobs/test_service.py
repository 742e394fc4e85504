import os
import time

import pytest

from vitascope.errors import InputFileError, JobNotFoundError, OutputError, RequestError
from vitascope.jobs.service import open_service
from vitascope.testing.chaos import run, take
from vitascope.types import Given


@pytest.fixture
def three(service, home) -> list[str]:
    """Three jobs whose clips are made, the oldest first."""
    jobs = [service.submit(take(seed)).id for seed in range(3)]
    assert run(home, "worker", "--once") == 0
    return jobs


def left(service) -> list[str]:
    return [job.id for job in service.store.page(order="asc").jobs]


def test_the_oldest_go_until_the_rest_fits(service, three):
    sizes = [service.store.get(job).bytes for job in three]
    assert service.prune(max_bytes=sum(sizes)) == []
    assert service.prune(max_bytes=sum(sizes) - 1) == three[:1]
    assert left(service) == three[1:]
    assert [service.storage.folder(job).exists() for job in three] == [False, True, True]


def test_old_jobs_go_and_what_waits_stays(service, three):
    waiting = service.submit(take(9)).id
    assert service.prune(older_than=3600) == []
    assert service.prune(older_than=0) == three
    assert left(service) == [waiting]


def test_a_deleted_clip_is_gone_for_everybody(service, three):
    file = service.file(three[0])
    service.delete(three[0])
    assert not file.exists()
    for use in (service.file, service.delete):
        with pytest.raises(JobNotFoundError):
            use(three[0])
    with pytest.raises(JobNotFoundError):
        service.delete(three[1], owner="somebody")
    assert service.file(three[1]).is_file()


def test_a_clip_that_is_not_there_is_one_line(service, three):
    with pytest.raises(RequestError, match="has 1 clips; they are counted from 0"):
        service.file(three[0], 1)
    with pytest.raises(RequestError, match="is not the name of a job"):
        service.storage.folder("video_../../etc")


def test_inputs_that_nobody_needs_go_when_they_are_old(service, tmp_path):
    for name in ("used.png", "unused.png"):
        (tmp_path / name).write_bytes(name.encode())
    used, unused = (
        service.storage.keep_inputs(
            take(0).model_copy(update={"givens": (Given(kind="image", source=str(tmp_path / name)),)})
        )
        for name in ("used.png", "unused.png")
    )
    from vitascope.jobs.job import Request

    service.store.submit(Request.of(used))
    service.tidy()
    assert len(list(service.storage.inputs.iterdir())) == 2, "it may be of a job that is just being handed in"
    for file in service.storage.inputs.iterdir():
        os.utime(file, (time.time() - 7200,) * 2)
    service.tidy()
    assert [f"inputs/{file.name}" for file in service.storage.inputs.iterdir()] == [used.givens[0].source]
    assert unused.givens[0].source != used.givens[0].source


def test_a_file_that_is_not_there_is_one_line(service):
    shot = take(0).model_copy(update={"givens": (Given(kind="image", source="nowhere.png"),)})
    with pytest.raises(InputFileError, match=r"image: nowhere\.png could not be read"):
        service.storage.keep_inputs(shot)


def test_a_home_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be made"):
        open_service(tmp_path / "file")

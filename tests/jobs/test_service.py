import os
import time

import pytest

from vitascope.errors import InputFileError, JobNotFoundError, OutputError, RequestError
from vitascope.jobs.service import open_desk
from vitascope.testing.chaos import run, take
from vitascope.types import Given


@pytest.fixture
def three(desk, home) -> list[str]:
    """Three jobs whose clips are made, the oldest first."""
    jobs = [desk.submit(take(seed)).id for seed in range(3)]
    assert run(home, "worker", "--once") == 0
    return jobs


def left(desk) -> list[str]:
    return [job.id for job in desk.store.page(order="asc").jobs]


def test_the_oldest_go_until_the_rest_fits(desk, three):
    sizes = [desk.store.get(job).bytes for job in three]
    assert desk.prune(max_bytes=sum(sizes)) == []
    assert desk.prune(max_bytes=sum(sizes) - 1) == three[:1]
    assert left(desk) == three[1:]
    assert [desk.rooms.folder(job).exists() for job in three] == [False, True, True]


def test_old_jobs_go_and_what_waits_stays(desk, three):
    waiting = desk.submit(take(9)).id
    assert desk.prune(older_than=3600) == []
    assert desk.prune(older_than=0) == three
    assert left(desk) == [waiting]


def test_a_deleted_clip_is_gone_for_everybody(desk, three):
    file = desk.file(three[0])
    desk.delete(three[0])
    assert not file.exists()
    for use in (desk.file, desk.delete):
        with pytest.raises(JobNotFoundError):
            use(three[0])
    with pytest.raises(JobNotFoundError):
        desk.delete(three[1], owner="somebody")
    assert desk.file(three[1]).is_file()


def test_a_clip_that_is_not_there_is_one_line(desk, three):
    with pytest.raises(RequestError, match="has 1 clips; they are counted from 0"):
        desk.file(three[0], 1)
    with pytest.raises(RequestError, match="is not the name of a job"):
        desk.rooms.folder("video_../../etc")


def test_inputs_that_nobody_needs_go_when_they_are_old(desk, tmp_path):
    for name in ("used.png", "unused.png"):
        (tmp_path / name).write_bytes(name.encode())
    used, unused = (
        desk.rooms.keep_inputs(
            take(0).model_copy(update={"givens": (Given(kind="image", source=str(tmp_path / name)),)})
        )
        for name in ("used.png", "unused.png")
    )
    from vitascope.jobs.job import Request

    desk.store.submit(Request.of(used))
    desk.tidy()
    assert len(list(desk.rooms.inputs.iterdir())) == 2, "it may be of a job that is just being handed in"
    for file in desk.rooms.inputs.iterdir():
        os.utime(file, (time.time() - 7200,) * 2)
    desk.tidy()
    assert [f"inputs/{file.name}" for file in desk.rooms.inputs.iterdir()] == [used.givens[0].source]
    assert unused.givens[0].source != used.givens[0].source


def test_a_file_that_is_not_there_is_one_line(desk):
    shot = take(0).model_copy(update={"givens": (Given(kind="image", source="nowhere.png"),)})
    with pytest.raises(InputFileError, match=r"image: nowhere\.png could not be read"):
        desk.rooms.keep_inputs(shot)


def test_a_home_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be made"):
        open_desk(tmp_path / "file")

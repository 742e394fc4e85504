"""What people said is for the owner of the queue alone: no word of it in a log, no file that others may read."""

import os
import stat

import pytest

from vitascope.errors import InputFileError
from vitascope.files import private_folder, published
from vitascope.jobs.service import open_service
from vitascope.jobs.storage import BALLAST
from vitascope.jobs.worker import Worker, WorkerOptions
from vitascope.testing.chaos import run, take

WORDS = "zanzibarlover kisses marlenedietrich in a quixotarium"


def open_to_others(folder) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if path.stat().st_mode & 0o077]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277])
def test_homes_queues_clips_and_inputs_are_private_under_any_umask(tmp_path, mask):
    home, picture = tmp_path / "new" / "home", tmp_path / "first.png"
    picture.write_bytes(b"a picture")
    before = os.umask(mask)
    try:
        service = open_service(home)
        service.submit(take(1))
        service.back_up()
        from vitascope.types import Given

        shot = take(2).model_copy(update={"givens": (Given(kind="image", source=str(picture)),)})
        service.storage.keep_inputs(shot)
        Worker(service, WorkerOptions(once=True)).run()
    finally:
        os.umask(before)
    assert list(home.rglob("*.mp4"))
    assert list(home.rglob("queue-*.sqlite3"))
    # A closed folder keeps all in it private; clips, inputs and the queue are so by themselves, too.
    assert not home.stat().st_mode & 0o077
    assert [
        path for path in open_to_others(home) if path.endswith((".mp4", ".png", ".sqlite3", "jobs"))
    ] == []


def test_all_that_a_worker_process_makes_is_private(tmp_path):
    before = os.umask(0o000)
    try:
        open_service(tmp_path / "home").submit(take(1))
        assert run(tmp_path / "home", "worker", "--once") == 0
    finally:
        os.umask(before)
    (tmp_path / "home" / "log").unlink()
    assert open_to_others(tmp_path / "home") == []


def test_a_home_of_before_is_closed(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs").chmod(0o755)
    (tmp_path / "jobs" / "queue.sqlite3").touch()
    (tmp_path / "jobs" / "queue.sqlite3").chmod(0o644)
    open_service(tmp_path)
    assert open_to_others(tmp_path / "jobs") == []


def test_a_private_file_and_folder_are_so_under_any_umask(tmp_path):
    before = os.umask(0o777)
    try:
        folder = private_folder(tmp_path / "a" / "b")
        with published(folder / "c", force=False, private=True) as part:
            part.write_text("words")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "c").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("model", ["fake", "nowhere"])
def test_no_word_of_a_prompt_is_in_the_log_of_a_worker(service, model):
    lines = []
    job = service.submit(take(1, prompt=f"a {WORDS}")).id

    def find(name: str):
        from vitascope.backends.registry import backend
        from vitascope.errors import RequestError

        if model == "nowhere":
            raise RequestError("prompt", f"{WORDS} cannot be drawn")
        return backend(name)

    Worker(service, WorkerOptions(once=True), find, lines.append).run()
    assert any(job in line for line in lines)
    assert [line for line in lines for word in WORDS.split() if len(word) > 4 and word in line] == []


def test_no_word_of_a_prompt_is_in_the_traceback_of_an_unforeseen_error(service):
    lines = []
    service.submit(take(1, prompt=f"a {WORDS}"))

    def find(name: str):
        raise KeyError(WORDS)

    Worker(service, WorkerOptions(once=True), find, lines.append).run()
    assert any("KeyError" in line and "test_private.py" in line for line in lines)
    assert [line for line in lines if "zanzibar" in line and "raise KeyError(WORDS)" not in line] == []


@pytest.mark.parametrize("there", [True, False])
def test_ballast_follows_no_link(tmp_path, there):
    victim = tmp_path / "victim"
    if there:
        victim.write_text("precious")
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "ballast").symlink_to(victim)
    service = open_service(tmp_path)
    service.tidy()
    assert (victim.read_text() == "precious") if there else not victim.exists()
    assert service.storage.drop_ballast()
    service.tidy()
    assert (tmp_path / "jobs" / "ballast").stat().st_size == BALLAST


def test_ballast_takes_no_folder_and_no_fifo_for_a_file(tmp_path):
    (tmp_path / "jobs").mkdir()
    os.mkfifo(tmp_path / "jobs" / "ballast")
    open_service(tmp_path).tidy()
    assert stat.S_ISFIFO((tmp_path / "jobs" / "ballast").lstat().st_mode)


def test_a_clip_without_a_seed_is_one_line(tmp_path):
    from vitascope.jobs.storage import checksum, facts
    from vitascope.testing.fakes import synthetic_clip

    clip = synthetic_clip()
    object.__setattr__(clip.record, "shot", clip.record.shot.model_copy(update={"seed": None}))
    file = clip.save(tmp_path / "1-0.mp4")
    with pytest.raises(InputFileError, match="says no seed"):
        facts(file, *checksum(file))

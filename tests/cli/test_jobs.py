import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from vitascope.backends import registry
from vitascope.settings import settings


@pytest.fixture
def jobs(run, monkeypatch, tmp_path) -> Run:
    """Run the command line with a home of its own."""
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(registry, "_HOMES", {"toybox": "vitascope.testing.fakes:FakeLatents"})
    registry._open.cache_clear()
    settings.cache_clear()
    yield run
    settings.cache_clear()


CAT = ("jobs", "submit", "a cat", "--seconds", "0.625")


def test_a_job_is_handed_in_made_and_looked_at(jobs, tmp_path):
    name = jobs(*CAT, "--seed", "7", "--priority", "2").out.strip()
    assert jobs("jobs", "ls").out.split()[:2] == [name, "queued"]
    assert "waits for       0 others" in jobs("jobs", "show", name).out
    assert jobs("worker", "--once").status == 0
    done = jobs("jobs", "watch", name)
    assert done.status == 0
    assert "denoise 4/4" in done.err
    assert done.err.splitlines()[-1] == "completed"
    file = done.out.strip()
    jobs("generate", "a cat", "--seconds", "0.625", "--seed", "7", "-o", "whole.mp4")
    assert Path(file).read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    told = json.loads(jobs("jobs", "show", name, "--json").out)
    assert (told["state"], told["files"], told["priority"]) == ("completed", [file], 2)
    assert told["progress"]["percent"] == 100
    (listed,) = json.loads(jobs("jobs", "ls", "--json", "--state", "completed").out)
    assert listed["outputs"][0]["seed"] == 7
    assert jobs("jobs", "ls", "--state", "failed").out == ""


def test_notes_are_told_at_once_and_bad_requests_refused(jobs):
    assert "note: the model does not know" in jobs("jobs", "submit", "a kraken in a garden").err
    refused = jobs("jobs", "submit", "a cat", "--seconds", "-1")
    assert (refused.status, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "--seconds: -1 is not a length" in refused.err
    assert len(json.loads(jobs("jobs", "ls", "--json").out)) == 1


def test_a_key_makes_one_job_even_when_no_seed_is_said(jobs):
    first = jobs(*CAT, "--key", "k").out
    assert jobs(*CAT, "--key", "k").out == first
    other = jobs("jobs", "submit", "a dog", "--key", "k")
    assert (other.status, other.out) == (2, "")
    assert "--key: 'k' was used for another request" in other.err


def test_a_job_may_be_named_by_how_its_name_begins(jobs):
    name = jobs(*CAT).out.strip()
    short = name.removeprefix("video_")[:8]
    assert jobs("jobs", "cancel", short).out.strip() == name
    assert json.loads(jobs("jobs", "show", short, "--json").out)["state"] == "cancelled"
    for nobody in ("nobody", ""):
        refused = jobs("jobs", "show", nobody)
        assert (refused.status, refused.err.count("\n")) == (2, 1)
        assert "there is no" in refused.err


def test_jobs_are_moved_paused_retried_cloned_and_removed(jobs):
    a, b, c = (jobs(*CAT).out.strip() for _ in range(3))
    jobs("jobs", "move", c, "--first")
    jobs("jobs", "move", a)
    jobs("jobs", "move", a, "--before", b)
    jobs("jobs", "pause")
    jobs("worker", "--once")
    listed = jobs("jobs", "ls")
    assert listed.out.count("queued") == 3
    assert "the queue is paused" in listed.err
    jobs("jobs", "resume")
    jobs("jobs", "cancel", b)
    jobs("worker", "--once")
    told = json.loads(jobs("jobs", "ls", "--json").out)
    started = {job["id"]: job["started_at"] for job in told}
    assert started[c] < started[a]
    assert started[b] is None
    jobs("jobs", "retry", b)
    twin = jobs("jobs", "clone", b).out.strip()
    jobs("worker", "--once")
    states = {job["id"]: job["state"] for job in json.loads(jobs("jobs", "ls", "--json").out)}
    assert states == dict.fromkeys((a, b, c, twin), "completed")
    assert jobs("jobs", "rm", a, b).status == 0
    assert set(jobs("jobs", "prune", "--older-than", "0").out.split()) == {c, twin}
    assert jobs("jobs", "ls").out == ""


def test_watching_a_job_that_comes_to_nothing_is_a_failure(jobs):
    name = jobs(*CAT).out.strip()
    jobs("jobs", "cancel", name)
    done = jobs("jobs", "watch", name, "--json")
    assert done.status == 1
    assert [json.loads(line)["type"] for line in done.out.splitlines()] == ["queued", "cancelled"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("jobs", "ls", "--state", "lost"), "--state: 'lost' is no state; known: queued, running"),
        (("jobs", "show"), "JOB: is missing"),
        (("jobs", "submit", "a cat", "-n", "65"), "-n: 65 is outside 1 to 64"),
        (("worker", "--keep", "0"), "--keep"),
    ],
)
def test_bad_input_is_one_line(jobs, arguments, problem):
    done = jobs(*arguments)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert problem in done.err

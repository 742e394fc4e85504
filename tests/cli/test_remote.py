import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.server.conftest import context, fakes, live, png, serve_app, service  # noqa: F401
from tests.test_client import working  # noqa: F401
from vitascope.deliver.mux import read_record


@pytest.fixture
def far(run, live, context) -> Run:  # noqa: F811
    """Run the command line against a server; a fake stands where Toybox does, here and there."""
    object.__setattr__(context, "models", ("toybox",))
    return lambda *arguments: run(*arguments, "--server", live)


CAT = ("a cat", "--seconds", "0.625", "--seed", "7")


def test_generate_on_a_server_brings_the_clip_home(far, run, working, tmp_path):  # noqa: F811
    # The worker beside us works in a folder of its own, and so does the process.
    there, here = str(tmp_path / "there.mp4"), str(tmp_path / "here.mp4")
    (tmp_path / "cat.png").write_bytes(png())
    made = far("generate", *CAT, "--image", str(tmp_path / "cat.png"), "-o", there)
    assert (made.status, made.out.strip()) == (0, there), made.err
    assert "denoise 4/4" in made.err
    assert run("generate", *CAT, "--image", str(tmp_path / "cat.png"), "-o", here).status == 0
    (one,), (other,) = (read_record(Path(name)).shot.givens for name in (there, here))
    assert one.sha256 == other.sha256
    exists = far("generate", *CAT, "-o", there)
    assert (exists.status, exists.out) == (2, "")


def test_generate_without_waiting_prints_the_job(far, run, tmp_path):
    name = far("generate", *CAT, "--no-wait").out.strip()
    assert name.startswith("video_")
    assert far("jobs", "ls").out.split()[:2] == [name, "queued"]
    assert run("generate", *CAT, "--no-wait").status == 2
    assert "--stream: does not go together with --server" in far("generate", *CAT, "--stream").err


def test_jobs_of_a_server_are_looked_at_and_changed(far, working, live, run, tmp_path):  # noqa: F811
    name = far("jobs", "submit", *CAT).out.strip()
    watched = far("jobs", "watch", name)
    assert watched.status == 0
    assert watched.out.strip() == f"{live}/api/v1/jobs/{name}/files/0"
    file = str(tmp_path / "cat.mp4")
    assert far("jobs", "download", name, "-o", file).out.strip() == file
    assert Path(file).stat().st_size > 1000
    told = json.loads(run("jobs", "--server", live, "show", name[:12], "--json").out)
    assert (told["state"], told["outputs"][0]["seed"]) == ("completed", 7)
    other = far("jobs", "clone", name).out.strip()
    far("jobs", "pause")
    assert "the queue is paused" in far("jobs", "ls").err
    far("jobs", "resume")
    far("jobs", "watch", other)
    assert far("jobs", "rm", other).out.strip() == other
    assert far("jobs", "show", other).status == 2
    assert "jobs are pruned where they lie" in far("jobs", "prune").err


def test_a_server_that_is_not_there_is_one_line(run):
    gone = run("jobs", "ls", "--server", "http://127.0.0.1:1")
    assert (gone.status, gone.out, gone.err.count("\n")) == (1, "", 1)

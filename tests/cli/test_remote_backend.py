"""Servers and fallbacks on the command line, with a server on this machine."""

import json
from pathlib import Path

import pytest

from tests.backends.server import VideoServer, running, says
from vitascope.backends import registry
from vitascope.deliver.mux import read_record
from vitascope.errors import WeightsError
from vitascope.settings import settings
from vitascope.testing.fakes import FakeBackend, synthetic_clip


class Tiring(FakeBackend):
    """Can make one clip."""

    made = 0

    def render(self, shot, progress, resume_folder=None):
        if self.made:
            raise WeightsError("they are used up")
        self.made += 1
        return super().render(shot, progress, resume_folder)


@pytest.fixture
def server(tmp_path_factory, monkeypatch):
    """A server that the settings call "there", and one called "gone" that is not."""
    home = tmp_path_factory.mktemp("home")
    with running(VideoServer(synthetic_clip().save(home / "clip.mp4").read_bytes())) as made:
        (home / "settings.toml").write_text(
            f'[remotes.there]\nurl = "{made.url}"\n[remotes.gone]\nurl = "http://127.0.0.1:9/v1"\ntries = 1\n'
            f'[remotes.hasty]\nurl = "{made.url}"\ndialect = "sglang"\ntries = 1\n'
        )
        monkeypatch.setenv("VITASCOPE_HOME", str(home))
        settings.cache_clear()
        yield made
    settings.cache_clear()


def test_a_server_makes_the_file(run, server):
    done = run("generate", "a cat", "--model", "remote:there", "--seconds", "4", "--seed", "7", "-o", "a.mp4")
    assert (done.status, done.out) == (0, "a.mp4\n")
    assert "1.125 s, 64x48, 8 fps, seed 7" in done.err
    assert "note: made by tiny-1 at 127.0.0.1" in done.err
    assert read_record(Path("a.mp4")).shot.model == "remote:there"


def test_what_cannot_travel_is_one_line(run, server):
    done = run("generate", "a cat", "--model", "remote:there", "--steps", "9")
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert done.err.startswith("vitascope: --steps: does not travel to remote:there, which speaks openai")


def test_a_dry_run_shows_what_would_be_asked(run, server):
    done = run("generate", "a cat", "--model", "remote:there", "--seconds", "3.4", "--dry-run", "--json")
    told = json.loads(done.out)
    assert told["shot"]["seconds"] == 3.0
    assert "size" not in told["shot"]
    assert server.of("create") == []


def test_remaking_what_a_server_made_promises_nothing(run, server):
    run("generate", "a cat", "--model", "remote:there", "--seed", "7", "-o", "a.mp4")
    done = run("remake", "a.mp4")
    assert "note: a server makes it, which cannot be promised to be the same" in done.err
    assert (done.status, done.out.split(":")[0]) == (0, "identical")


def test_a_server_that_is_gone_is_fallen_back_from(run, server):
    done = run("generate", "a cat", "--model", "remote:gone", "--fallback", "toybox", "-o", "a.mp4")
    assert done.status == 0
    why = "model: remote:gone cannot (remote:gone cannot be reached at 127.0.0.1:9"
    assert f"note: {why}" in done.err
    assert read_record(Path("a.mp4")).notes[0].startswith(why)
    alone = run("generate", "a cat", "--model", "remote:gone", "-o", "b.mp4")
    assert (alone.status, alone.err.startswith("vitascope: remote:gone cannot be reached")) == (1, True)


def test_clips_that_are_made_already_stay_when_a_model_gives_up(run):
    registry._HOMES["tiring"] = f"{__name__}:Tiring"
    done = run("generate", "a cat", "--model", "tiring", "--fallback", "toybox", "-n", "3", "--json")
    clips = json.loads(done.out)["clips"]
    assert [clip["shot"]["model"] for clip in clips] == ["tiring", "toybox", "toybox"]
    assert [bool(clip["notes"]) for clip in clips] == [False, True, True]
    assert len({clip["seed"] for clip in clips}) == 3


def test_a_resumed_run_fetches_the_job_it_asked_for(run, server):
    server.answers["poll"] = [says(500)]
    said = ("generate", "a cat", "--model", "remote:hasty", "--resume", "kept")
    assert run(*said).status == 1
    assert Path("kept").is_dir()
    done = run(*said)
    assert done.status == 0
    (asked,) = server.of("create")
    assert read_record(Path(done.out.strip())).shot.seed == asked.fields["seed"]
    assert not Path("kept").exists()


def test_a_file_that_exists_is_no_reason_to_fall_back(run):
    Path("a.mp4").write_text("mine")
    done = run("generate", "a cat", "--fallback", "wan2.1-t2v-1.3b", "-o", "a.mp4")
    assert (done.status, "exists" in done.err) == (2, True)

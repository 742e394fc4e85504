"""The remote backend against a real HTTP server on this machine, which also fails in every way we could think of."""

import base64
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.backends.server import JOB, Ticks, VideoServer, cut, refusal, running, says
from tests.media import nasty
from vitascope import pipeline, tasks
from vitascope.backends.remote import Remote
from vitascope.backends.remote import http as wires
from vitascope.backends.remote.dialects import DIALECTS
from vitascope.deliver.mux import read
from vitascope.errors import Cancelled, RemoteError, RequestError
from vitascope.progress import Event, Progress
from vitascope.settings import RemoteServer
from vitascope.testing.fakes import synthetic_clip
from vitascope.types import CameraMove, Clip, Given, Shot

KEY = "sk-very-secret"


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    """A tiny clip, as a server makes it: 9 frames of 64x48 at 8 a second."""
    return synthetic_clip().save(tmp_path_factory.mktemp("movie") / "clip.mp4")


@pytest.fixture
def server(movie: Path) -> Iterator[VideoServer]:
    with running(VideoServer(movie.read_bytes())) as made:
        yield made


def remote(server: VideoServer, ticks: Ticks | None = None, **said: Any) -> Remote:
    told = {"url": server.url, "dialect": "openai", "answer_seconds": 20, **said}
    return Remote("there", RemoteServer(**told), (ticks or Ticks()).clock(), {"KEY": KEY})


def shot(**said: Any) -> Shot:
    return Shot(**{"prompt": "a cat", "seed": 7, "model": "remote:there", **said})


def made(
    backend: Remote, progress: Progress | None = None, resume_folder: Path | None = None, **said: Any
) -> Clip:
    return pipeline.generate(shot(**said), backend, progress or Progress(), resume_folder=resume_folder)


def test_a_clip_is_asked_for_waited_for_and_fetched(server, movie):
    heard: list[Event] = []
    clip = made(remote(server, model="sora-2"), Progress(heard.append), seconds=4.0, size=(64, 48))
    assert (clip.frames == read(movie).frames).all()
    assert clip.fps == 8.0
    assert [asked.kind for asked in server.asked] == ["create", "poll", "poll", "content"]
    assert server.of("create")[0].fields == {
        "prompt": "a cat",
        "model": "sora-2",
        "seconds": "4",
        "size": "64x48",
    }
    assert server.of("content")[0].path == f"/v1/videos/{JOB}/content"
    steps = [event.step for event in heard if event.phase == "render"]
    assert steps == sorted(steps)
    assert {0, 50, 100} <= set(steps)


def test_the_record_says_what_came_and_from_where(server):
    server.states[-1] |= {"revised_prompt": "a very fine cat"}
    record = made(remote(server), seconds=4.0).record
    assert record.backend == record.shot.model == "remote:there"
    assert (record.shot.size, record.shot.fps, record.shot.num_frames) == ((64, 48), 8.0, 9)
    assert record.shot.seconds == 9 / 8
    assert record.weights == {"remote model": "tiny-1"}
    notes = " | ".join(record.notes)
    assert f"made by tiny-1 at 127.0.0.1:{server.server_port}, job {JOB}" in notes
    assert 'the server read the prompt as: "a very fine cat"' in notes
    assert "seconds: 4 were asked for, 1.125 came" in notes
    assert "seed: openai has none" in notes


def test_a_clip_is_asked_for_again_by_its_record(server):
    backend = remote(server, dialect="sglang")
    first = made(backend, seconds=1.125, fps=8.0)
    again = pipeline.generate(first.record.shot, backend, Progress())
    asked = [asked.fields for asked in server.of("create")]
    assert asked[0] | {"size": "64x48"} == asked[1]
    assert again.record.shot == first.record.shot
    assert made(remote(server), seconds=4.0).record.shot.fps == 8.0
    pipeline.generate(first.record.shot, remote(server), Progress())
    assert server.of("create")[-1].fields["seconds"] == "1"


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(server):
    server.states[-1] = {"status": "failed", "error": {"message": f"bad key {KEY}", "code": "auth"}}
    with pytest.raises(RemoteError) as caught:
        made(remote(server, key_env="KEY"))
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {KEY}"}
    assert KEY not in str(caught.value)
    assert "bad key …" in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "why"), [({}, "is not set"), ({"KEY": "a\nb"}, "characters"), ({"KEY": "clé"}, "char")]
)
def test_a_missing_or_impossible_key_is_said_before_any_request(server, environ, why):
    backend = Remote("there", RemoteServer(url=server.url, key_env="KEY"), Ticks().clock(), environ)
    with pytest.raises(RequestError, match=why) as caught:
        made(backend)
    assert server.asked == []
    assert all(value not in str(caught.value) for value in environ.values())


# What travels


def test_what_the_open_servers_understand_travels_as_json(server):
    said = {"fps": 16.0, "seconds": 2.0, "steps": 20, "guidance_scale": 0.0, "negative_prompt": "rain"}
    made(remote(server, dialect="sglang"), **said)
    assert server.of("create")[0].fields == {
        "prompt": "a cat",
        "num_frames": 32,
        "fps": 16,
        "seed": 7,
        "negative_prompt": "rain",
        "num_inference_steps": 20,
        "guidance_scale": 0.0,
    }


def test_sglang_gets_whole_seconds_as_a_number_and_openai_as_text(server):
    made(remote(server, dialect="sglang"), seconds=3.0)
    made(remote(server), seconds=3.4)
    first, second = (asked.fields["seconds"] for asked in server.of("create"))
    assert (first, second) == (3, "3")


def test_rounded_seconds_are_said(server):
    plan = remote(server).plan(shot(seconds=3.4, caption="a cat"))
    assert any("seconds: 3.4 becomes 3" in note for note in plan.notes)
    assert server.asked == []


def test_a_picture_travels_in_a_form_at_the_size_that_was_asked_for(server, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (80, 100, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.png")
    givens = (tasks.first_frame(tmp_path / "cat.png"),)
    made(remote(server), givens=givens, size=(64, 48))
    made(remote(server, dialect="sglang"), givens=givens, fps=8.0)
    first, second = server.of("create")
    assert first.fields == {"prompt": "a cat", "size": "64x48"}
    assert first.files["input_reference"].startswith(b"\x89PNG")
    (tmp_path / "sent.png").write_bytes(second.files["input_reference"])
    assert (np.asarray(Image.open(tmp_path / "sent.png")) == pixels).all()
    assert json.loads(second.fields["extra_body"]) == {"fps": 8, "seed": 7}


def test_vllm_omni_gets_a_form_and_always_a_length(server):
    clip = made(remote(server, dialect="vllm-omni"))
    assert "seconds: 4, as vllm-omni would make a single frame" in clip.record.notes
    (asked,) = server.of("create")
    assert asked.headers["content-type"].startswith("multipart/form-data")
    assert asked.fields == {"prompt": "a cat", "seconds": "4", "seed": "7"}


def test_all_of_a_shot_travels_to_another_vitascope(server):
    move = CameraMove(kind="zoom", amount=0.3)
    said = {
        "camera": (move,),
        "path": ((0.0, 0.1, 0.8),),
        "style": "noir",
        "aspect_ratio": "16:9",
        "loop": True,
    }
    made(remote(server, dialect="vitascope"), seconds=2.5, script=((0.5, "it jumps"),), **said)
    fields = server.of("create")[0].fields
    assert fields["seconds"] == "2.5"
    assert fields["camera"] == [move.model_dump(mode="json")]
    assert fields["path"] == [[0.0, 0.1, 0.8]]
    assert fields["script"] == [[0.5, "it jumps"]]
    assert (fields["style"], fields["aspect_ratio"], fields["loop"]) == ("noir", "16:9", True)


def given(**said: Any) -> tuple[Given, ...]:
    return (Given(**{"kind": "image", "source": "nowhere.png", **said}),)


@pytest.mark.parametrize(
    ("said", "argument"),
    [
        ({"path": ((0.0, 0.1, 0.8),)}, "path"),
        ({"camera": (CameraMove(kind="zoom", amount=0.3),)}, "camera"),
        ({"script": ((0.5, "it jumps"),)}, "at"),
        ({"style": "noir"}, "style"),
        ({"loop": True}, "loop"),
        ({"aspect_ratio": "16:9"}, "aspect_ratio"),
        ({"strength": 0.0}, "strength"),
        ({"sound": True}, "sound"),
        ({"negative_prompt": "rain"}, "negative_prompt"),
        ({"steps": 20}, "steps"),
        ({"guidance_scale": 0.0}, "guidance_scale"),
        ({"fps": 24.0}, "fps"),
        ({"num_frames": 17}, "num_frames"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": 2.0, "num_frames": 17}, "seconds"),
        ({"size": (0, 64)}, "size"),
        ({"seed": -1}, "seed"),
        ({"givens": given(mask="mask.png")}, "mask"),
        ({"givens": given(box=(0, 0, 0.5, 0.5))}, "box"),
        ({"givens": given(role="reference")}, "reference"),
        ({"givens": given(start=tasks.LAST)}, "last_image"),
        ({"givens": given(start=1.0)}, "keyframe"),
        ({"givens": given(kind="video")}, "video"),
        ({"givens": given(kind="video", role="pose")}, "pose_video"),
        ({"givens": given() + given()}, "image"),
    ],
)
def test_what_cannot_travel_is_named_before_any_request(server, said, argument):
    with pytest.raises(RequestError) as caught:
        made(remote(server), **said)
    assert caught.value.argument == argument
    assert caught.value.by_model
    assert server.asked == []


@pytest.mark.parametrize(
    ("owner", "dialect"),
    [
        ("vitascope", "vitascope"),
        ("sglang", "sglang"),
        ("vllm", "vllm-omni"),
        ("FastVideo", "fastvideo"),
        ("me", "openai"),
    ],
)
def test_a_server_is_asked_once_what_it_is(server, owner, dialect):
    server.owner = owner
    backend = remote(server, dialect="auto")
    backend.plan(shot())
    backend.plan(shot())
    assert backend._dialect is DIALECTS[dialect]
    assert [asked.path for asked in server.asked] == ["/v1/models"]


@pytest.mark.parametrize(
    ("answer", "dialect"),
    [
        (says(200, {"data": []}, x_litellm_version="1.9"), "litellm"),
        (says(200, {"data": 5}), "openai"),
        (says(200, b"<html>", Content_Type="text/html"), "openai"),
        (says(404, {"detail": "Not Found"}), "openai"),
    ],
)
def test_a_server_that_does_not_say_what_it_is_speaks_openai(server, answer, dialect):
    server.answers["models"] = [answer]
    assert remote(server, dialect="auto")._dialect.name == dialect


# What servers say


@pytest.mark.parametrize("status", ["completed", "succeeded", "Succeed", "success", "done"])
@pytest.mark.parametrize("waiting", ["queued", "processing", "in-progress", "RUNNING", "starting"])
def test_every_word_for_a_state_is_understood(server, status, waiting):
    server.states = [{"status": waiting}, {"status": status}]
    assert made(remote(server)).frames.shape == (9, 48, 64, 3)


def test_an_unknown_state_is_waited_out_and_said_once(server):
    server.states = [{"status": "pondering"}] * 3 + [{"status": "completed"}]
    heard: list[Event] = []
    made(remote(server), Progress(heard.append))
    assert len([event for event in heard if "pondering" in (event.note or "")]) == 1


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([10, 40, 30, 60], [10, 40, 60]),
        ([0.1, 0.4, 0.9], [10, 40, 90]),
        (["12%", None, "nan", 1e400, -5, True, 10**400, 80], [12, 80]),
        ([100, 100, 30], [30]),
        ([1, 1.0, 99.5], [1, 99]),
    ],
)
def test_progress_is_shown_however_it_is_told_and_never_goes_back(server, told, shown):
    server.states = [{"status": "running", "progress": one} for one in told] + [{"status": "completed"}]
    server.answers["create"] = [says(200, {"id": JOB, "status": "queued", "progress": 77})]
    server.states.insert(0, {})
    heard: list[Event] = []
    made(remote(server), Progress(heard.append))
    steps = [
        event.step for event in heard if event.phase == "render" and not event.finished and not event.note
    ]
    assert steps == list(range(max(shown) + 1))


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (
            {"status": "failed", "error": {"message": "too\nfine a cat", "code": "moderation_blocked"}},
            "too fine a cat \\(moderation",
        ),
        ({"status": "failed", "error": {"message": "out of memory", "code": 500}}, "out of memory \\(job"),
        ({"status": "failed", "error": "no"}, "no \\(job"),
        ({"status": "error"}, "does not say why"),
        ({"status": "cancelled"}, "cancelled"),
    ],
)
def test_a_job_that_fails_is_one_line_with_its_reason(server, state, why):
    server.states = [{"status": "queued"}, state]
    with pytest.raises(RemoteError, match=why) as caught:
        made(remote(server))
    assert "\n" not in str(caught.value)
    assert JOB in str(caught.value)
    assert server.of("delete") == []


def test_vllm_omni_tells_of_a_failed_job_by_an_error_status(server):
    server.answers["poll"] = [says(500, {"error": {"message": "CUDA ran out", "code": 500}})]
    with pytest.raises(RemoteError, match="CUDA ran out"):
        made(remote(server, dialect="vllm-omni"))
    assert len(server.of("poll")) == 1


@pytest.mark.parametrize(
    ("answer", "argument", "why"),
    [
        (refusal("Invalid value: '5'.", "seconds"), "seconds", "Invalid value"),
        (refusal("Unknown parameter: 'num_inference_steps'."), "steps", "Unknown parameter"),
        (refusal("nobody knows"), "model", "nobody knows"),
        (says(422, {"detail": [{"loc": ["body", "size"], "msg": "not a size"}]}), "size", "not a size"),
        (says(400, {"detail": "prompt is required"}), "model", "prompt is required"),
        (says(400, b"<html>", Content_Type="text/html"), "model", "status 400"),
    ],
)
def test_a_refused_request_names_the_argument(server, answer, argument, why):
    server.answers["create"] = [answer]
    with pytest.raises(RequestError, match=why) as caught:
        made(remote(server))
    assert caught.value.argument == argument
    assert len(server.of("create")) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says(200, b"{not json"), "not a JSON object"),
        (says(200, b"[]"), "not a JSON object"),
        (says(200, b"[" * 60_000), "not a JSON object"),
        (says(200, b"9" * 10_000), "not a JSON object"),
        (says(200, b"\xff\xfe"), "not a JSON object"),
        (says(200, b"<html>hi</html>", Content_Type="text/html; charset=x"), "page .*usually ends in /v1"),
        (says(200, {"status": "queued"}), "without a job's id"),
        (says(200, {"id": 7}), "without a job's id"),
        (says(200, {"id": "a\nb"}), "without a job's id"),
        (says(200, {"id": ".."}), "without a job's id"),
        (says(200, b"x" * (wires.MOST_ANSWER + 10)), "more than"),
        (says(401, {"error": {"message": "no"}}), "refuses the key"),
        (says(404, {"detail": "Not Found"}), "is its url right"),
        (says(402, {"error": {"message": "pay first"}}), "pay first"),
        (says(204), "did not take"),
    ],
)
def test_an_answer_that_makes_no_sense_is_one_clear_line(server, answer, why):
    server.answers["create"] = [answer]
    with pytest.raises(RemoteError, match=why) as caught:
        made(remote(server))
    assert len(str(caught.value)) < 600


def test_an_id_cannot_lead_elsewhere(server):
    server.answers["create"] = [says(200, {"id": "../files?x=/y", "status": "queued"})]
    made(remote(server))
    assert server.of("poll")[0].path == "/v1/videos/..%2Ffiles%3Fx%3D%2Fy"


# Faults on the way


def test_too_many_requests_are_waited_for_as_the_server_says(server):
    wednesday = "Sun, 09 Sep 2001 01:46:50 GMT"  # ten seconds after the clock's date
    server.answers["create"] = [says(429, {}, Retry_After="3"), says(503, {}, Retry_After=wednesday)]
    server.answers["poll"] = [says(429, {}, Retry_After_Ms="1500")]
    ticks, heard = Ticks(), []
    made(remote(server, ticks), Progress(heard.append))
    assert len(server.of("create")) == 3
    assert len({asked.headers["idempotency-key"] for asked in server.of("create")}) == 1
    waits = [event.note for event in heard if "trying again" in (event.note or "")]
    assert [wait.rpartition("in ")[2] for wait in waits] == ["3.0 s", "10.0 s", "1.5 s"]
    assert 14.5 < ticks.time < 20


@pytest.mark.parametrize("headers", [{"Retry_After": "100000"}, {"x_should_retry": "false"}])
def test_a_server_that_does_not_want_us_back_is_left_alone(server, headers):
    server.answers["create"] = [says(429, {"error": {"message": "enough"}}, **headers)]
    with pytest.raises(RemoteError, match=r"429|enough"):
        made(remote(server))
    assert len(server.of("create")) == 1


def test_retries_wait_longer_and_longer_and_end(server):
    server.answers["poll"] = [says(500)] * 9
    ticks = Ticks()
    with pytest.raises(RemoteError, match="500"):
        made(remote(server, ticks, tries=4))
    assert len(server.of("poll")) == 4
    assert ticks.time == pytest.approx(0.5 + 0.5 + 1 + 2)


def test_pauses_are_shorter_by_chance(server):
    backend = remote(server, ticks := Ticks(), tries=2)
    backend._clock = replace(backend._clock, random=lambda: 0.0)
    server.answers["poll"] = [says(500)] * 2
    with pytest.raises(RemoteError):
        made(backend)
    assert ticks.time == pytest.approx(0.5 + 0.25)


def test_a_poll_that_fails_for_a_while_is_asked_again(server):
    server.answers["poll"] = [says(500), cut, says(502, b"<html>", Content_Type="text/html")]
    assert made(remote(server)).frames.shape == (9, 48, 64, 3)


@pytest.mark.parametrize("fault", [says(500), cut])
def test_a_create_that_may_have_arrived_is_not_repeated(server, fault):
    server.answers["create"] = [fault]
    with pytest.raises(RemoteError):
        made(remote(server))
    assert len(server.of("create")) == 1


@pytest.mark.parametrize("fault", [says(500), cut])
@pytest.mark.parametrize("said", [{"dialect": "vitascope"}, {"idempotent": True}])
def test_a_create_is_repeated_where_two_make_one_clip(server, fault, said):
    server.answers["create"] = [fault]
    made(remote(server, **said))
    first, second = (asked.headers["idempotency-key"] for asked in server.of("create"))
    assert first == second


def test_an_unreachable_server_is_tried_a_few_times(server):
    backend = remote(server, ticks := Ticks(), url="http://127.0.0.1:9/v1", tries=3)
    with pytest.raises(RemoteError, match=r"cannot be reached at 127\.0\.0\.1:9 \("):
        made(backend)
    assert ticks.time == pytest.approx(0.5 + 1)


def test_a_server_that_says_nothing_is_given_up(server):
    server.answers["poll"] = [lambda handler: server.hang.wait(20)] * 2
    try:
        with pytest.raises(RemoteError, match=r"said nothing for 0\.3 s"):
            made(remote(server, tries=2, answer_seconds=0.3))
    finally:
        server.hang.set()


def test_a_job_that_never_ends_is_stopped(server):
    server.states = [{"status": "queued"}]
    with pytest.raises(RemoteError, match="not finished within 30 s"):
        made(remote(server, job_seconds=30))
    assert len(server.of("delete")) == 1
    assert len(server.of("poll")) < 20


def test_a_server_may_say_when_to_look_again(server):
    server.answers["poll"] = [says(200, {"id": JOB, "status": "queued"}, openai_poll_after_ms="7000")]
    ticks = Ticks()
    made(remote(server, ticks))
    assert ticks.time == pytest.approx(0.5 + 7)


@pytest.mark.parametrize("kind", ["create", "poll", "content"])
def test_nothing_is_sent_to_another_host(server, kind, movie):
    with running(VideoServer(movie.read_bytes())) as other:
        server.answers[kind] = [says(307, b"", Location=f"{other.url}/videos/{JOB}/content")]
        with pytest.raises(RemoteError, match=r"another host \(127\.0\.0\.1\)"):
            made(remote(server, key_env="KEY"))
        assert other.asked == []


def test_redirects_within_a_server_are_followed_but_not_for_ever(server):
    server.answers["content"] = [says(302, b"", Location="content?again=1")]
    server.answers["poll"] = [says(301, b"", Location=f"/v1/videos/{JOB}")]
    server.answers["create"] = [says(308, b"", Location="/v1/videos/")]
    made(remote(server))
    assert [asked.path for asked in server.of("create")] == ["/v1/videos", "/v1/videos/"]
    server.answers["poll"] = [says(302, b"", Location=f"/v1/videos/{JOB}")] * 30
    with pytest.raises(RemoteError, match="circles"):
        made(remote(server))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for this machine that nobody has signed but itself, and its private key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=here"
    )
    command += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_must_be_trusted(movie, certificate, monkeypatch):
    encrypted = VideoServer(movie.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    encrypted.socket = context.wrap_socket(encrypted.socket, server_side=True)
    encrypted.handle_error = lambda request, address: None
    url = encrypted.url.replace("http:", "https:")
    with running(encrypted):
        with pytest.raises(RemoteError, match="certificate that cannot be trusted"):
            made(remote(encrypted, ticks := Ticks(), url=url, key_env="KEY"))
        assert (encrypted.asked, ticks.time) == ([], 0)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert made(remote(encrypted, url=url, key_env="KEY")).frames.shape == (9, 48, 64, 3)


# The clip on its way home


def test_a_download_that_is_cut_goes_on_where_it_broke_off(server, movie):
    server.answers["content"] = [server.cut_after(1000)]
    clip = made(remote(server))
    assert (clip.frames == read(movie).frames).all()
    first, second = server.of("content")
    assert "range" not in first.headers
    assert (second.headers["range"], second.headers["if-range"]) == ("bytes=1000-", '"one"')


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_sure_sign_that_it_is_the_same_it_starts_over(server, movie, tag):
    server.tag = tag
    server.answers["content"] = [server.cut_after(1000)]
    assert (made(remote(server)).frames == read(movie).frames).all()
    assert "range" not in server.of("content")[1].headers


def test_a_clip_that_changed_meanwhile_starts_over(server, movie):
    server.tag, later = '"two"', server.usual_content
    server.answers["content"] = [
        lambda handler: handler.say(
            200, b"x" * 500, **{"Content-Type": "", "ETag": '"one"', "Content-Length": "9000"}
        ),
        later,
    ]
    assert (made(remote(server)).frames == read(movie).frames).all()


def test_a_server_without_ranges_starts_over(server, movie):
    whole = says(200, server.clip, Content_Type="video/mp4", ETag='"one"')
    server.answers["content"] = [server.cut_after(1000), whole]
    assert (made(remote(server)).frames == read(movie).frames).all()


def test_a_promise_of_too_much_is_found_out(server, movie):
    server.answers["content"] = [server.cut_after(10**6, promised=len(server.clip) + 5)]
    assert (made(remote(server)).frames == read(movie).frames).all()
    server.answers["content"] = [server.cut_after(10**6, promised=len(server.clip) + 5)] * 9
    server.tag = ""
    with pytest.raises(
        RemoteError, match=rf"sent {len(server.clip)} of {len(server.clip) + 5} bytes.*job {JOB}"
    ):
        made(remote(server))
    assert len(server.of("content")) == 2 + 6


def test_a_promise_of_too_little_is_no_clip(server):
    server.answers["content"] = [server.cut_after(10**6, promised=1500)]
    with pytest.raises(RemoteError, match="what is no clip"):
        made(remote(server))


def test_a_checksum_is_looked_at(server, movie):
    digest = sha256(server.clip).digest()
    right = f"sha-256=:{base64.b64encode(digest).decode()}:"
    wrong = f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"
    said = {"Content_Type": "video/mp4"}
    server.answers["content"] = [
        says(200, server.clip, Repr_Digest=wrong, **said),
        says(200, server.clip, Repr_Digest=right, **said),
    ]
    assert (made(remote(server)).frames == read(movie).frames).all()
    server.states[-1]["sha256"] = "0" * 64
    with pytest.raises(RemoteError, match="checksum is wrong, twice"):
        made(remote(server))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says(200, b"<html>", Content_Type="text/html"), "text/html in place of a clip"),
        (says(200, {"error": {"message": "expired"}}), "expired"),
        (says(410, {"error": {"message": "gone"}}), "gone"),
        (says(200, b"", Content_Type="video/mp4"), "no clip"),
        (says(200, b"not a clip at all", Content_Type="video/mp4"), "no clip"),
        (says(200, b"#EXTM3U\nhttp://127.0.0.1/x", Content_Type="video/mp4"), "playlist"),
        (says(200, b"x", Content_Type="video/mp4", Content_Length=str(10**13)), "the most that is read"),
        (says(200, b"x", Content_Type="video/mp4", Content_Encoding="gzip"), "packed"),
        (says(206, b"x", Content_Type="video/mp4", Content_Range="bytes 5-5/6"), "another part"),
    ],
)
def test_what_is_no_clip_is_refused(server, answer, why):
    server.answers["content"] = [answer]
    with pytest.raises(RemoteError, match=why):
        made(remote(server))


def test_a_body_without_end_is_cut_off(server, monkeypatch):
    monkeypatch.setattr("vitascope.backends.remote.backend.MOST_BYTES", 300_000)

    def endless(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 16))
        except OSError:
            pass

    server.answers["content"] = [endless]
    with pytest.raises(RemoteError, match=r"more than 0\.3 MB"):
        made(remote(server))


def test_a_clip_that_is_not_there_yet_is_asked_for_again(server):
    server.answers["content"] = [says(404, {"detail": "Generation is still in-progress"})] * 2
    assert made(remote(server)).frames.shape == (9, 48, 64, 3)


def test_odd_sides_and_sound_are_left_out_and_said(server, tmp_path):
    odd = nasty.movie(tmp_path / "odd.mp4", size=(63, 47), pixels="yuv444p", sound=440)
    server.clip = odd.read_bytes()
    clip = made(remote(server, dialect="sglang"), fps=23.976, num_frames=25, size=(64, 48))
    assert clip.frames.shape == (24, 46, 62, 3)
    assert clip.save(tmp_path / "kept.mp4").is_file()
    for note in (
        "fps: 23.976 becomes 24",
        "size: 63x47 is cut to 62x46, as files need even sides",
        "size: 64x48 was asked for, 62x46 came",
        "num_frames: 25 were asked for, 24 came",
        "sound: what came has some, which cannot be kept yet",
    ):
        assert note in clip.record.notes


# Stopping and going on


def test_a_run_that_was_killed_finds_its_job_again(server, tmp_path):
    backend, heard = remote(server), []
    cancelled = Progress(heard.append, lambda: len(server.of("poll")) > 0)
    with pytest.raises(Cancelled):
        made(backend, cancelled, tmp_path / "kept")
    assert any("the same command fetches it" in (event.note or "") for event in heard)
    assert server.of("delete") == []
    assert made(backend, None, tmp_path / "kept").frames.shape == (9, 48, 64, 3)
    assert len(server.of("create")) == 1
    made(backend, None, tmp_path / "kept")
    assert len(server.of("create")) == 2
    with pytest.raises(RequestError, match="another shot"):
        made(backend, None, tmp_path / "kept", prompt="a dog")


def test_a_kept_job_is_not_asked_for_anew_while_the_server_has_trouble(server, tmp_path):
    with pytest.raises(Cancelled):
        made(remote(server), Progress(None, lambda: len(server.of("poll")) > 0), tmp_path / "kept")
    server.answers["poll"] = [says(500)] * 6
    with pytest.raises(RemoteError, match="500"):
        made(remote(server), None, tmp_path / "kept")
    assert len(server.of("create")) == 1


@pytest.mark.parametrize(
    "gone", [says(404, {"error": {"message": "no such job"}}), says(200, {"id": JOB, "status": "failed"})]
)
def test_a_kept_job_that_is_gone_is_asked_for_anew(server, tmp_path, gone):
    with pytest.raises(Cancelled):
        made(remote(server), Progress(None, lambda: len(server.of("poll")) > 0), tmp_path / "kept")
    server.answers["poll"] = [gone]
    made(remote(server), None, tmp_path / "kept")
    assert len(server.of("create")) == 2


@pytest.mark.parametrize(("dialect", "kinds"), [("openai", ["delete"]), ("vitascope", ["cancel", "delete"])])
def test_a_cancelled_clip_is_stopped_there_too(server, dialect, kinds):
    heard: list[Event] = []
    progress = Progress(heard.append, cancelled=lambda: len(server.of("poll")) > 0)
    with pytest.raises(Cancelled):
        made(remote(server, dialect=dialect), progress)
    assert [asked.kind for asked in server.asked][-len(kinds) :] == kinds
    assert any(f"was asked to stop its job {JOB}" in (event.note or "") for event in heard)


def test_an_interrupt_stops_the_job_and_says_if_it_could_not(server):
    server.answers["delete"] = [says(405, {"detail": "Method Not Allowed"})]
    heard: list[Event] = []

    def interrupt(event: Event) -> None:
        heard.append(event)
        if event.step == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(remote(server), Progress(interrupt))
    assert any("may go on with its job" in (event.note or "") for event in heard)

from tests.server.conftest import png
from vitascope.deliver.provenance import credentials, marks
from vitascope.settings import settings
from vitascope.testing.fakes import synthetic_clip


def test_a_marked_file_an_unmarked_and_a_broken_one_are_told_apart(client, tmp_path, monkeypatch, context):
    monkeypatch.setenv("VITASCOPE_MARKS", "on")
    monkeypatch.setenv("VITASCOPE_HOME", str(tmp_path / "home"))
    caches = settings, marks._enabled, credentials.own_credentials
    for cached in caches:
        cached.cache_clear()
    data = synthetic_clip(num_frames=5, width=192, height=128).save(tmp_path / "a.mp4").read_bytes()
    answer = client.post("/api/v1/verify", files={"file": ("a.mp4", data)})
    assert answer.status_code == 200, answer.text
    whole = answer.json()
    assert (whole["object"], whole["verdict"]) == ("verification", "marked")
    assert (whole["manifest"]["state"], whole["watermark"]["model"]) == ("Trusted", "fake") or whole[
        "watermark"
    ]
    changed = data.replace(b"a disc", b"a cake", 1)
    broken = client.post("/api/v1/verify", files={"file": ("a.mp4", changed)}).json()
    assert broken["verdict"] == "broken"
    plain = client.post("/api/v1/verify", files={"file": ("a.png", png())}).json()
    assert plain["verdict"] == "none"
    assert str(context.uploads.folder) not in str((whole, broken, plain))
    assert not list(context.uploads.folder.iterdir()), "nothing is kept"
    for cached in caches:
        cached.cache_clear()


def test_what_is_no_file_is_refused(client):
    assert client.post("/api/v1/verify", files={"other": ("a", b"1")}).status_code == 400
    empty = client.post("/api/v1/verify", files={"file": ("a", b"")})
    assert empty.status_code == 400
    nothing = client.post("/api/v1/verify", files={"file": ("a", b"no picture at all")})
    assert nothing.status_code == 200, nothing.text
    assert nothing.json()["verdict"] == "none"

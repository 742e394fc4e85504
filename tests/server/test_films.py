import json

from tests.server.conftest import png
from tests.server.test_middleware import code
from vitascope.deliver.mux import read_record
from vitascope.director.storyboard import storyboard_of
from vitascope.jobs.job import Failure, Standing

FILM = {
    "title": "A walk",
    "model": "fake",
    "seed": 7,
    "shots": [
        {"prompt": "a cat", "num_frames": 9},
        {"prompt": "a dog", "num_frames": 9, "continue": True},
        {"prompt": "a cat jumps", "num_frames": 5, "crossfade": 0.25},
    ],
}
URL = "/api/v1/films"


def submit(client, **told) -> dict:
    answer = client.post(URL, json={**FILM, **told})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_film_is_handed_in_made_and_fetched(client, work, tmp_path):
    made = submit(client, priority=-2)
    assert (made["object"], made["title"], made["state"], made["priority"]) == (
        "film",
        "A walk",
        "queued",
        -2,
    )
    assert [(shot["seed"], shot["state"], shot["percent"]) for shot in made["shots"]] == [
        (7, "queued", 0),
        (8, "queued", 0),
        (9, "queued", 0),
    ]
    assert [(shot["start_frame"], shot["end_frame"]) for shot in made["shots"]] == [(0, 9), (8, 17), (15, 20)]
    url = f"{URL}/{made['id']}"
    assert code(client.get(f"{url}/content")) == (404, "not_ready")
    work()
    done = client.get(url).json()
    assert (done["state"], done["progress"]["percent"]) == ("completed", 100)
    assert {(shot["state"], shot["percent"]) for shot in done["shots"]} == {("completed", 100)}
    answer = client.get(done["url"])
    assert answer.headers["content-type"] == "video/mp4"
    (tmp_path / "film.mp4").write_bytes(answer.content)
    assert len(storyboard_of(read_record(tmp_path / "film.mp4")).takes) == 3
    assert client.get(done["url"], params={"variant": "thumbnail"}).headers["content-type"] == "image/webp"
    assert client.get(f"/v1/videos/{made['id']}").json()["seconds"] == "2.5"


def test_how_far_each_shot_is_is_told(client, service):
    url = f"{URL}/{submit(client)['id']}"
    lease = service.store.claim("w").lease

    def states() -> list[tuple[str, int]]:
        return [(shot["state"], shot["percent"]) for shot in client.get(url).json()["shots"]]

    service.store.beat(lease, Standing("denoise", 1, 4, 50, clip=1, clip_percent=30))
    assert states() == [("completed", 100), ("running", 30), ("queued", 0)]
    service.store.beat(lease, Standing("cut", 1, 3, 99, clip=3))
    assert states() == [("completed", 100)] * 3
    service.store.beat(lease, Standing("denoise", 1, 4, 99, clip=2, clip_percent=30))
    service.store.fail(lease, Failure("weights", "none"))
    assert states() == [("completed", 100), ("completed", 100), ("failed", 30)]
    assert client.post(f"{url}/retry").json()["shots"][0]["state"] == "queued"
    assert client.post(f"{url}/cancel").json()["state"] == "cancelled"
    assert states() == [("cancelled", 0)] * 3


def test_films_are_listed_and_removed_and_jobs_are_no_films(client, made):
    names = [submit(client)["id"] for _ in range(3)]
    page = client.get(URL, params={"limit": 2}).json()
    assert ([film["id"] for film in page["data"]], page["has_more"]) == (names[:0:-1], True)
    rest = client.get(URL, params={"after": page["last_id"]}).json()
    assert ([film["id"] for film in rest["data"]], rest["has_more"]) == (names[:1], False)
    assert code(client.get(f"{URL}/{made.id}")) == (404, "not_found")
    assert code(client.delete(f"{URL}/{made.id}")) == (404, "not_found")
    assert client.delete(f"{URL}/{names[0]}").json() == {
        "id": names[0],
        "object": "film.deleted",
        "deleted": True,
    }
    assert code(client.get(f"{URL}/{names[0]}")) == (404, "not_found")
    assert client.get(f"/api/v1/jobs/{names[1]}").json()["kind"] == "film"


def test_a_film_that_cannot_be_is_refused_by_shot_and_field(client, service):
    shots = FILM["shots"]
    for told, param in (
        ({"shots": [*shots, {"prompt": "a cat", "camera": "flutter"}]}, "shots[3].camera"),
        ({"shots": [*shots, {"prompt": "a cat", "camera": 3}]}, "shots[3].camera"),
        ({"shots": [*shots, {"prompt": "a cat", "what": 3}]}, "shots[3].what"),
        ({"shots": [shots[1]]}, "shots[0].continue"),
        ({"shots": []}, "shots"),
        ({"crossfade": 9, "shots": [shots[0], shots[0]]}, "crossfade"),
        ({"size": "9x9"}, "size"),
        ({"model": "/x"}, "model"),
        ({"priority": 101}, "priority"),
    ):
        answer = client.post(URL, json={**FILM, **told})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert service.store.counts() == {}
    job = {"shot": {"prompt": "a cat", "model": "fake"}, "kind": "film"}
    assert code(client.post("/api/v1/jobs", json=job)) == (400, "invalid_value"), "a film has shots"


def test_pictures_are_uploads_and_characters_and_never_paths(client, service, work, tmp_path):
    upload = client.post("/api/v1/uploads", files={"file": ("a", png())}).json()["id"]
    files = {"video": ("a", png())}
    character = client.post("/v1/videos/characters", data={"name": "Mia"}, files=files).json()["id"]
    shots = [
        {"prompt": "a cat", "num_frames": 5, "image": upload},
        {"prompt": "a cat", "references": [upload]},
    ]
    made = submit(client, shots=shots, references=[character])
    asked = service.store.get(made["id"]).request
    assert all(given.source.startswith("inputs/") for shot in asked.shots for given in shot.givens)
    assert [len(shot.givens) for shot in asked.shots] == [2, 1]
    work()
    assert client.get(f"{URL}/{made['id']}").json()["state"] == "completed"
    for name in ("/etc/passwd", "../tokens.json", "inputs/x", "http://localhost/", "video_0"):
        for field, value in (("image", name), ("last_image", name), ("references", [name])):
            answer = client.post(URL, json={**FILM, "shots": [{"prompt": "a cat", field: value}]})
            assert code(answer) == (400, "invalid_value")
        assert code(client.post(URL, json={**FILM, "references": [name]})) == (400, "invalid_value")


def test_a_key_makes_one_film(client):
    headers = {"Idempotency-Key": "k"}
    unseeded = {name: FILM[name] for name in FILM if name != "seed"}
    one, two = (client.post(URL, json=unseeded, headers=headers).json()["id"] for _ in range(2))
    assert one == two == client.post(URL, json={**unseeded, "key": "k"}).json()["id"]
    assert code(client.post(URL, json=FILM, headers=headers)) == (409, "conflict")


def test_nobody_sees_the_film_of_another(client, context):
    ann, bob = (context.tokens.add(name, "write") for name in ("ann", "bob"))
    mine = {"Authorization": f"Bearer {ann}"}
    name = client.post(URL, json=FILM, headers=mine).json()["id"]
    other = {"Authorization": f"Bearer {bob}"}
    assert client.get(URL, headers=other).json()["data"] == []
    for answer in (
        client.get(f"{URL}/{name}", headers=other),
        client.delete(f"{URL}/{name}", headers=other),
        client.post(f"{URL}/{name}/cancel", headers=other),
        client.get(f"{URL}/{name}/content", headers=other),
    ):
        assert code(answer) == (404, "not_found")
    first = {**FILM, "priority": 5}
    assert code(client.post(URL, json=first, headers=mine)) == (403, "forbidden")
    assert json.loads(client.get(f"{URL}/{name}", headers=mine).content)["id"] == name

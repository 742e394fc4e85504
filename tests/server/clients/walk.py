"""Walks through the whole videos API with the `openai` that is on the path, and prints what it saw as one JSON object.

Run in a process of its own: `python -S walk.py URL KEY PICTURE CLIP MORE`, where MORE is JSON with further fields of a
request. Calls that this version lacks go through its own `post` and `get`.
"""

import io
import json
import sys
from pathlib import Path

import openai
from openai import OpenAI
from openai.types import Video

CALLS = (
    "create", "create_and_poll", "poll", "retrieve", "list", "download_content", "edit", "extend", "remix",
    "create_character", "get_character", "delete",
)  # fmt: skip
FORM = {"headers": {"Content-Type": "multipart/form-data"}}


def main(url: str, key: str, picture: str, clip: str, more: str) -> dict[str, object]:
    """Return what was seen, step by step."""
    client = OpenAI(base_url=f"{url}/v1", api_key=key)
    seen: dict[str, object] = {"version": openai.__version__}
    seen["has"] = [name for name in CALLS if hasattr(client.videos, name)]
    seen["models"] = [model.id for model in client.models.list()]
    walk = Walk(client, Path(picture), Path(clip), json.loads(more))
    for step in (
        walk.create,
        walk.pages,
        walk.content,
        walk.others,
        walk.character,
        walk.errors,
        walk.delete,
    ):
        seen[step.__name__] = step()
    seen["wrong key"] = refused(lambda: OpenAI(base_url=f"{url}/v1", api_key="wrong").videos.list())
    return seen


class Walk:
    """One client on its way; `made` is the first finished video."""

    def __init__(self, client: OpenAI, picture: Path, clip: Path, more: dict[str, object]):
        self.client, self.videos, self.more = client, client.videos, more
        self.picture, self.clip = picture, clip
        self.made: Video

    def create(self) -> dict[str, object]:
        """Make a video from words and one from a picture, and wait for the first."""
        said = {"prompt": "a cat walks in a garden", "extra_body": {"seed": 7, **self.more}}
        began = self.videos.create(model="sora-2", seconds="4", size="1280x720", **said)
        early = refused(lambda: self.videos.download_content(began.id))
        self.made = self.videos.poll(began.id)
        shown = self.videos.create(input_reference=self.picture, **said)
        return {
            "began": about(began),
            "too early": early,
            "made": about(self.made),
            "from a picture": about(self.videos.poll(shown.id)),
        }

    def pages(self) -> dict[str, object]:
        """Walk through the list, one video a page."""
        page = self.videos.list(limit=1, order="asc")
        return {"first": page.data[0].id == self.made.id, "more": page.has_more, "all": len(list(page))}

    def content(self) -> dict[str, object]:
        """Fetch the clip and its pictures, in each of the ways that the client has."""
        heads = {}
        for variant in ("video", "thumbnail", "spritesheet"):
            answer = self.videos.download_content(self.made.id, variant=variant)
            file = self.clip.with_name(f"content-{variant}")
            answer.write_to_file(file)
            heads[variant] = head(file.read_bytes())
        with self.videos.with_streaming_response.download_content(self.made.id) as stream:
            pieces = b"".join(stream.iter_bytes())
        return {**heads, "streamed": pieces == self.clip.with_name("content-video").read_bytes()}

    def others(self) -> dict[str, object]:
        """Edit, extend and remix, from a file that is sent and from the video that was made."""
        words, more = "make it night", {"extra_body": self.more}
        sent = [("video", (self.clip.name, self.clip.read_bytes(), "video/mp4"))]
        if hasattr(self.videos, "edit"):
            edited = self.videos.edit(prompt=words, video=self.clip, **more)
            extended = self.videos.extend(
                prompt="a cat", seconds="4", video=io.BytesIO(sent[0][1][1]), **more
            )
        else:
            form = {"prompt": words, **self.more}
            edited = self._post("edits", form, files=sent, options=FORM)
            extended = self._post("extensions", form | {"seconds": "4"}, files=sent, options=FORM)
        named = {"prompt": words, "video": {"id": self.made.id}, **self.more}
        found = {
            "edit": edited,
            "extend": extended,
            "edit by id": self._post("edits", named),
            "extend by id": self._post("extensions", named | {"seconds": "4"}),
            "remix": self.videos.remix(self.made.id, prompt=words, **more),
        }
        return {name: about(self.videos.poll(video.id)) for name, video in found.items()}

    def character(self) -> dict[str, object]:
        """Show who is meant, and ask for a video of them."""
        if hasattr(self.videos, "create_character"):
            made = self.videos.create_character(name="Mia", video=self.clip)
            name, found = made.id, self.videos.get_character(made.id).name
        else:
            sent = [("video", ("mia.mp4", self.clip.read_bytes(), "video/mp4"))]
            told = self.client.post(
                "/videos/characters", cast_to=object, body={"name": "Mia"}, files=sent, options=FORM
            )
            name = told["id"]
            found = self.client.get(f"/videos/characters/{name}", cast_to=object)["name"]
        asked = {"characters": [{"id": name}], **self.more}
        return {"name": found, "video": about(self.videos.create(prompt="a cat", extra_body=asked))}

    def errors(self) -> dict[str, object]:
        """Ask for what cannot be."""
        create, key = self.videos.create, {"extra_headers": {"Idempotency-Key": f"walk {openai.__version__}"}}
        first, again = (create(prompt="a cat", extra_body=self.more, **key).id for _ in "ab")
        cancelled = self.client.post(f"/videos/{first}/cancel", cast_to=Video)
        return {
            "same key": first == again,
            "another request": refused(lambda: create(prompt="a dog", **key)),
            "cancelled": [cancelled.status, self.videos.poll(first).error.code],
            "no prompt": refused(lambda: create(prompt="")),
            "size": refused(lambda: create(prompt="a cat", size="7x7")),
            "nobody": refused(lambda: self.videos.retrieve("video_nobody")),
            "no such variant": refused(lambda: self.videos.download_content(self.made.id, variant="gif")),
            "no clip": refused(lambda: self.videos.download_content(first)),
            "a page": refused(
                lambda: create(prompt="a cat", input_reference=("a.png", b"<html>", "image/png"))
            ),
        }

    def delete(self) -> dict[str, object]:
        """Remove the video."""
        gone = self.videos.delete(self.made.id)
        same = (gone.id, gone.object, gone.deleted) == (self.made.id, "video.deleted", True)
        return {"deleted": same, "afterwards": refused(lambda: self.videos.retrieve(self.made.id))}

    def _post(self, what: str, body: dict[str, object], **told: object) -> Video:
        return self.client.post(f"/videos/{what}", cast_to=Video, body=body, **told)


def about(video: Video) -> list[object]:
    """Return what does not change from run to run."""
    whole = bool(video.id and video.object == "video" and isinstance(video.created_at, int) and video.prompt)
    return [video.status, video.progress, video.seconds, video.size, whole]


def refused(call) -> list[object]:
    """Return what a client makes of a refusal: its class, what it says about it, whether it has a request id."""
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code, error.param, bool(error.request_id)]
    return ["nothing was refused"]


def head(data: bytes) -> str:
    """Return what kind of file begins like this."""
    if data[4:8] == b"ftyp":
        return "mp4"
    return "webp" if data[8:12] == b"WEBP" else "jpeg" if data[:2] == b"\xff\xd8" else repr(data[:12])


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:6])))

"""The tools of the Model Context Protocol, asked by the official client: in this process, over HTTP, on pipes."""

import base64
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from starlette.testclient import TestClient

from tests.server.conftest import png
from vitascope.deliver.mux import read
from vitascope.jobs.service import JobService
from vitascope.server.app import make_app
from vitascope.server.context import ServerContext, open_context
from vitascope.server.mcp.arguments import LEFT_OUT, EditVideo, ExtendVideo, Folder, GenerateVideo
from vitascope.server.mcp.service import TOOLS, Tools
from vitascope.shot_fields import fields_of

SMALL = {"prompt": "a cat walks in a garden", "num_frames": 5, "seed": 7}


def asked(target: Any, ask: Callable[[Client], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    """Return what a client gets that asks a server."""

    async def run() -> Any:
        async with Client(target, **options) as client:
            return await ask(client)

    return anyio.run(run)


def text(result: types.CallToolResult) -> str:
    first = result.content[0]
    assert isinstance(first, types.TextContent)
    return first.text


@contextmanager
def working(work: Callable[[], None]) -> Iterator[None]:
    """Let a worker look for jobs all the time."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.1):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def tools(context: ServerContext) -> Any:
    return Tools(context, is_local=True).server()


def test_the_tools_take_the_fields_of_a_shot():
    for model, command in ((GenerateVideo, "generate"), (EditVideo, "edit"), (ExtendVideo, "extend")):
        expected = set(fields_of(command)) - (LEFT_OUT - ({"reference"} if command == "generate" else set()))
        own = {"wait", "n"} | ({"video"} if command != "generate" else set())
        assert set(model.model_fields) == expected | own
        for name, field in model.model_fields.items():
            assert field.description, name


def test_every_tool_is_explained(tools):
    list_to_json = asked(tools, lambda client: client.list_tools()).tools
    assert {tool.name for tool in list_to_json} == set(TOOLS) - {"save_video"}
    for tool in list_to_json:
        assert tool.description
        for name, schema in tool.input_schema["properties"].items():
            assert schema["description"], (tool.name, name)


def test_a_clip_is_made_while_the_client_waits(tools, work, service: JobService, tmp_path: Path):
    heard: list[tuple[float, float | None]] = []

    async def ask(client: Client) -> Any:
        async def hear(progress: float, total: float | None, message: str | None) -> None:
            heard.append((progress, total))

        made = await client.call_tool("generate_video", SMALL, progress_callback=hear)
        link = next(part for part in made.content if isinstance(part, types.ResourceLink))
        clip = await client.read_resource(str(link.uri))
        thumbnail = await client.read_resource(f"{link.uri}/thumbnail")
        list_to_json = await client.list_resources()
        return made, clip.contents[0], thumbnail.contents[0], list_to_json.resources

    with working(work):
        made, clip, thumbnail, list_to_json = asked(tools, ask)
    facts = made.structured_content
    assert (facts["state"], facts["num_frames"], facts["seed"]) == ("completed", 5, 7)
    assert heard[0] == (0, 100)
    (tmp_path / "clip.mp4").write_bytes(base64.b64decode(clip.blob))
    assert len(read(tmp_path / "clip.mp4").frames) == 5
    assert clip.mime_type == "video/mp4"
    assert Path(facts["videos"][0]["file"]).read_bytes() == base64.b64decode(clip.blob)
    assert base64.b64decode(thumbnail.blob)[8:12] == b"WEBP"
    assert [str(entry.uri) for entry in list_to_json] == [facts["videos"][0]["uri"]]
    assert any(isinstance(part, types.ImageContent) for part in made.content)


def test_clips_are_edited_extended_and_cut_to_films(tools, work):
    picture = "data:image/png;base64," + base64.b64encode(png()).decode()

    async def ask(client: Client) -> Any:
        first = (await client.call_tool("generate_video", SMALL | {"image": picture})).structured_content
        edited = await client.call_tool(
            "edit_video", {"video": first["id"], "prompt": "a dog", "box": "0.2,0.2,0.5,0.5", "seed": 7}
        )
        longer = await client.call_tool(
            "extend_video", {"video": first["videos"][0]["uri"], "prompt": "a cat", "seconds": 0.5}
        )
        shots = [{"prompt": "a cat", "seconds": 0.5}, {"prompt": "a dog", "seconds": 0.5}]
        film = await client.call_tool("make_film", {"script": {"shots": shots, "model": "fake"}})
        list_to_json = await client.call_tool("list_jobs", {"states": ["completed"]})
        return edited, longer, film, list_to_json

    with working(work):
        edited, longer, film, list_to_json = asked(tools, ask)
    for result, kind in ((edited, "edit"), (longer, "extend"), (film, "film")):
        assert not result.is_error, text(result)
        assert (result.structured_content["kind"], result.structured_content["state"]) == (kind, "completed")
    assert len(list_to_json.structured_content["jobs"]) == 4


@pytest.mark.parametrize(
    ("tool", "arguments", "line"),
    [
        ("generate_video", {}, "prompt: is missing"),
        ("generate_video", {"prompt": "a cat", "secnds": 2}, "secnds: is not an argument of this tool; nearest: s"),
        ("generate_video", {"prompt": "a cat", "steps": 999}, "steps: "),
        ("generate_video", {"prompt": "a cat", "image": "/etc/passwd"}, "image: paths are not taken here"),
        ("generate_video", {"prompt": "a cat", "model": "sora"}, "'sora' is not served here"),
        ("generate_video", {"prompt": "a cat", "num_frames": 66}, "num_frames: 66 is more than"),
        ("edit_video", {"prompt": "a cat", "video": "video_nope"}, "video_nope"),
        ("make_film", {"script": {"shots": []}}, "shots"),
        ("get_job", {"job": "video_nope"}, "video_nope"),
        ("upload_file", {"file": "data:image/png;base64,AAAA"}, "file: "),
        ("save_video", {"job": "video_nope", "name": "a.mp4"}, "there is no folder to write into"),
        ("genrate_video", {}, "tool: 'genrate_video' is not known; nearest: generate_video"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(tools, tool, arguments, line):
    result = asked(tools, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    assert line in text(result)
    assert "\n" not in text(result)
    assert "pydantic" not in text(result)


def test_jobs_are_watched_and_cancelled(tools, work):
    async def ask(client: Client) -> Any:
        job = (await client.call_tool("generate_video", SMALL | {"wait": False})).structured_content["id"]
        queued = await client.call_tool("get_job", {"job": job})
        cancelled = await client.call_tool("cancel_job", {"job": job})
        return queued.structured_content["state"], cancelled

    state, cancelled = asked(tools, ask)
    assert state == "queued"
    assert (cancelled.is_error, cancelled.structured_content["state"]) == (False, "cancelled")


def test_a_client_that_leaves_wants_the_clip_no_more(tools, service: JobService):
    async def ask(client: Client) -> None:
        with anyio.move_on_after(0.3):
            await client.call_tool("generate_video", SMALL)

    asked(tools, ask)
    assert [job.state for job in service.store.page().jobs] == ["cancelled"]


def test_files_are_read_and_written_in_the_folder_and_nowhere_else(
    context: ServerContext, work, tmp_path: Path
):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "cat.png").write_bytes(png())
    (tmp_path / "secret.png").write_bytes(png())
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    server = Tools(context, Folder(folder), is_local=True).server()

    async def ask(client: Client) -> Any:
        upload = await client.call_tool("upload_file", {"file": "cat.png"})
        made = await client.call_tool("generate_video", SMALL | {"image": "cat.png"})
        again = await client.call_tool("generate_video", SMALL | {"image": upload.structured_content["id"]})
        job = made.structured_content["id"]
        saved = [await client.call_tool("save_video", {"job": job, "name": "out.mp4"}) for _ in range(2)]
        outside = [
            await client.call_tool("generate_video", SMALL | {"image": name})
            for name in ("../secret.png", str(tmp_path / "secret.png"), "link.png", "nope.png")
        ]
        outside += [
            await client.call_tool("save_video", {"job": job, "name": name})
            for name in ("../out.mp4", "/tmp/out.mp4", ".hidden", "a\x00b")
        ]
        return made, again, saved, outside

    with working(work):
        made, again, saved, outside = asked(server, ask)
    assert not made.is_error, text(made)
    assert not again.is_error, text(again)
    assert len(read(folder / "out.mp4").frames) == 5
    assert [result.is_error for result in saved] == [False, True]
    assert all(result.is_error for result in outside)
    assert sorted(path.name for path in folder.iterdir()) == ["cat.png", "link.png", "out.mp4"]


def test_addresses_that_are_no_clip_are_refused(tools):
    async def ask(client: Client) -> None:
        for uri in ("vitascope://videos/video_nope", "vitascope://videos/../secret", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    asked(tools, ask)


@pytest.fixture
def served(context: ServerContext):
    """A server that has the tools at /mcp, asked without a network."""
    with TestClient(make_app(context, mcp=True), base_url="http://localhost") as client:
        yield client


def test_over_http_the_doors_are_those_of_the_service(served, context: ServerContext, tmp_path: Path):
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert served.post("/mcp", json=ask, headers=headers).status_code == 200
    assert served.post("/mcp", json=ask, headers=headers | {"host": "evil.example"}).status_code == 421
    assert (
        served.post("/mcp", json=ask, headers=headers | {"origin": "https://evil.example"}).status_code == 403
    )
    large = ask | {"params": {"_meta": {"x": "a" * (33 * 2**20)}}}
    assert served.post("/mcp", json=large, headers=headers).status_code == 413
    deep = b'{"jsonrpc":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    kind = {"content-type": "application/json"}
    assert served.post("/mcp", content=deep, headers=headers | kind).status_code == 400
    context.tokens.add("anna", "write")
    assert served.post("/mcp", json=ask, headers=headers).status_code == 401


def test_without_it_there_is_no_such_route(client):
    assert client.post("/mcp", json={}).status_code == 404


def test_over_http_a_client_sees_its_own_clips(tmp_path: Path, service: JobService, work, serve_app):
    context = open_context(tmp_path, service, models=("fake",))
    secrets = {name: context.tokens.add(name, "write") for name in ("anna", "ben")}
    address = serve_app(make_app(context, mcp=True))

    async def ask_as(name: str, ask: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
        headers = {"authorization": f"Bearer {secrets[name]}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
        ):
            return await ask(client)

    async def run() -> Any:
        made = await ask_as("anna", lambda client: client.call_tool("generate_video", SMALL))
        uri = made.structured_content["videos"][0]["uri"]
        clip = await ask_as("anna", lambda client: client.read_resource(uri))

        async def ask_as_a_stranger(client: Client) -> Any:
            with pytest.raises(MCPError, match="there is no"):
                await client.read_resource(uri)
            return await client.list_resources()

        return made, clip, await ask_as("ben", ask_as_a_stranger)

    with working(work):
        made, clip, theirs = anyio.run(run)
    assert made.structured_content["state"] == "completed"
    assert "file" not in made.structured_content["videos"][0]
    assert base64.b64decode(clip.contents[0].blob)[4:8] == b"ftyp"
    assert theirs.resources == []


def test_on_standard_streams_the_installed_program_makes_a_clip(tmp_path: Path):
    arguments = ["-m", "vitascope.testing", "mcp", "--models", "fake", "--program", "vitascope.testing"]
    target = StdioServerParameters(
        command=sys.executable,
        args=[*arguments, "--files", str(tmp_path)],
        env={"VITASCOPE_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"},
    )

    async def ask(client: Client) -> Any:
        made = await client.call_tool("generate_video", SMALL)
        job = made.structured_content["id"]
        return made, await client.call_tool("save_video", {"job": job, "name": "cat.mp4"})

    made, saved = asked(target, ask)
    assert made.structured_content["state"] == "completed", text(made)
    assert saved.structured_content["path"] == str(tmp_path / "cat.mp4")
    assert len(read(tmp_path / "cat.mp4").frames) == 5

"""The tools and resources of the Model Context Protocol over a server's queue: clips, edits, films and jobs."""

import base64
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, ValidationError

from vitascope import __version__
from vitascope.deliver.names import check_output
from vitascope.director.film import parse_film
from vitascope.errors import RequestError, VitascopeError
from vitascope.files import published
from vitascope.jobs.job import Job
from vitascope.server.context import ServerContext
from vitascope.server.errors import Refusal, invalid
from vitascope.server.mcp import arguments as args
from vitascope.server.mcp.arguments import CLIP, Folder
from vitascope.server.requests import Reader, Submission
from vitascope.server.schemas import NewFilm, notes, readable
from vitascope.server.submission import hand_in
from vitascope.server.thumbnails import glance
from vitascope.server.tokens import Caller

log = logging.getLogger("vitascope.server.mcp")

LOOK_SECONDS = 0.25
"""How often a job is looked at while somebody waits for it."""
MAX_RESOURCE = 64 * 2**20
"""Bytes of a clip that is handed over in one message."""
LISTED = 100
ABOUT = (
    "Makes short video clips from words, pictures and videos on this machine. generate_video makes a clip, edit_video "
    "changes one, extend_video makes one longer, make_film makes several shots. Each is a job; its clips are resources."
)

P = ParamSpec("P")
T = TypeVar("T")
RequestContext = ServerRequestContext[Any, Any]


@dataclass(frozen=True)
class Call:
    """One call of a tool: where, by whom, and with which folder of files."""

    context: ServerContext
    caller: Caller
    request_context: RequestContext
    folder: Folder
    is_local: bool

    async def make(self, read: Callable[[Reader], Submission], wait: bool) -> types.CallToolResult:
        """Hand in what `read` asks for, and answer at once or when it has ended."""
        job = await _in_thread(hand_in, self.context, self.caller, read)
        return await self.answer(await self.over(job) if wait else job)

    async def over(self, job: Job) -> Job:
        """Return a job once it is over, telling how far it is; it is cancelled when nobody waits for it any more."""
        store, percent = self.context.service.store, -1
        try:
            while not job.finished:
                if job.standing.percent > percent:
                    percent = job.standing.percent
                    await self.request_context.session.report_progress(
                        percent, 100, job.standing.phase or job.state
                    )
                await anyio.sleep(LOOK_SECONDS)
                job = await _in_thread(store.get, job.id)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await _in_thread(store.cancel, job.id)
            raise
        return job

    async def answer(self, job: Job) -> types.CallToolResult:
        """Return a job as an answer: a line, links to its clips, a picture of the first one, and plain values."""
        facts = await _in_thread(job_facts, self.context, job, self.is_local)
        content: list[types.ContentBlock] = [types.TextContent(text=_line(job))]
        for video in facts["videos"]:
            content.append(_link(job, video))
        if job.outputs and job.state == "completed":
            content.append(await _in_thread(_picture, self.context, job))
        return types.CallToolResult(
            content=content, structured_content=facts, is_error=job.state in ("failed", "cancelled")
        )


async def generate_video(call: Call, said: Any) -> types.CallToolResult:
    """Make a clip from words, and from pictures if you give any."""
    return await call.make(partial(_read, call, said, "create"), said.wait)


async def edit_video(call: Call, said: Any) -> types.CallToolResult:
    """Change a video by an instruction ("make it night"), or replace a part: a mask, a box, a span or around it."""
    return await call.make(partial(_read, call, said, "edit"), said.wait)


async def extend_video(call: Call, said: Any) -> types.CallToolResult:
    """Make a video longer, at its end or before its beginning."""
    return await call.make(partial(_read, call, said, "extend"), said.wait)


async def make_film(call: Call, said: args.MakeFilm) -> types.CallToolResult:
    """Make a film of several shots in one job."""
    script = NewFilm(**parse_film(said.script).said())
    return await call.make(lambda reader: reader.film(script), said.wait)


async def get_job(call: Call, said: args.GetJob) -> types.CallToolResult:
    """Return the state of a job, and its clips once it is completed."""
    job = await _in_thread(call.context.job, said.job, call.caller)
    return await call.answer(await call.over(job) if said.wait else job)


async def list_jobs(call: Call, said: args.ListJobs) -> types.CallToolResult:
    """List jobs, the newest first."""
    page = await _in_thread(
        call.context.service.store.page, limit=said.limit, states=said.states, owner=call.caller.owner
    )
    jobs = readable(page.jobs, partial(job_facts, call.context, is_local=call.is_local))
    lines = [f"{job['id']}  {job['state']}  {job['prompt'][:60]}" for job in jobs]
    text = types.TextContent(text="\n".join(lines) or "there are no jobs")
    return types.CallToolResult(content=[text], structured_content={"jobs": jobs, "has_more": page.more})


async def cancel_job(call: Call, said: args.JobName) -> types.CallToolResult:
    """Cancel a job: a queued one ends now, a running one at its next step."""
    job = await _in_thread(call.context.job, said.job, call.caller)
    job = await _in_thread(call.context.service.store.cancel, job.id)
    result = await call.answer(job)
    return result.model_copy(update={"is_error": False})


async def upload_file(call: Call, said: args.UploadFileArguments) -> types.CallToolResult:
    """Bring in a picture or a video, and return the id by which other tools take it."""

    def keep() -> dict[str, Any]:
        with call.context.uploads.taking(call.caller) as files:
            if said.file.startswith("data:"):
                files.any(said.file, "file")
                kept = files.fresh.pop()
            else:
                with call.folder.file(said.file, "file").open("rb") as file:
                    kept = call.context.uploads.keep(file, call.caller)
        return kept.to_json()

    upload = await _in_thread(keep)
    line = f"{upload['id']}: a {upload['kind']} of {upload['size'][0]}x{upload['size'][1]}"
    return types.CallToolResult(content=[types.TextContent(text=line)], structured_content=upload)


async def save_video(call: Call, said: args.SaveVideo) -> types.CallToolResult:
    """Copy a clip into the folder of the server."""

    def copy() -> str:
        target = call.folder.target(said.name, "name")
        job = call.context.job(said.job, call.caller)
        check_output(target, force=said.overwrite)
        clip = call.context.service.storage.file(job, said.index)
        with published(target, force=said.overwrite) as part:
            shutil.copyfile(clip, part)
        return str(target)

    path = await _in_thread(copy)
    content = types.TextContent(text=f"saved {path}")
    return types.CallToolResult(content=[content], structured_content={"path": path})


Run = Callable[[Call, Any], Awaitable[types.CallToolResult]]
TOOLS: dict[str, tuple[type[BaseModel], Run, dict[str, bool]]] = {
    "generate_video": (args.GenerateVideo, generate_video, {}),
    "edit_video": (args.EditVideo, edit_video, {}),
    "extend_video": (args.ExtendVideo, extend_video, {}),
    "make_film": (args.MakeFilm, make_film, {}),
    "get_job": (args.GetJob, get_job, {"read_only_hint": True}),
    "list_jobs": (args.ListJobs, list_jobs, {"read_only_hint": True}),
    "cancel_job": (args.JobName, cancel_job, {"destructive_hint": True, "idempotent_hint": True}),
    "upload_file": (args.UploadFileArguments, upload_file, {}),
    "save_video": (args.SaveVideo, save_video, {}),
}
"""Each tool with its arguments, what runs it, and hints about what it does."""
NEEDS_FOLDER = {"save_video"}


@dataclass(frozen=True)
class Tools:
    """Answers what clients of the protocol ask of a server.

    Who asks is whoever the middleware let in; on standard streams (`is_local`) it is the person who started it.
    """

    context: ServerContext
    folder: Folder = field(default_factory=Folder)
    is_local: bool = False

    def server(self, **options: Any) -> Server[Any]:
        """Return the server of the protocol."""
        return Server(
            "vitascope",
            version=__version__,
            title="Vitascope",
            instructions=ABOUT,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_templates,
            on_read_resource=self.read_resource,
            **options,
        )

    async def list_tools(self, request_context: RequestContext, params: Any) -> types.ListToolsResult:
        """Return all tools with the schemas of their arguments."""
        tools = []
        for name, (model, run, hints) in TOOLS.items():
            if name in NEEDS_FOLDER and self.folder.path is None:
                continue
            hints = {"read_only_hint": False, "destructive_hint": False, "open_world_hint": False} | hints
            tools.append(
                types.Tool(
                    name=name,
                    description=run.__doc__,
                    input_schema=model.model_json_schema(),
                    annotations=types.ToolAnnotations.model_validate(hints),
                )
            )
        return types.ListToolsResult(tools=tools)

    async def call_tool(
        self, request_context: RequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """Run a tool; what is wrong with a call is a line in its answer."""
        call = Call(self.context, self._caller(request_context), request_context, self.folder, self.is_local)
        try:
            if params.name not in TOOLS:
                near = get_close_matches(params.name, TOOLS, 1)
                hint = f"nearest: {near[0]}" if near else f"known: {', '.join(TOOLS)}"
                raise RequestError("tool", f"{params.name[:60]!r} is not known", hint)
            model, run, _ = TOOLS[params.name]
            try:
                said = model.model_validate(params.arguments or {})
            except ValidationError as error:
                first = error.errors()[0]
                raise _complaint(first, model) from None
            return await run(call, said)
        except (VitascopeError, Refusal) as error:
            return _failure(getattr(error, "message", None) or str(error))
        except MCPError:
            raise
        except Exception as error:
            # What nobody foresaw may hold names of this machine: it goes to the log, not to the client.
            log.exception("tool %s", params.name[:60])
            return _failure(f"unforeseen error: {type(error).__name__}")

    async def list_resources(self, request_context: RequestContext, params: Any) -> types.ListResourcesResult:
        """Return the newest clips."""
        caller = self._caller(request_context)
        page = await _in_thread(
            self.context.service.store.page, limit=LISTED, states=["completed"], owner=caller.owner
        )
        resources = []
        for job in page.jobs:
            for video in job_facts(self.context, job, self.is_local)["videos"]:
                resources.append(_link(job, video, types.Resource))
        return types.ListResourcesResult(resources=resources)

    async def list_templates(
        self, request_context: RequestContext, params: Any
    ) -> types.ListResourceTemplatesResult:
        """Return how the addresses of clips and their pictures look."""
        clip = types.ResourceTemplate(
            name="clip",
            uri_template=f"{CLIP}{{job}}",
            mime_type="video/mp4",
            description="The clip of a job.",
        )
        nth = types.ResourceTemplate(
            name="clip by number",
            uri_template=f"{CLIP}{{job}}/{{index}}",
            mime_type="video/mp4",
            description="A clip of a job with several, counted from 0.",
        )
        picture = types.ResourceTemplate(
            name="thumbnail",
            uri_template=f"{CLIP}{{job}}/thumbnail",
            mime_type="image/webp",
            description="The middle frame of a clip.",
        )
        return types.ListResourceTemplatesResult(resource_templates=[clip, nth, picture])

    async def read_resource(
        self, request_context: RequestContext, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Return a clip, or a picture of it."""
        uri = str(params.uri)
        try:
            blob, kind = await _in_thread(self._resource, uri, self._caller(request_context))
        except (VitascopeError, Refusal) as error:
            raise MCPError(types.INVALID_PARAMS, getattr(error, "message", None) or str(error)) from None
        text = base64.b64encode(blob).decode("ascii")
        return types.ReadResourceResult(
            contents=[types.BlobResourceContents(uri=uri, blob=text, mime_type=kind)]
        )

    def _resource(self, uri: str, caller: Caller) -> tuple[bytes, str]:
        name, _, part = uri.removeprefix(CLIP).partition("/")
        if not uri.startswith(CLIP) or not (
            part in ("", "thumbnail") or (part.isdecimal() and len(part) < 3)
        ):
            raise RequestError("uri", f"{uri[:80]!r} is no address of a clip", f"as in {CLIP}video_…")
        job = self.context.job(name, caller)
        index = int(part) if part.isdecimal() else 0
        if job.state != "completed" or index >= len(job.outputs):
            raise RequestError("uri", f"{job.id} is {job.state} and has {len(job.outputs)} clips")
        clip = self.context.service.storage.file(job, index)
        if part == "thumbnail":
            return glance(clip, job.outputs[index], "thumbnail").read_bytes(), "image/webp"
        if job.outputs[index].bytes > MAX_RESOURCE:
            most = f"at most {MAX_RESOURCE // 2**20} MiB are handed over"
            raise RequestError("uri", "the clip is too large", f"{most}; get it over HTTP")
        return clip.read_bytes(), job.outputs[index].media_type

    def _caller(self, request_context: RequestContext) -> Caller:
        if self.is_local:
            return Caller()
        caller = None if request_context.request is None else request_context.request.scope.get("caller")
        if not isinstance(caller, Caller):
            raise MCPError(types.INVALID_REQUEST, "nobody is known who asks")
        return caller


def job_facts(context: ServerContext, job: Job, is_local: bool) -> dict[str, Any]:
    """Return what a client is told of a job; `file` is where a clip lies, for a client of this machine."""
    shot = job.to_json()["shot"]
    videos = []
    for index, output in enumerate(job.outputs if job.state == "completed" else ()):
        facts = {"uri": f"{CLIP}{job.id}" + (f"/{index}" if index else ""), "bytes": output.bytes}
        facts |= {"mime_type": output.media_type, "seed": output.seed}
        videos.append(facts | ({"file": str(context.service.storage.file(job, index))} if is_local else {}))
    facts = {"id": job.id, "state": job.state, "kind": job.request.kind, "prompt": job.request.shot.prompt}
    facts |= {"percent": job.standing.percent, "phase": job.standing.phase, "videos": videos}
    facts |= {name: shot.get(name) for name in ("model", "seconds", "num_frames", "fps", "size", "seed")}
    return facts | {"notes": notes(job), "error": job.failure and job.failure.message}


def _read(call: Call, said: args.Wait, verb: str, reader: Reader) -> Submission:
    with args.http_fields(said, call.folder) as fields:
        return getattr(reader, verb)(fields)


def _complaint(first: Any, model: type[BaseModel]) -> Refusal:
    """Return the refusal for an argument that does not fit the schema, with the nearest name for an unknown one."""
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        near = get_close_matches(name, model.model_fields, 1)
        hint = f"; nearest: {near[0]}" if near else ""
        return Refusal(400, f"{name[:60]}: is not an argument of this tool{hint}")
    return invalid({**first, "loc": ("body", *first["loc"])})


def _failure(line: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=line)], is_error=True)


def _line(job: Job) -> str:
    """Return what became of a job in a few lines."""
    if job.failure is not None:
        return f"{job.id} failed: {job.failure.message}"
    how_far = f", {job.standing.percent} %" if job.state == "running" else ""
    return "\n".join([f"{job.id} is {job.state}{how_far}", *(f"note: {note}" for note in notes(job))])


def _link(job: Job, video: dict[str, Any], kind: Any = types.ResourceLink) -> Any:
    shot = job.request.shot
    return kind(
        uri=video["uri"],
        name=f"{job.id}.mp4",
        title=shot.prompt[:120],
        mime_type=video["mime_type"],
        size=video["bytes"],
    )


def _picture(context: ServerContext, job: Job) -> types.ImageContent:
    picture = glance(context.service.storage.file(job), job.outputs[0], "thumbnail").read_bytes()
    return types.ImageContent(data=base64.b64encode(picture).decode("ascii"), mime_type="image/webp")


async def _in_thread(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Run what blocks in a thread."""
    return await anyio.to_thread.run_sync(partial(function, *arguments, **keywords))

"""What the tools take, made from the fields of a shot, and files as they may be named in it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.datastructures import UploadFile

from vitascope.errors import RequestError
from vitascope.jobs.job import State
from vitascope.limits import LENGTHS, MAX_TEXT
from vitascope.server.uploads import START as UPLOAD
from vitascope.shot_fields import FIELDS, FILES, field_help, field_limits, field_name, fields_of

CLIP = "vitascope://videos/"
"""How the address of a clip begins."""
LEFT_OUT = {"fallback", "lora", "reference"}
"""Fields that are for those who run the server, and references, which only `generate` takes over HTTP."""
DATA_BYTES = 32 * 2**20
"""Letters of a `data:` URL: as many as a request over HTTP may have bytes."""

FileName = Annotated[str, Field(max_length=DATA_BYTES)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("image", "last_image", "pose_video", "face_video", "mask"), FileName),
    **dict.fromkeys(("camera", "path", "box", "span", "size"), Text),
    "at": dict[str, Text],
    "keyframes": dict[str, FileName],
    "reference": list[FileName],
}
"""Fields that Python and the command line take in more than one form."""
_FORMS = {
    "at": 'As in {"1.5": "it jumps"}.',
    "keyframes": 'As in {"1.5": "file_…"}.',
    "reference": "A list of files.",
}
A_FILE = "A file: the id of an upload (file_…), a data: URL, or a path in the folder of the server, where it has one."
VIDEO = Field(
    max_length=DATA_BYTES, description=f"Video to start from: the id of a video made here (video_…). {A_FILE}"
)


class Arguments(BaseModel):
    """Arguments of a tool; others are refused by name."""

    model_config = ConfigDict(extra="forbid")


class Wait(Arguments):
    """Whether the answer waits for the clip."""

    wait: bool = Field(
        True, description="Wait for the clip. Otherwise the answer has the job's id, for get_job."
    )


class JobName(Arguments):
    """Which job."""

    job: str = Field(max_length=100, description="Id of the job, as in video_….")


class GetJob(JobName):
    """Which job, and whether to wait until it ends."""

    wait: bool = Field(False, description="Wait until the job ends.")


class ListJobs(Arguments):
    """Which jobs to list."""

    limit: int = Field(20, ge=1, le=100, description="Number of jobs to list, the newest first.")
    states: list[State] | None = Field(None, description="Only jobs in these states.")


class UploadFileArguments(Arguments):
    """A file to bring in."""

    file: str = Field(
        max_length=DATA_BYTES, description="A data: URL, or a path in the folder of the server."
    )


class SaveVideo(JobName):
    """Where to put a copy of a clip."""

    name: str = Field(max_length=200, description="Name of the file to write in the folder, as in cat.mp4.")
    index: int = Field(0, ge=0, le=63, description="Which clip, of a job with several.")
    overwrite: bool = Field(False, description="Overwrite a file that exists.")


class MakeFilm(Wait):
    """A film of several shots."""

    script: dict[str, Any] = Field(
        description='The film: {"shots": [{"prompt": "a cat in a garden", "seconds": 2}, …]}. What all shots share '
        "(style, size, seed, model) stands beside shots. Pictures are ids of uploads (file_…).",
    )


def _shot_arguments(name: str, command: str, **more: Any) -> Any:
    """Return the arguments of a tool that makes a shot, each with its help and limits."""
    fields: dict[str, Any] = dict(more)
    left_out = LEFT_OUT - ({"reference"} if command == "generate" else set())
    for field in fields_of(command):
        if field in left_out:
            continue
        is_file = field in FILES and field not in _FORMS
        note = f"{_FORMS.get(field, '')} {A_FILE if is_file else ''}".strip()
        about: dict[str, Any] = {"title": FIELDS[field].title}
        about["description"] = f"{field_help(field)} {note}".strip()
        kind: Any = _TYPES.get(field, FIELDS[field].annotation)
        least, most = field_limits(field)
        about |= {} if least is None else {"ge": least, "le": most}
        about |= {"max_length": LENGTHS.get(field, MAX_TEXT)} if kind == (str | None) else {}
        if field == "prompt":
            fields[field] = (kind, Field(min_length=1, max_length=MAX_TEXT, **about))
        else:
            fields[field] = (kind | None, Field(None, **about))
    fields["n"] = (int, Field(1, ge=1, le=64, description="Number of clips, with consecutive seeds."))
    return create_model(name, __base__=Wait, **fields)


GenerateVideo = _shot_arguments("GenerateVideo", "generate")
EditVideo = _shot_arguments("EditVideo", "edit", video=(str, VIDEO))
ExtendVideo = _shot_arguments("ExtendVideo", "extend", video=(str, VIDEO))


@dataclass(frozen=True)
class Folder:
    """The one folder of this machine whose files may be named (None: there is no such folder)."""

    path: Path | None = None

    def file(self, name: str, argument: str) -> Path:
        """Return a file in the folder; raises `RequestError` for one outside it, also behind a link."""
        if self.path is None:
            raise RequestError(
                argument, "paths are not taken here", "upload the file, and name its file_… id"
            )
        root = self.path.resolve()
        try:
            path = (root / name).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise RequestError(argument, f"there is no file {name[:60]!r} in the folder") from None
        if not path.is_relative_to(root) or not path.is_file():
            raise RequestError(argument, f"{name[:60]!r} is no file in the folder of the server")
        return path

    def target(self, name: str, argument: str) -> Path:
        """Return where a file of some name lies in the folder; raises `RequestError` for what is more than a name."""
        if self.path is None:
            raise RequestError(argument, "there is no folder to write into", "read the clip as a resource")
        if Path(name).name != name or name.startswith(".") or any(sign in name for sign in "/\\:\0"):
            raise RequestError(argument, f"{name[:60]!r} is not the name of a file", "as in cat.mp4")
        return self.path.resolve() / (name if name.endswith(".mp4") else f"{name}.mp4")


@contextmanager
def http_fields(arguments: Wait, folder: Folder) -> Iterator[dict[str, Any]]:
    """Yield arguments as the fields of a request over HTTP; files of the folder are open until the block ends."""
    said = arguments.model_dump(exclude={"wait"}, exclude_none=True, exclude_unset=True)
    with ExitStack() as opened:
        for name in {*FILES, "video"} & set(said):
            said[name] = _file_value(said[name], name, folder, opened)
        yield {field_name(name, "http") if name in FIELDS else name: value for name, value in said.items()}


def _file_value(value: Any, argument: str, folder: Folder, opened: ExitStack) -> Any:
    """Return a file as a request over HTTP has it, or several."""
    if isinstance(value, list):
        return [
            _file_value(item, f"{argument}[{number}]", folder, opened) for number, item in enumerate(value)
        ]
    if isinstance(value, Mapping):
        return {key: _file_value(item, f"{argument}[{key}]", folder, opened) for key, item in value.items()}
    value = value.removeprefix(CLIP)
    if value.startswith((UPLOAD, "video_", "data:")):
        return value
    file = opened.enter_context(folder.file(value, argument).open("rb"))
    return UploadFile(file, filename="upload")

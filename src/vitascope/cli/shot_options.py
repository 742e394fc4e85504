"""The options of the commands that make clips, in groups that several commands share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from vitascope import tasks
from vitascope.api import given_pictures
from vitascope.backends.registry import check_name
from vitascope.camera.times import parse_at
from vitascope.cli.completion import model_names, preset_names
from vitascope.cli.run import Delivery
from vitascope.shot_fields import field_help
from vitascope.types import Fit, Quality

REPEATED = " May be repeated."

Prompt = Annotated[str, typer.Argument(help=field_help("prompt"), show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File to write (.mp4), or folder to write into. [default: from the prompt]"
    ),
]
Video = Annotated[Path, typer.Argument(help="The clip to start from.", show_default=False)]
Image = Annotated[Path | None, typer.Option(help=field_help("image"))]
LastImage = Annotated[Path | None, typer.Option(help=field_help("last_image"))]
Keyframes = Annotated[
    list[str] | None,
    typer.Option("--keyframe", metavar="1.5s=FILE", help=field_help("keyframes") + REPEATED),
]
References = Annotated[list[Path] | None, typer.Option(help=field_help("reference") + REPEATED)]
PoseVideo = Annotated[Path | None, typer.Option(help=field_help("pose_video"))]
FaceVideo = Annotated[Path | None, typer.Option(help=field_help("face_video"))]
FitOption = Annotated[Fit, typer.Option("--fit", help=field_help("fit"))]
SubjectPath = Annotated[
    str | None,
    typer.Option("--subject-path", "--path", metavar="PATH", help=field_help("path")),
]
At = Annotated[
    list[str] | None,
    typer.Option(metavar='4s="…"', help=field_help("at") + REPEATED),
]
Enhance = Annotated[
    bool, typer.Option("--enhance", help="Expand a short prompt first, by rules or by a chat model.")
]
Loop = Annotated[bool, typer.Option("--loop", help=field_help("loop"))]
Seconds = Annotated[float | None, typer.Option(help=field_help("seconds"))]
NumFrames = Annotated[int | None, typer.Option(help=field_help("num_frames"))]
Fps = Annotated[float | None, typer.Option(help=field_help("fps"))]
Size = Annotated[str | None, typer.Option(metavar="WxH", help=field_help("size"))]
AspectRatio = Annotated[str | None, typer.Option(metavar="W:H", help=field_help("aspect_ratio"))]
Seed = Annotated[int | None, typer.Option(help=field_help("seed"))]
Preset = Annotated[
    str | None, typer.Option(metavar="NAME", help=field_help("preset"), autocompletion=preset_names)
]
Steps = Annotated[int | None, typer.Option(help=field_help("steps"))]
GuidanceScale = Annotated[float | None, typer.Option(help=field_help("guidance_scale"))]
NegativePrompt = Annotated[str, typer.Option(help=field_help("negative_prompt"), show_default=False)]
Camera = Annotated[str | None, typer.Option(help=field_help("camera"))]
Style = Annotated[str | None, typer.Option(help=field_help("style"))]
QualityOption = Annotated[
    Quality | None,
    typer.Option("--fidelity", "--quality", help=field_help("quality")),
]
Memory = Annotated[
    str | None,
    typer.Option(metavar="PLAN", help=field_help("memory")),
]
Loras = Annotated[
    list[str] | None,
    typer.Option("--lora", metavar="PATH_OR_ID[:SCALE]", help=field_help("lora") + REPEATED),
]
Model = Annotated[str, typer.Option(help=field_help("model"), autocompletion=model_names)]
Fallback = Annotated[list[str] | None, typer.Option(metavar="MODEL", help=field_help("fallback") + REPEATED)]
Number = Annotated[
    int,
    typer.Option("-n", metavar="N", help="Number of clips, with consecutive seeds, and a contact sheet."),
]
Resume = Annotated[
    Path | None,
    typer.Option(
        "--resume-folder",
        "--resume",
        metavar="DIR",
        help="Folder for every step: after a kill, the same command continues from the last one.",
    ),
]
Stream = Annotated[
    bool, typer.Option("--stream", help="Write the clip to stdout as fragmented MP4 while it is made.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be made, and make nothing.")]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Let this Vitascope server make it (set its token as VITASCOPE_TOKEN).",
    ),
]
NoWait = Annotated[
    bool,
    typer.Option("--no-wait", help="With --server: print the job's id instead of waiting for the clip."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


@dataclass(frozen=True)
class Framing:
    """The flags of a clip made from words: its shape, its script and its pictures. Each field is one flag."""

    seconds: Seconds = None
    num_frames: NumFrames = None
    fps: Fps = None
    size: Size = None
    aspect_ratio: AspectRatio = None
    at: At = None
    image: Image = None
    last_image: LastImage = None
    keyframe: Keyframes = None
    reference: References = None
    pose_video: PoseVideo = None
    face_video: FaceVideo = None
    loop: Loop = False

    def shot_fields(self, fit: Fit) -> dict[str, Any]:
        """Return the fields of the shot that these flags set, its pictures as givens. Raises `RequestError`."""
        shape = ("seconds", "num_frames", "fps", "size", "aspect_ratio", "loop")
        givens = given_pictures(
            image=self.image,
            last_image=self.last_image,
            keyframes=tasks.parse_keyframes(self.keyframe),
            reference=self.reference or (),
            pose_video=self.pose_video,
            face_video=self.face_video,
            fit=fit,
        )
        at = dict(parse_at(text) for text in self.at or ())
        return {"at": at, "givens": givens, **{name: getattr(self, name) for name in shape}}


@dataclass(frozen=True)
class Drawing:
    """The flags of every command that takes a shot. Each field is one flag."""

    seed: Seed = None
    preset: Preset = None
    steps: Steps = None
    guidance_scale: GuidanceScale = None
    negative_prompt: NegativePrompt = ""
    camera: Camera = None
    path: SubjectPath = None
    fit: FitOption = "crop"
    style: Style = None
    quality: QualityOption = None
    memory: Memory = None
    lora: Loras = None

    @property
    def shot_fields(self) -> dict[str, Any]:
        """The fields of the shot that these flags set."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(Drawing) if entry.name != "fit"}
        return values | {"lora": self.lora or ()}


@dataclass(frozen=True)
class Making(Drawing):
    """The flags that `generate`, `extend` and `edit` share: how a clip is drawn, and where it is written."""

    output: Output = None
    model: Model = "toybox"
    fallback: Fallback = None
    number: Number = 1
    resume: Resume = None
    stream: Stream = False
    as_json: AsJson = False
    dry_run: DryRun = False
    force: Force = False

    @property
    def delivery(self) -> Delivery:
        """Where and how the clips are written. Raises `RequestError` for flags that exclude each other."""
        delivery = Delivery(**{entry.name: getattr(self, entry.name) for entry in fields(Delivery)})
        delivery.check()
        return delivery

    @property
    def shot_fields(self) -> dict[str, Any]:
        """The fields of the shot that these flags set; a resumed run keeps its seed."""
        return super().shot_fields | {"seed": self.delivery.seed(self.seed)}

    @property
    def models(self) -> tuple[str, ...]:
        """The models to try, in order. Raises `RequestError` for an unknown fallback."""
        for name in self.fallback or ():
            check_name(name, "fallback")
        return (self.model, *(self.fallback or ()))


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose arguments of the types above are expanded into one flag for each of their fields."""
    declared = signature(function)
    groups: dict[str, Any] = {
        entry.name: entry.annotation
        for entry in declared.parameters.values()
        if is_dataclass(entry.annotation)
    }

    @wraps(function)
    def wrapper(**values: Any) -> None:
        built = {
            name: group(**{entry.name: values.pop(entry.name) for entry in fields(group)})
            for name, group in groups.items()
        }
        function(**values, **built)

    flags = [flag for entry in declared.parameters.values() for flag in _flags(entry)]
    wrapper.__signature__ = declared.replace(parameters=flags)  # pyright: ignore[reportAttributeAccessIssue]
    wrapper.__annotations__ = {flag.name: flag.annotation for flag in flags} | {"return": None}
    return wrapper


def _flags(parameter: Parameter) -> Iterator[Parameter]:
    """Yield the flags that an argument stands for: itself, or those of its group."""
    if not is_dataclass(parameter.annotation):
        yield parameter
        return
    for entry in fields(parameter.annotation):
        yield Parameter(entry.name, Parameter.KEYWORD_ONLY, default=entry.default, annotation=entry.type)

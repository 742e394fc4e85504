"""What commands that make clips can be told: each group of flags is said once, and part of several commands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from vitascope import tasks
from vitascope.api import given_pictures
from vitascope.backends.registry import check_name
from vitascope.cli import options
from vitascope.cli.takes import Delivery
from vitascope.prompt.stages import parse_at
from vitascope.types import Fit


@dataclass(frozen=True)
class Framing:
    """The flags of a clip made from words: its shape, what happens when, and pictures. Each field is one."""

    seconds: options.Seconds = None
    num_frames: options.NumFrames = None
    fps: options.Fps = None
    size: options.Size = None
    aspect_ratio: options.AspectRatio = None
    at: options.At = None
    image: options.Image = None
    last_image: options.LastImage = None
    keyframe: options.Keyframes = None
    reference: options.References = None
    pose_video: options.PoseVideo = None
    face_video: options.FaceVideo = None
    loop: options.Loop = False

    def told(self, fit: Fit) -> dict[str, Any]:
        """Return what is said of the shot, with its pictures as givens; raises `RequestError`."""
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
    """The flags of every command that hands in a shot; each field is one."""

    seed: options.Seed = None
    preset: options.Preset = None
    steps: options.Steps = None
    guidance_scale: options.GuidanceScale = None
    negative_prompt: options.NegativePrompt = ""
    camera: options.Camera = None
    path: options.SubjectPath = None
    fit: options.FitOption = "crop"
    style: options.Style = None
    quality: options.QualityOption = None
    memory: options.Memory = None
    lora: options.Loras = None

    @property
    def said(self) -> dict[str, Any]:
        """What is said of the shot."""
        told = {each.name: getattr(self, each.name) for each in fields(Drawing) if each.name != "fit"}
        return told | {"lora": self.lora or ()}


@dataclass(frozen=True)
class Making(Drawing):
    """The flags that `generate`, `extend` and `edit` have in common: how a clip is drawn, and where it goes."""

    output: options.Output = None
    model: options.Model = "toybox"
    fallback: options.Fallback = None
    number: options.Number = 1
    resume: options.Resume = None
    stream: options.Stream = False
    as_json: options.AsJson = False
    dry_run: options.DryRun = False
    force: options.Force = False

    @property
    def delivery(self) -> Delivery:
        """Where the clips go and how; raises `RequestError` for flags that do not go together."""
        delivery = Delivery(**{each.name: getattr(self, each.name) for each in fields(Delivery)})
        delivery.check()
        return delivery

    @property
    def said(self) -> dict[str, Any]:
        """What is said of the shot; the seed of a run that goes on is the one that it had."""
        return super().said | {"seed": self.delivery.seed(self.seed)}

    @property
    def models(self) -> tuple[str, ...]:
        """The models to ask, one after the other until one can; raises `RequestError` for a fallback there is not."""
        for name in self.fallback or ():
            check_name(name, "fallback")
        return (self.model, *(self.fallback or ()))


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function whose groups of flags, arguments of the types above, are told it flag by flag."""
    mine = signature(function)
    groups: dict[str, Any] = {
        each.name: each.annotation for each in mine.parameters.values() if is_dataclass(each.annotation)
    }

    @wraps(function)
    def told(**values: Any) -> None:
        built = {
            name: group(**{each.name: values.pop(each.name) for each in fields(group)})
            for name, group in groups.items()
        }
        function(**values, **built)

    flags = [flag for each in mine.parameters.values() for flag in _flags(each)]
    told.__signature__ = mine.replace(parameters=flags)  # pyright: ignore[reportAttributeAccessIssue]
    told.__annotations__ = {flag.name: flag.annotation for flag in flags} | {"return": None}
    return told


def _flags(told: Parameter) -> Iterator[Parameter]:
    """Yield the flags that an argument stands for: itself, or those of its group."""
    if not is_dataclass(told.annotation):
        yield told
        return
    for each in fields(told.annotation):
        yield Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)

"""What commands that make clips can be told: each group of flags is said once, and part of several commands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from vitascope import tasks
from vitascope.api import given_pictures
from vitascope.backends.registry import check_name
from vitascope.cli import option_types
from vitascope.cli.run import Delivery
from vitascope.toybox.language.segments import parse_at
from vitascope.types import Fit


@dataclass(frozen=True)
class Framing:
    """The flags of a clip made from words: its shape, what happens when, and pictures. Each field is one."""

    seconds: option_types.Seconds = None
    num_frames: option_types.NumFrames = None
    fps: option_types.Fps = None
    size: option_types.Size = None
    aspect_ratio: option_types.AspectRatio = None
    at: option_types.At = None
    image: option_types.Image = None
    last_image: option_types.LastImage = None
    keyframe: option_types.Keyframes = None
    reference: option_types.References = None
    pose_video: option_types.PoseVideo = None
    face_video: option_types.FaceVideo = None
    loop: option_types.Loop = False

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

    seed: option_types.Seed = None
    preset: option_types.Preset = None
    steps: option_types.Steps = None
    guidance_scale: option_types.GuidanceScale = None
    negative_prompt: option_types.NegativePrompt = ""
    camera: option_types.Camera = None
    path: option_types.SubjectPath = None
    fit: option_types.FitOption = "crop"
    style: option_types.Style = None
    quality: option_types.QualityOption = None
    memory: option_types.Memory = None
    lora: option_types.Loras = None

    @property
    def said(self) -> dict[str, Any]:
        """What is said of the shot."""
        told = {each.name: getattr(self, each.name) for each in fields(Drawing) if each.name != "fit"}
        return told | {"lora": self.lora or ()}


@dataclass(frozen=True)
class Making(Drawing):
    """The flags that `generate`, `extend` and `edit` have in common: how a clip is drawn, and where it goes."""

    output: option_types.Output = None
    model: option_types.Model = "toybox"
    fallback: option_types.Fallback = None
    number: option_types.Number = 1
    resume: option_types.Resume = None
    stream: option_types.Stream = False
    as_json: option_types.AsJson = False
    dry_run: option_types.DryRun = False
    force: option_types.Force = False

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

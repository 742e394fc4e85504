"""What every command that makes clips can be told: said once, and part of each of those commands."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from vitascope.backends.registry import check_name
from vitascope.cli import options
from vitascope.cli.takes import Delivery


@dataclass(frozen=True)
class Making:
    """The flags that `generate`, `extend` and `edit` have in common; each field is one."""

    output: options.Output = None
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
        names = (
            "preset",
            "steps",
            "guidance_scale",
            "negative_prompt",
            "camera",
            "path",
            "style",
            "quality",
            "memory",
        )
        told = {name: getattr(self, name) for name in names}
        return {"seed": self.delivery.seed(self.seed), "lora": self.lora or (), **told}

    @property
    def models(self) -> tuple[str, ...]:
        """The models to ask, one after the other until one can; raises `RequestError` for a fallback there is not."""
        for name in self.fallback or ():
            check_name(name, "fallback")
        return (self.model, *(self.fallback or ()))


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function with the flags of `Making` after its own, which it gets as `making`."""

    @wraps(function)
    def told(**values: Any) -> None:
        making = Making(**{each.name: values.pop(each.name) for each in fields(Making)})
        function(**values, making=making)

    mine = signature(function)
    own = [each for each in mine.parameters.values() if each.name != "making"]
    common = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type)
        for each in fields(Making)
    ]
    told.__signature__ = mine.replace(parameters=[*own, *common])  # pyright: ignore[reportAttributeAccessIssue]
    told.__annotations__ = {each.name: each.annotation for each in (*own, *common)} | {"return": None}
    return told

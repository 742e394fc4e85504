"""diffusers and torch: imported when first needed, kept quiet, and asked for classes and versions."""

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from vitascope.errors import MissingExtraError, RequestError

EXTRA = 'pip install ".[open-weights]"'
PACKAGES = ("diffusers", "torch", "transformers", "accelerate", "peft")
"""Packages beside our own whose version can change what an open-weight model draws."""
LOUD = ("diffusers", "transformers", "huggingface_hub", "torch._dynamo", "torch._inductor")


def library(name: str = "diffusers") -> Any:
    """Return diffusers, or a package like it; raises `MissingExtraError` where it is not installed."""
    try:
        with _hushed():
            return import_module(name)
    except ImportError as error:
        missing = error.name or name
        raise MissingExtraError(
            f"model: open-weight models need {missing}, which is not installed: {EXTRA}"
        ) from None


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep packages from telling, while they are imported, what they would do on other machines."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def check_needs(packages: tuple[str, ...], model: str) -> None:
    """Raise `MissingExtraError` unless the packages that a model cannot do without are installed."""
    missing = [name for name in packages if installed(name) is None]
    if missing:
        raise MissingExtraError(
            f"model: {model} needs {' and '.join(missing)}: pip install {' '.join(missing)}"
        )


def pipeline_class(name: str) -> Any:
    """Return the pipeline class of that name; raises `RequestError` where the installed diffusers has none."""
    diffusers = library()
    with _hushed():  # the class is only imported when it is asked for
        value = getattr(diffusers, name, None)
    if value is None:
        problem = f"the installed diffusers {installed('diffusers')} has no {name}"
        raise RequestError("model", problem, "a newer one may: pip install --upgrade diffusers")
    return value


def accepted(pipeline: Any) -> frozenset[str]:
    """Return the names of the arguments that a loaded pipeline takes."""
    if (blocks := getattr(pipeline, "blocks", None)) is not None:
        return frozenset(parameter.name for parameter in blocks.inputs if parameter.name)
    return frozenset(inspect.signature(type(pipeline).__call__).parameters) - {"self"}


def required(pipeline: Any) -> frozenset[str]:
    """Return the names of the arguments that a loaded pipeline cannot do without; words it always gets."""
    if hasattr(pipeline, "blocks"):
        return frozenset()
    parameters = inspect.signature(type(pipeline).__call__).parameters.values()
    must = {
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    }
    return frozenset(must - {"self", "prompt"})


def installed(name: str) -> str | None:
    """Return the version of a package, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Return the versions of what renders open-weight models."""
    return {name: value for name in PACKAGES if (value := installed(name)) is not None}


class _Ear(logging.Handler):
    """Keeps the warnings that say that words of the prompt were left out."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = " ".join(record.getMessage().split())
        if "truncated" in line and line not in self.lines:
            self.lines.append(line[:300])


@contextmanager
def quietly() -> Iterator[list[str]]:
    """Keep the libraries from writing to the terminal, and yield what they said that a person should know.

    Their warnings are about their own code; what they do to a request has been checked before.
    """
    ear, loggers = _Ear(), [logging.getLogger(name) for name in LOUD]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    try:
        for logger in loggers:
            logger.propagate, logger.handlers = False, [ear]
            logger.setLevel(logging.WARNING)
        with warnings.catch_warnings(), _without_bars():
            warnings.simplefilter("ignore")
            yield ear.lines
    finally:
        for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
            logger.level, logger.propagate, logger.handlers = level, propagate, handlers
            logger.setLevel(level)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the libraries from drawing progress bars: there is one `Progress`, and it has one listener."""
    homes = [library(f"{name}.utils.logging") for name in ("diffusers", "transformers")]
    verbose = [home for home in homes if home.is_progress_bar_enabled()]
    for home in verbose:
        home.disable_progress_bar()
    try:
        yield
    finally:
        for home in verbose:
            home.enable_progress_bar()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generators within, and leave them as they were: some pipelines draw noise from those too."""
    torch = library("torch")
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield

"""Wrong usage of the command line as one line in the program's own words, with what was probably meant."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from vitascope.validation import complaint

MEANT = {
    "--seconds": ("duration", "length", "time", "secs", "sec", "long", "video-length", "clip-length"),
    "--num-frames": ("frames", "n-frames", "nframes", "video-frames", "frame-count", "length-frames"),
    "--fps": ("frame-rate", "framerate", "frames-per-second", "rate"),
    "--size": ("width", "height", "w", "h", "resolution", "res", "dimensions", "video-size"),
    "--aspect-ratio": ("aspect", "ratio", "ar", "shape", "orientation"),
    "--negative-prompt": ("negative", "neg", "neg-prompt", "uncond", "not", "without"),
    "--guidance-scale": ("guidance", "cfg", "cfg-scale", "scale", "cfg-strength"),
    "--steps": ("num-inference-steps", "inference-steps", "num-steps", "sampling-steps", "sample-steps", "iterations"),
    "--seed": ("random-seed", "rng", "base-seed", "noise-seed", "generator"),
    "--output": ("out", "outfile", "output-file", "save", "save-file", "save-path", "out-file", "dest", "filename"),
    "-n": ("number", "num", "count", "num-videos", "samples", "num-samples", "variants", "batch", "batch-size"),
    "--model": ("checkpoint", "ckpt", "model-id", "model-path", "backend", "engine", "model-name"),
    "--image": ("img", "init-image", "start-image", "first-frame", "first-image", "input-image", "picture", "photo"),
    "--last-image": ("end-image", "last-frame", "end-frame", "final-image"),
    "--reference": ("ref", "reference-image", "subject", "character"),
    "--keyframe": ("keyframes", "key-frame", "frame"),
    "--camera": ("camera-move", "camera-motion", "motion", "move", "zoom", "pan"),
    "--subject-path": ("trajectory", "track", "points", "motion-path"),
    "--fidelity": ("speed", "cache", "caching"),
    "--preset": ("profile", "mode", "effort"),
    "--memory": ("offload", "low-vram", "lowvram", "vram", "cpu-offload", "memory-plan"),
    "--memory-limit": ("ram", "max-memory", "memory-gib"),
    "--time-limit": ("timeout", "max-seconds", "max-time"),
    "--resume-folder": ("state", "state-dir", "checkpoint-dir", "continue"),
    "--lora": ("loras", "adapter", "lora-path"),
    "--style": ("look", "art-style"),
    "--force": ("overwrite", "yes", "y", "f"),
    "--json": ("as-json", "format"),
    "--dry-run": ("plan", "simulate", "noop", "dryrun", "what-if"),
    "--at": ("then", "schedule", "timeline", "prompt-schedule"),
    "--strength": ("denoise", "denoising-strength", "edit-strength"),
    "--mask": ("mask-image", "inpaint", "inpaint-mask"),
    "--box": ("bbox", "region", "rect", "area"),
    "--span": ("range", "from", "interval", "segment"),
    "--outpaint": ("expand", "uncrop"),
    "--server": ("url", "remote", "api", "endpoint"),
    "--host": ("address", "bind", "listen", "ip"),
    "--token": ("api-key", "key", "auth", "secret", "password"),
    "--limit": ("max", "top", "per-page"),
    "--help": ("usage", "?"),
}  # fmt: skip
"""What an option is called elsewhere, without dashes: other tools of the field and other words for the same thing."""


def usage_line(error: Any) -> str:
    """Return one line for an error of the library that reads the command line."""
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return _unknown_option(error)
    if kind == "MissingParameter":
        return f"{_name(error.param)}: is missing"
    if kind == "BadOptionUsage":
        takes_none = "does not take" in error.message
        return f"{error.option_name}: " + ("takes no value" if takes_none else "needs a value")
    if kind == "BadParameter" and error.param is not None:
        problem, nearest = _bad_value(error)
        return f"{_name(error.param)}: {problem}" + (f"; {nearest}" if nearest else "")
    message = error.format_message()
    if found := re.match(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", message, re.DOTALL):
        return f"{found[1][:60]!r} is one word too many: put what belongs together in quotes"
    if found := re.match(r"No such command '(.*?)'", message, re.DOTALL):
        return _unknown_command(found[1], error)
    if message.startswith("Missing command"):
        return "a command is missing: see --help"
    return message


def known_options(command: Any) -> dict[str, Any]:
    """Return the options of a command by each of their names, but for hidden ones."""
    return {
        name: param
        for param in command.params
        if param.param_type_name == "option" and not getattr(param, "hidden", False)
        for name in (*param.opts, *param.secondary_opts)
    }


def shown_names(param: Any) -> list[str]:
    """Return the names of an option to show: an older second long name still works and is not shown."""
    long = [name for name in param.opts if name.startswith("--")]
    return [name for name in param.opts if not name.startswith("--") or name == long[0]]


def _unknown_option(error: Any) -> str:
    command = error.ctx.command if error.ctx is not None else None
    known = {} if command is None else known_options(command)
    meant = next((name for name in _meant(error.option_name) if name in known), None)
    if meant is None:
        near = get_close_matches(error.option_name, [name for name in known if name.startswith("--")], 1, 0.7)
        meant = shown_names(known[near[0]])[0] if near else None
    where = "" if command is None or not command.name else f" of {command.name}"
    path = "" if error.ctx is None else error.ctx.command_path.partition(" ")[2]
    hint = f"use {meant}" if meant else " ".join(["see: vitascope", *path.split(), "--help"])
    return f"{error.option_name}: is no option{where}; {hint}"


def _meant(name: str) -> Iterator[str]:
    word = name.lstrip("-").replace("_", "-").lower()
    yield f"--{word}"
    for option, others in MEANT.items():
        if word in others:
            yield option


def _unknown_command(name: str, error: Any) -> str:
    others = getattr(error.ctx.command, "commands", {}) if error.ctx is not None else {}
    near = get_close_matches(name, others, 1)
    hint = f"use {near[0]}" if near else f"known: {', '.join(others)}"
    return f"{name[:60]!r} is no command; {hint}"


def _bad_value(error: Any) -> tuple[str, str | None]:
    cause = error.__cause__
    if cause is None or not hasattr(cause, "errors"):
        return error.message.rstrip("."), None
    first = cause.errors()[0]
    problem, nearest = complaint(first)
    if found := re.match(r"('.*') is not one of (.*?)\.?$", problem, re.DOTALL):
        return f"{found[1]} is not known", f"it may be: {found[2].replace(chr(39), '')}"
    return problem, nearest


def _name(param: Any) -> str:
    if param.param_type_name == "argument":
        return param.metavar or str(param.name).rpartition("_")[2].upper()
    return next((name for name in param.opts if name.startswith("--")), param.opts[0])

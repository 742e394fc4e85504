"""`--help` in panels: options and commands that belong together stand under one heading, in plain text."""

from types import MethodType
from typing import Any

from vitascope.cli.usage import shown_names

OPTIONS = {
    "Length, shape and time": ("seconds", "num_frames", "fps", "size", "aspect_ratio", "at", "loop", "before"),
    "Pictures and videos": (
        "image", "last_image", "keyframe", "reference", "pose_video", "face_video", "fit",
        "mask", "box", "span", "outpaint", "strength",
    ),
    "Words, camera and style": ("negative_prompt", "camera", "path", "style", "enhance"),
    "Drawing": ("seed", "preset", "steps", "guidance_scale", "quality", "memory", "lora"),
    "Model": ("model", "models", "fallback", "server", "no_wait", "workers", "cluster"),
    "Output": ("output", "number", "resume", "stream", "as_json", "dry_run", "force", "sheet", "storyboard", "shots"),
    "Access": ("host", "port", "token", "allow_host", "allow_origin", "store", "http", "files"),
    "Limits": (
        "max_upload", "max_queued", "max_connections", "per_minute", "keep", "keep_gib", "clip_seconds_per_hour",
        "clip_seconds_per_day", "megapixels_per_hour", "megapixels_per_day", "share", "time_limit",
    ),
}  # fmt: skip
"""Headings, and the options under each by their names in Python."""
COMMANDS = {
    "Make clips": ("generate", "extend", "edit", "film"),
    "Look at prompts and files": ("explain", "inspect", "remake", "verify"),
    "Models and cast": ("models", "cast", "evaluate"),
    "Queue and service": ("jobs", "worker", "serve", "mcp", "tokens", "webhooks"),
    "Shell": ("completion",),
}
"""Headings, and the commands under each."""
OTHER = "Options"
FEW = 9
"""A command with no more options than these has one panel."""


def add_panels(command: Any) -> None:
    """Let a command, and all below it, show its help in panels."""
    command.format_options = MethodType(_format_options, command)
    if subcommands := getattr(command, "commands", None):
        command.format_commands = MethodType(_format_commands, command)
        for subcommand in subcommands.values():
            add_panels(subcommand)


def _format_options(command: Any, context: Any, formatter: Any) -> None:
    rows: dict[str, list[tuple[str, str]]] = (
        {"Arguments": []} | {heading: [] for heading in OPTIONS} | {OTHER: []}
    )
    options = [param for param in command.get_params(context) if param.param_type_name == "option"]
    is_short = len([param for param in options if not getattr(param, "hidden", False)]) <= FEW
    for param in command.get_params(context):
        if (record := _record(param, context)) is None:
            continue
        if param.param_type_name == "argument":
            rows["Arguments"].append(record)
        else:
            rows[OTHER if is_short else _heading(param.name)].append(record)
    for heading, records in rows.items():
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)
    # What the library's own groups write here, too.
    if getattr(command, "commands", None):
        command.format_commands(context, formatter)


def _format_commands(command: Any, context: Any, formatter: Any) -> None:
    seen: set[str] = set()
    for heading, names in COMMANDS.items():
        found = [name for name in names if name in command.commands and not command.commands[name].hidden]
        if context.parent is None and found:
            seen |= {*found}
            _section(command, heading, found, formatter)
    rest = [name for name in command.list_commands(context) if name not in seen]
    _section(command, "Commands", [name for name in rest if not command.commands[name].hidden], formatter)


def _section(command: Any, heading: str, names: list[str], formatter: Any) -> None:
    if names:
        width = formatter.width - 6 - max(map(len, names))
        with formatter.section(heading):
            formatter.write_dl([(name, command.commands[name].get_short_help_str(width)) for name in names])


def _record(param: Any, context: Any) -> tuple[str, str] | None:
    """Return what help says about a parameter, without older names of an option."""
    record = param.get_help_record(context)
    if record is None or param.param_type_name == "argument":
        return record
    names, older = record[0], [name for name in param.opts if name not in shown_names(param)]
    for name in older:
        names = names.replace(f", {name}", "", 1)
    return names, record[1]


def _heading(name: str) -> str:
    return next((heading for heading, names in OPTIONS.items() if name in names), OTHER)

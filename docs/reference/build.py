"""Write the reference of the command line, of Python and of HTTP, from the code: `python docs/reference/build.py`.

`tests/test_reference.py` fails when a page here is not what this script writes.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import vitascope
from vitascope.cli.app import app
from vitascope.cli.usage import shown_names
from vitascope.server import api_docs

FOLDER = Path(__file__).parent
WRITTEN = "This page is written by `python docs/reference/build.py` from the code.\n"


def cli_page() -> str:
    """Return the page of all commands and their options."""
    command: Any = typer.main.get_command(app)
    parts = [f"# Command line\n\n{WRITTEN}"]
    for name, found in sorted(_commands(command, "vitascope")):
        parts.append(_command(name, found))
    return "\n".join(parts)


def python_page() -> str:
    """Return the page of all public names."""
    parts = [f"# Python\n\n{WRITTEN}\nAll names are imported from `vitascope`.\n"]
    for name in vitascope._HOMES:
        value = getattr(vitascope, name)
        parts.append(_class(name, value) if inspect.isclass(value) else _function(name, value))
    return "\n".join(parts)


def http_page() -> str:
    """Return the page of all routes and fields."""
    return api_docs.current()


PAGES = {"cli.md": cli_page, "python.md": python_page, "http.md": http_page}


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, found in command.commands.items():
        if hasattr(found, "commands"):
            yield from _commands(found, f"{name} {word}")
        else:
            yield f"{name} {word}", found


def _command(name: str, command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    usage = " ".join(
        [name, *(_metavar(param) for param in arguments), "[OPTIONS]" if options else ""]
    ).strip()
    lines = [f"## {name}\n", " ".join((command.help or "").split()) + "\n", f"    {usage}\n"]
    rows = [(f"`{_metavar(param)}`", param) for param in arguments]
    for option in options:
        flags = ", ".join(f"`{flag}`" for flag in (*shown_names(option), *option.secondary_opts))
        value = "" if option.is_flag else f" `{_metavar(option)}`"
        rows.append((flags + value, option))
    if rows:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| {flags} | {_cell(param.help or '')}{_default(param)} |" for flags, param in rows]
        lines.append("")
    return "\n".join(lines)


def _metavar(param: Any) -> str:
    return param.metavar or param.name.rpartition("_")[2].upper()


def _default(param: Any) -> str:
    value = param.default
    if value in (None, "", False, ()) or callable(value) or not getattr(param, "show_default", True):
        return ""
    return f" Default: `{value}`."


def _function(name: str, function: Any) -> str:
    return f"## {name}\n\n```python\n{_signature(name, function)}\n```\n\n{_prose(function)}\n"


def _class(name: str, value: Any) -> str:
    lines = [f"## {name}\n", _prose(value), ""]
    if fields := getattr(value, "model_fields", None):
        lines += ["| field | meaning |", "|---|---|"]
        properties = value.model_json_schema(by_alias=False).get("properties", {})
        for field in fields:
            lines.append(f"| `{field}` | {_cell(properties.get(field, {}).get('description', ''))} |")
        lines.append("")
    for own, member in vars(value).items():
        if (
            own.startswith(("_", "model_"))
            or own in ("send", "throw", "close")
            or not inspect.isfunction(member)
        ):
            continue
        lines.append(f"- **`{name}.{own}`**: {_cell(_prose(member))}")
    return "\n".join(lines).rstrip() + "\n"


def _signature(name: str, function: Any) -> str:
    parameters = inspect.signature(function).parameters.values()
    lines, starred = [], False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            lines.append("    *,")
            starred = True
        lines.append(f"    {_plain(str(parameter))},")
    return f"{name}(\n" + "\n".join(lines) + "\n)"


def _plain(text: str) -> str:
    """Return a parameter without the modules of its types and its addresses."""
    text = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)
    # Versions of Python write an optional literal in two ways.
    return re.sub(r"Optional\[(Literal\[[^\]]*\])\]", r"\1 | None", text)


def _prose(value: Any) -> str:
    return inspect.getdoc(value) or ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


if __name__ == "__main__":
    for file, page in PAGES.items():
        (FOLDER / file).write_text(page(), "utf-8")

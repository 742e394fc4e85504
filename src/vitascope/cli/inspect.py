"""`vitascope inspect`: what a clip was made from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from vitascope.escaping import escaped, escaped_json


def inspect(
    file: Annotated[Path, typer.Argument(help="A clip made by vitascope.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Print the settings that a clip was made with."""
    from vitascope.deliver.mux import read_record

    record = read_record(file)
    shot = record.shot.model_dump(mode="json", exclude_none=True)
    made_with: dict[str, Any] = {
        "weights": dict(record.weights),
        "versions": dict(record.versions),
        "notes": list(record.notes),
    }
    if record.film is not None:
        made_with["film"] = dict(record.film)
    if as_json:
        typer.echo(escaped_json({"path": str(file), "shot": shot, **made_with}))
    else:
        takes = made_with.pop("film", {}).get("takes", [])
        shots = {f"shot {number + 1}": take["shot"].get("caption") for number, take in enumerate(takes)}
        show({"file": str(file), **shot, **shots, **made_with})


def show(values: Mapping[str, Any]) -> None:
    """Print names and values in two columns, leaving out what is empty."""
    filled = {name: value for name, value in values.items() if value not in ("", None, [], {}, False)}
    width = max(map(len, filled))
    for name, value in filled.items():
        for row, line in enumerate(_lines(value)):
            typer.echo(f"{escaped(name) if row == 0 else '':<{width}}  {escaped(line)}")


def _lines(value: object) -> list[str]:
    match value:
        case dict():
            return [f"{name} {entry}" for name, entry in value.items()]
        case [int(width), int(height)]:
            return [f"{width}x{height}"]
        case list():
            return [
                line
                for entry in value
                for line in (_move(entry) if isinstance(entry, dict) else [str(entry)])
            ]
        case float():
            return [f"{value:g}"]
        case _:
            return [str(value)]


def _move(entry: dict[str, Any]) -> list[str]:
    return [
        ", ".join(
            f"{name} {value:g}" if isinstance(value, float) else f"{value}" for name, value in entry.items()
        )
    ]

"""The manifests of the fleet say nothing that our command line does not know."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from vitascope.cli.app import app

EXAMPLES = Path(__file__).parents[1] / "examples"
IMAGE = "registry.example/vitascope:1"


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every command of ours in the manifests and units, with the name of its file."""
    for file in sorted((EXAMPLES / "kubernetes").glob("*.yaml")):
        for container in containers(list(yaml.safe_load_all(file.read_text("utf-8")))):
            if container["image"] == IMAGE and "args" in container:
                yield file.name, container["args"]
    for file in sorted((EXAMPLES / "systemd").glob("*.service")):
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("ExecStart="):
                yield file.name, shlex.split(line.partition("=")[2])[1:]


def containers(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every container of a manifest."""
    if isinstance(part, dict):
        yield from part.get("containers", [])
    for below in part.values() if isinstance(part, dict) else part if isinstance(part, list) else []:
        yield from containers(below)


def test_there_are_servers_workers_a_fleet_and_housekeeping():
    assert {name for name, _ in commands()} == {
        "server.yaml",
        "workers.yaml",
        "ray.yaml",
        "prune.yaml",
        "vitascope.service",
        "vitascope-worker@.service",
    }


@pytest.mark.parametrize(("name", "words"), list(commands()), ids=lambda value: str(value)[:20])
def test_every_command_is_one_of_ours(name, words):
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        word, *words = words
        assert word in command.commands, f"{name} says {word}"
        command = command.commands[word]
    command.make_context(command.name, words)


def test_every_manifest_has_a_kind_and_lives_in_one_namespace():
    for file in sorted((EXAMPLES / "kubernetes").glob("*.yaml")):
        for part in yaml.safe_load_all(file.read_text("utf-8")):
            assert {"apiVersion", "kind", "metadata"} <= part.keys(), file.name
            assert part["kind"] == "Namespace" or part["metadata"]["namespace"] == "vitascope", file.name


def test_a_probe_asks_what_is_there():
    from vitascope.server.routes.system import router

    paths = {route.path for route in router.routes}
    text = (EXAMPLES / "kubernetes" / "server.yaml").read_text("utf-8")
    probes = [
        probe["httpGet"]["path"]
        for container in containers(list(yaml.safe_load_all(text)))
        for name, probe in container.items()
        if name.endswith("Probe")
    ]
    assert len(probes) == 3
    assert set(probes) <= paths

"""The documents name things that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from vitascope.cli.app import app

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "vitascope"


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_that_is_named_exists(name):
    text = (ROOT / name).read_text("utf-8")
    for path, _, attribute in re.findall(r"`([\w/]+\.(?:py|md|toml))(::(\w+))?`", text):
        file = next((base / path for base in (ROOT, SOURCE) if (base / path).is_file()), None)
        assert file is not None, f"{name} names {path}"
        defined = re.search(rf"(def|class) {attribute}\b", file.read_text("utf-8"))
        assert not attribute or defined, f"{path} has no {attribute}"


def test_the_readme_has_the_command_that_ci_runs():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    (command,) = [line for line in lines if line.startswith(".venv/bin/pip install") and "pytest" in line]
    assert command == '.venv/bin/pip install -c constraints.txt -e ".[test]" && .venv/bin/pytest'


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


WORDS = "edit|evaluate|explain|extend|film|generate|inspect|jobs|models|remake|serve|tokens|webhooks|worker"
SHOWN = re.compile(rf"(?:`|^ {{4}}|^)(?:vitascope )?((?:{WORDS})(?: [^`#\n]*)?)(?:`|#|$)", re.MULTILINE)


def shown() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of ours that the pages show, in a block of code or in a line, with the name of its page."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text("utf-8")
        for command in SHOWN.findall(text) + re.findall(
            r"^(?: {4})?vitascope ([a-z].*)$", text, re.MULTILINE
        ):
            words = re.sub(r"[\[\]\\]", " ", command.partition(" && ")[0]).split()
            if "vitascope" in text and (len(words) > 1 or words[0] in WORDS):
                yield page.name, words


def options(command: Any) -> set[str]:
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


def test_every_command_that_the_pages_show_is_one_of_ours():
    found = 0
    for page, words in shown():
        command: Any = typer.main.get_command(app)
        said = " ".join(words)
        known = options(command)
        while hasattr(command, "commands") and words and words[0][0].isalpha():
            word, *words = words
            assert word in command.commands, f"{page}: {said}"
            command = command.commands[word]
            known |= options(command)  # those of a group may be said after its command
        for flag in re.findall(r"(?<!\S)--[a-z][a-z-]*", " ".join(words)):
            assert flag in {*known, "--help"}, f"{page}: {said}"
            found += 1
    assert found > 50

"""The pages of the reference are what their script writes, and every command and public name is on them."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import vitascope

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_build", FOLDER / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli.md", "python.md", "http.md"])
def test_a_page_is_up_to_date(build, page):
    assert set(build.PAGES) == {file.name for file in FOLDER.glob("*.md")}
    assert (FOLDER / page).read_text("utf-8") == build.PAGES[page](), "run: python docs/reference/build.py"


def test_every_public_name_is_explained(build):
    text = build.python_page()
    for name in set(vitascope.__all__) - {"__version__"}:
        assert f"\n## {name}\n" in text
        assert getattr(vitascope, name).__doc__


def test_every_option_is_explained(build):
    rows = [line for line in build.cli_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if len(row.split(" | ")[1]) < 5] == []

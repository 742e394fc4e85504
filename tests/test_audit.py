"""What an install may bring along: no version with a known hole, neither pinned nor let in by a lower bound."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[1]
AUDIT = ROOT / ".ci" / "audit.py"


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", AUDIT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["audit"]


def test_neither_a_pin_nor_a_lower_bound_has_a_known_hole():
    done = subprocess.run([sys.executable, str(AUDIT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("package", "version", "hole"),
    [
        ("transformers", "5.0", "CVE-2026-4372"),
        ("starlette", "0.49.0", "CVE-2025-62727"),
        ("Pillow", "11.0", "CVE-2026-40192"),
        ("av", "16.0", "CVE-2026-8461"),
        ("python_multipart", "0.0.18", "CVE-2026-24486"),
    ],
)
def test_a_version_with_a_hole_is_named(audit, package, version, hole):
    """S25: what the lower bounds of November let in."""
    advisories = audit.read_advisories(ROOT / ".ci" / "advisories.toml")
    (line,) = [
        line for line in audit.find_holes({package: Version(version)}, advisories, "here") if hole in line
    ]
    assert line.startswith(f"here: {package} {Version(version)} has {hole} (")


def test_pins_and_bounds_are_read_whole(audit):
    assert audit.read_pins(["# what CI installs", "", "a-b==1.2.post1  # why", "C==3"]) == {
        "a-b": Version("1.2.post1"),
        "C": Version("3"),
    }
    project = {
        "name": "us",
        "dependencies": ["a>=1,<3", "b"],
        "optional-dependencies": {"x": ["us[y]", "c[z]~=2.1"]},
    }
    assert audit.read_bounds(project) == {"a": Version("1"), "b": Version("0"), "c": Version("2.1")}


def test_a_hole_is_there_from_where_it_came_until_it_was_closed(audit):
    advisory = audit.Advisory("a", "X-1", "about", Version("2.0"), Version("1.5"))
    found = [text for text in ("1.4", "1.5", "1.9.9", "2.0", "3") if advisory.concerns("A", Version(text))]
    assert found == ["1.5", "1.9.9"]

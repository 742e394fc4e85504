"""Holds pinned versions and the lower bounds of what we depend on against a list of known holes, without a network.

python .ci/audit.py              # exit status 1 and one line for each hole that an install could have
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
FIRST = Version("0")
LOWER = frozenset([">=", "==", "~=", ">"])


@dataclass(frozen=True)
class Advisory:
    """A known hole of a package: in all versions from `introduced` on, until `fixed`."""

    package: str
    id: str
    about: str
    fixed: Version
    introduced: Version = FIRST

    def concerns(self, package: str, version: Version) -> bool:
        """Say whether a version of a package has the hole."""
        same = canonicalize_name(package) == canonicalize_name(self.package)
        return same and self.introduced <= version < self.fixed


def read_advisories(path: Path) -> list[Advisory]:
    """Return the list of known holes."""
    entries = tomllib.loads(path.read_text("utf-8"))["advisory"]
    versions = ("fixed", "introduced")
    return [
        Advisory(**{name: Version(value) if name in versions else value for name, value in entry.items()})
        for entry in entries
    ]


def read_pins(lines: Iterable[str]) -> dict[str, Version]:
    """Return the version of each package that a file of constraints gives."""
    said = (line.partition("#")[0].strip() for line in lines)
    pinned = (Requirement(line) for line in said if line)
    return {one.name: Version(next(iter(one.specifier)).version) for one in pinned}


def read_bounds(project: Mapping) -> dict[str, Version]:
    """Return the oldest version of each dependency that a project lets in; 0 where it says none."""
    extras = project.get("optional-dependencies", {}).values()
    said = [*project["dependencies"], *(one for extra in extras for one in extra)]
    bounds: dict[str, Version] = {}
    for one in map(Requirement, said):
        if one.name != project["name"]:
            lowest = [Version(part.version) for part in one.specifier if part.operator in LOWER]
            bounds[one.name] = max(lowest, default=Version("0"))
    return bounds


def find_holes(versions: Mapping[str, Version], advisories: Iterable[Advisory], where: str) -> Iterator[str]:
    """Yield a line for every hole that one of these versions has."""
    for advisory in advisories:
        for package, version in versions.items():
            if advisory.concerns(package, version):
                yield f"{where}: {package} {version} has {advisory.id} ({advisory.about}): {advisory.fixed} or later"


def main() -> int:
    """Print what is wrong, and return the exit status."""
    advisories = read_advisories(ROOT / ".ci" / "advisories.toml")
    pins = read_pins((ROOT / "constraints.txt").read_text("utf-8").splitlines())
    bounds = read_bounds(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"])
    found = [
        *find_holes(pins, advisories, "constraints.txt"),
        *find_holes(bounds, advisories, "pyproject.toml"),
    ]
    print(
        "\n".join(found)
        or f"{len(pins)} pins and {len(bounds)} bounds have none of {len(advisories)} known holes"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

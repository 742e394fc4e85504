"""The import rule of ARCHITECTURE.md: who may use Toybox, and which packages know each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "vitascope"
TOYBOX_MAY_BE_USED_BY = {"toybox", "nn", "training", "evaluation", "testing"}
"""The registry names it in a string; all others speak to the protocol of a backend."""
KNOWN_CYCLES = {
    # `Clip.save` is the first thing that a caller of the package writes.
    frozenset({"types", "deliver", "media"}),
    # The catalogue states the frame rules by which planning plans; cards are planned by.
    frozenset({"backends", "planning", "runtime", "weights"}),
    frozenset({"evaluation", "training"}),
    # What is read from words names pages, and pages are found by words.
    frozenset({"toybox.cast", "toybox.language", "toybox.world"}),
    # The marks carry the record, which states the marks.
    frozenset({"deliver.provenance", "deliver.record"}),
    frozenset({"jobs.backup", "jobs.stores"}),
    frozenset({"jobs.ray", "jobs.supervisor"}),
}


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in SOURCE.rglob("*.py")}


def imports_of(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a file imports, those within functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vitascope":
            home = (node.module or "").removeprefix("vitascope").removeprefix(".")
            for alias in node.names:
                inner = f"{home}.{alias.name}".lstrip(".")
                yield inner if inner in MODULES else home
        elif isinstance(node, ast.Import):
            yield from (
                a.name.removeprefix("vitascope.") for a in node.names if a.name.startswith("vitascope.")
            )


IMPORTS = {module: set(imports_of(path)) for module, path in MODULES.items()}


def siblings(package: str) -> dict[str, set[str]]:
    """Return which children of a package use which others."""
    start = f"{package}." if package else ""
    graph: dict[str, set[str]] = {}
    for module, used in IMPORTS.items():
        if module.startswith(start) and module != package:
            child = module.removeprefix(start).split(".")[0]
            others = {
                name.removeprefix(start).split(".")[0] for name in used if name.startswith(start) and name
            }
            graph.setdefault(child, set()).update(others - {child})
    return graph


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found, left = set(), list(graph.get(start, ()))
    while left:
        if (name := left.pop()) not in found:
            found.add(name)
            left += graph.get(name, ())
    return found


def cycles(package: str) -> set[frozenset[str]]:
    """Return the groups of children of a package that use each other in a circle."""
    graph = siblings(package)
    reach = {name: reachable(graph, name) for name in graph}
    prefix = f"{package}." if package else ""
    return {
        frozenset(prefix + other for other in graph if other in reach[name] and name in reach[other])
        for name in graph
        if name in reach[name]
    }


def test_only_what_sits_on_toybox_imports_from_it():
    strangers = {
        module: used
        for module, names in IMPORTS.items()
        if module.split(".")[0] not in TOYBOX_MAY_BE_USED_BY
        and (used := {name for name in names if name.split(".")[0] == "toybox"})
    }
    assert not strangers


def test_packages_do_not_use_each_other_in_a_circle():
    packages = [module for module, path in MODULES.items() if path.name == "__init__.py"]
    found = {cycle for package in packages for cycle in cycles(package)}
    assert found <= KNOWN_CYCLES


def test_a_lazy_import_counts(tmp_path: Path):
    file = tmp_path / "lazy.py"
    file.write_text("def f():\n    from vitascope.toybox import brief\n    import vitascope.pipeline\n")
    assert set(imports_of(file)) == {"toybox.brief", "pipeline"}

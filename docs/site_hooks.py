"""What the pages need beside Markdown: the programs that they link to become files of the site.

The pages link to files of the checkout (`../examples/...`), so that links work where the pages are read as they are. On
the site those files lie under `examples/`, and folders become the list of all of them.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
FOLDERS = ("examples", "benchmarks")
LINK = re.compile(r"\]\(((?:\.\./)+)((?:examples|benchmarks)(?:/[^)]*)?)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the programs that pages link to, and a page that lists the examples."""
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
            name = str(path.relative_to(ROOT))
            files.append(File.generated(config, name, content=path.read_bytes()))
    files.append(File.generated(config, "examples/index.md", content=_examples()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Lead links to files of the checkout to where they are on the site."""
    start = "../" * page.file.src_uri.count("/")

    def lead(link: re.Match[str]) -> str:
        target = link[2].rstrip("/")
        is_folder = (ROOT / target).is_dir()
        return f"]({start}{'examples/index.md' if is_folder else target})"

    return LINK.sub(lead, markdown)


def _examples() -> str:
    lines = ["# Examples", "", "Programs and files to start from.", ""]
    for path in sorted((ROOT / "examples").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
            name = str(path.relative_to(ROOT / "examples"))
            lines.append(f"- [{name}]({name}){_about(path)}")
    return "\n".join(lines) + "\n"


def _about(path: Path) -> str:
    text = path.read_text("utf-8") if path.suffix == ".py" else ""
    found = re.match(r'"""(.+?)(?:\n|""")', text)
    return f": {found[1]}" if found else ""

"""`python tests/server/clients/install.py FOLDER` installs the client libraries that the tests talk to our server with.

Each goes into a folder of its own, so that several versions lie side by side and none touches our environment. The
tests find them through VITASCOPE_CLIENTS=FOLDER. What is there already is left alone.
"""

import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = ("2.2.0", "2.54.0", "3.52.0")
"""The oldest `openai` that has videos, the last of the second generation, and the newest."""
NODE = "7"


def install(folder: Path) -> None:
    """Install every client that is not there yet; raises `CalledProcessError`."""
    for version in PYTHON:
        target = folder / f"openai-{version}"
        if not target.is_dir():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _whole([*pip, "--target"], target, f"openai=={version}")
    if (npm := shutil.which("npm")) is None:
        print("npm is not here: the client for Node is left out", file=sys.stderr)
    elif not (folder / "node").is_dir():
        _whole(
            [npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix"],
            folder / "node",
            f"openai@{NODE}",
        )


def _whole(command: list[str], target: Path, what: str) -> None:
    """Install into a folder beside the target and move it there, so that a broken install is none."""
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    subprocess.run([*command, str(part), what], check=True, stdin=subprocess.DEVNULL)
    part.rename(target)


if __name__ == "__main__":
    install(Path(sys.argv[1]))

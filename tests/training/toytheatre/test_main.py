import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


@pytest.mark.parametrize("options", [["--clips", "2", "--size", "48"]])
def test_a_sheet_is_drawn(tmp_path: Path, options: list[str]):
    sheet = tmp_path / "sheet.png"
    command = [sys.executable, "-m", "vitascope.training.toytheatre", "--sheet", str(sheet), *options]
    subprocess.run(command, check=True)
    assert Image.open(sheet).width == 2 * (5 * 48 + 8)

import subprocess
import sys
from pathlib import Path

from PIL import Image


def test_a_sheet_is_drawn(tmp_path: Path):
    sheet = tmp_path / "sheet.png"
    command = [sys.executable, "-m", "vitascope.training.toytheatre", "--sheet", str(sheet)]
    subprocess.run([*command, "--clips", "2", "--size", "48"], check=True)
    with Image.open(sheet) as picture:
        assert picture.width == 2 * (5 * 48 + 8)

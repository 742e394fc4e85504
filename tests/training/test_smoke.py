import os
import subprocess
import sys
from pathlib import Path

from vitascope.weights.folder import WeightsFolder

ROOT = Path(__file__).parents[2]


def test_every_stage_of_the_training_road(tmp_path):
    """`runs/tiny_cpu.sh` renders, trains each network and exports; the folder that it leaves is whole."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "runs/tiny_cpu.sh", tmp_path],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = WeightsFolder(tmp_path / "weights")
    assert {"dit.onnx", "decoder.onnx", "encoder.onnx", "text_encoder.onnx"} <= set(folder.manifest.files)
    for name in folder.manifest.files:
        folder.file(name)
    assert folder.manifest.world["subjects"] == ("cat", "dog")
    assert (tmp_path / "vae" / "sheet.png").exists()
    assert (tmp_path / "dit" / "curves.png").exists()
    assert folder.network("draft").inputs == folder.network("dit").inputs

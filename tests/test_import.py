import subprocess
import sys

import vitascope


def test_importing_costs_next_to_nothing():
    program = "import sys, time; t = time.process_time(); import vitascope"
    program += "; print(time.process_time() - t, *sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    seconds, *loaded = out.split()
    assert float(seconds) < 0.3
    assert not {"numpy", "onnxruntime", "torch", "av", "pydantic", "typer"} & set(loaded)


def test_generating_needs_no_torch():
    program = (
        "import sys; from vitascope import generate; import vitascope.cli.app; print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "False"


def test_every_public_name_is_there():
    for name in vitascope.__all__:
        assert getattr(vitascope, name) is not None
    assert dir(vitascope) == sorted(vitascope.__all__)


def test_other_names_are_not():
    assert not hasattr(vitascope, "generator")

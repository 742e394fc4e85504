import re
import subprocess
import sys
from pathlib import Path

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


def test_every_exception_that_a_call_may_raise_is_at_the_top():
    for error in (
        "RequestError",
        "WeightsError",
        "Cancelled",
        "OutputError",
        "MemoryLackError",
        "RemoteError",
    ):
        assert issubclass(getattr(vitascope, error), vitascope.VitascopeError)
    assert {*vitascope._HOMES, "__version__"} == set(vitascope.__all__)


def test_other_names_are_not():
    assert not hasattr(vitascope, "generator")


def test_the_shapes_of_every_module_that_says_some_are_checked(pytestconfig):
    checked, home = pytestconfig.getoption("jaxtyping_packages").split(","), Path(vitascope.__file__).parent
    for file in home.rglob("*.py"):
        if re.search(r"^from jaxtyping import|^import jaxtyping", file.read_text("utf-8"), re.MULTILINE):
            name = ".".join(["vitascope", *file.relative_to(home).with_suffix("").parts])
            assert any(f"{name}.".startswith(f"{package}.") for package in checked), name

"""Wrong usage is one line in our own words, with the option that was probably meant; help and completion know all."""

import os
import shutil
import subprocess
import sys

import pytest
from pydantic import BaseModel, Field, ValidationError

from vitascope.cli import usage
from vitascope.cli.app import command_line, parameters
from vitascope.cli.completion import Shell
from vitascope.validation import complaint


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("generate cat --duration 3", "--duration: is no option of generate; use --seconds"),
        ("generate cat --width 3", "--width: is no option of generate; use --size"),
        ("generate cat --frame-rate 3", "--frame-rate: is no option of generate; use --fps"),
        (
            "generate cat --num-inference-steps 3",
            "--num-inference-steps: is no option of generate; use --steps",
        ),
        ("generate cat --cfg_scale 3", "--cfg_scale: is no option of generate; use --guidance-scale"),
        ("generate cat --secons 3", "--secons: is no option of generate; use --seconds"),
        ("generate cat --trajectory 3", "--trajectory: is no option of generate; use --subject-path"),
        ("generate cat --wobble", "--wobble: is no option of generate; see: vitascope generate --help"),
        ("serve --timeout 3", "--timeout: is no option of serve; use --time-limit"),
        ("generate cat --steps 1.5", "--steps: '1.5' is not a whole number"),
        ("generate cat --seconds soon", "--seconds: 'soon' is not a number"),
        ("generate cat --fit squeeze", "--fit: 'squeeze' is not known; it may be: crop, pad, stretch"),
        ("generate cat --steps", "--steps: needs a value"),
        ("generate cat --loop=3", "--loop: takes no value"),
        ("generate cat dog", "'dog' is one word too many: put what belongs together in quotes"),
        ("generate", "PROMPT: is missing"),
        ("serve --port 70000", "--port: 70000 is above 65535; nearest: 65535"),
        ("worker --keep 0", "--keep: 0 is below 1; nearest: 1"),
        ("genrate cat", "'genrate' is no command; use generate"),
        ("jobs lss", "'lss' is no command; use ls"),
    ],
)
def test_wrong_usage_is_one_line_in_our_words(run, arguments, line):
    done = run(*arguments.split())
    assert (done.status, done.out) == (2, "")
    assert done.err == f"vitascope: {line}\n"


def test_every_option_that_is_meant_exists():
    known = {name for parameter in parameters(command_line()) for name in parameter.opts} | {"--help"}
    assert set(usage.MEANT) <= known
    words = [word for others in usage.MEANT.values() for word in others]
    assert len(words) == len(set(words)), "a word that means two things"
    assert not {f"--{word}" for word in words} & {name for name in known if name in usage.MEANT}


class Everything(BaseModel):
    """One field of each kind that is checked anywhere."""

    whole: int = Field(1, ge=1, le=5)
    number: float = Field(1.0, gt=0, allow_inf_nan=False)
    text: str = Field("a", min_length=1, max_length=3)
    flag: bool = True
    items: list[int] = Field([], max_length=2)
    table: dict[str, int] = {}


@pytest.mark.parametrize(
    ("values", "problem", "nearest"),
    [
        ({"whole": 9}, "9 is above 5", "nearest: 5"),
        ({"whole": "x"}, "'x' is not a whole number", None),
        ({"whole": 1.5}, "1.5 is not a whole number", None),
        ({"number": 0}, "0 is not above 0", "nearest: 0"),
        ({"number": float("nan")}, "nan is not a finite number", None),
        ({"text": ""}, "is empty", None),
        ({"text": "abcd"}, "has too many characters", "at most 3 are read"),
        ({"text": 3}, "3 is not text", None),
        ({"flag": "perhaps"}, "'perhaps' is not true or false", None),
        ({"items": 3}, "3 is not a list", None),
        ({"items": [1, 2, 3]}, "has too many entries", "at most 2 are read"),
        ({"table": "x"}, "'x' is not a set of names and values", None),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(values, problem, nearest):
    with pytest.raises(ValidationError) as caught:
        Everything(**values)
    assert complaint(caught.value.errors()[0]) == (problem, nearest)


def test_help_stands_in_panels_without_older_names(run):
    out = run("generate", "--help").out
    headings = [
        "Arguments:",
        "Length, shape and time:",
        "Pictures and videos:",
        "Drawing:",
        "Model:",
        "Output:",
    ]
    places = [out.index(heading) for heading in headings]
    assert places == sorted(places)
    for older in ("--quality", "--path ", "--resume "):
        assert older not in out
    for newer in ("--fidelity", "--subject-path", "--resume-folder", "--help"):
        assert newer in out
    top = run("--help").out
    assert top.index("Make clips:") < top.index("  generate ") < top.index("Queue and service:")
    assert top.count("\n  generate ") == 1


def test_older_names_still_work(run):
    done = run(
        "generate", "a cat", "--path", "0.5,0.5", "--quality", "lossless", "--resume", "kept", "--dry-run"
    )
    assert "unforeseen" not in done.err
    assert "is no option" not in done.err


SCRIPTS = {
    "bash": 'eval "$SCRIPT"; COMP_WORDS=(vitascope gener); COMP_CWORD=1; '
    '_vitascope_completion vitascope; echo "${COMPREPLY[@]}"',
    "zsh": "autoload -Uz compinit; compinit -u -D; eval \"$SCRIPT\"; (( ${+_comps[vitascope]} )) && echo generate",
    "fish": 'echo "$SCRIPT" | source; complete -C "vitascope gener"',
}  # fmt: skip


@pytest.mark.parametrize("shell", [shell.value for shell in Shell])
def test_a_shell_completes_commands(shell, tmp_path):
    script = subprocess.run(
        [sys.executable, "-m", "vitascope", "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    assert "_VITASCOPE_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "vitascope"
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c \"import sys; sys.argv[0] = 'vitascope'; "
        'from vitascope.cli import main; main()" "$@"\n'
    )
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SCRIPT": script,
        "HOME": str(tmp_path),
    }
    command = [
        shell,
        *({"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]),
        "-c",
        SCRIPTS[shell],
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "generate" in done.stdout.split(), done.stderr

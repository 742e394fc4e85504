"""`vitascope completion`: what makes a shell complete commands, options and values."""

from enum import StrEnum
from typing import Annotated

import typer

PROGRAM = "vitascope"
VARIABLE = "_VITASCOPE_COMPLETE"
"""The variable by which a shell's script asks the program for completions."""


class Shell(StrEnum):
    """Shells that scripts are written for."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.", show_default=False)],
) -> None:
    """Print the script that completes commands, options and values in a shell.

    bash: eval "$(vitascope completion bash)" in ~/.bashrc; zsh: eval "$(vitascope completion zsh)" in ~/.zshrc, after
    compinit; fish: vitascope completion fish > ~/.config/fish/completions/vitascope.fish.
    """
    from typer.completion import get_completion_script  # pyright: ignore[reportPrivateImportUsage]

    typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell.value))


def model_names(incomplete: str) -> list[str]:
    """Return the models whose names begin so."""
    from vitascope.backends.registry import names

    return [name for name in names() if name.startswith(incomplete)]


def preset_names(incomplete: str) -> list[str]:
    """Return the presets whose names begin so."""
    return [name for name in ("draft", "standard", "quality") if name.startswith(incomplete)]

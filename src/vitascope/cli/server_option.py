"""Where a command of `vitascope jobs` looks: at the queue here, or at that of a server."""

from contextvars import ContextVar
from typing import Any

from typer.core import TyperGroup

chosen: ContextVar[str | None] = ContextVar("server", default=None)
"""The server that the command at work is about, None where it is about this machine."""

FLAG = "--server"


class Anywhere(TyperGroup):
    """A group of commands whose `--server URL` may stand anywhere after it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, the server's first."""
        for number, argument in enumerate(args):
            if argument == FLAG and number + 1 < len(args):
                args = [argument, args[number + 1], *args[:number], *args[number + 2 :]]
                break
            if argument.startswith(f"{FLAG}="):
                args = [argument, *args[:number], *args[number + 1 :]]
                break
        return super().parse_args(ctx, args)

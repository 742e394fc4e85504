"""The command line: one thin file per command, one line per error, exit status 0, 1, 2 or 130."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failure, 2 wrong usage, 130 interrupted, 143 terminated."""
    sys.exit(run_command(sys.argv[1:] if arguments is None else arguments))


def run_command(arguments: list[str]) -> int:
    """Run the command line and return the exit status; every error becomes one line on stderr.

    With VITASCOPE_DEBUG in the environment an unforeseen error keeps its traceback.
    """
    interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    def terminate(number: int, frame: FrameType | None) -> None:
        raise SystemExit(143)

    try:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)
        # Imported here, so that Ctrl+C while libraries load is met by the lines below.
        from vitascope.cli.app import command_line

        root = command_line()
        status = int(root(arguments, prog_name="vitascope", standalone_mode=False) or 0)
        return _complain("interrupted", 130) if status == 130 else status
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        # The reader has gone; what Python would still flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if interrupted or type(error).__name__ == "Abort":
            return _complain("interrupted", 130)
        if os.environ.get("VITASCOPE_DEBUG"):
            raise
        return _explain(error)


def _explain(error: Exception) -> int:
    from vitascope.errors import RequestError, VitascopeError, is_memory_lack

    if isinstance(error, RequestError):
        return _complain(str(error).replace(error.argument, flag(error.argument), 1), error.exit_code)
    if isinstance(error, VitascopeError):
        return _complain(str(error), error.exit_code)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
        return 2
    if hasattr(error, "format_message"):
        from vitascope.cli.usage import usage_line

        return _complain(_shortened(usage_line(error)), 2)
    if is_memory_lack(error):
        return _complain("the memory of this machine is not enough for that", 1)
    return _complain(f"unforeseen error: {type(error).__name__}: {error}", 1)


def _shortened(line: str) -> str:
    """Return a line in which no word is longer than a file's name may be: it may quote what was said."""
    return " ".join(word if len(word) <= 255 else f"{word[:60]}…" for word in line.split())


FLAGS = {"path": "--subject-path", "quality": "--fidelity", "resume": "--resume-folder"}
"""Arguments whose flags have other names, since their own would mean two things on a command line."""


def flag(argument: str) -> str:
    """Return what an argument is called on the command line."""
    if argument in FLAGS:
        return FLAGS[argument]
    if argument in ("prompt", "file", "script") or argument.isupper():
        return argument.upper()
    return f"--{argument.replace('_', '-')}" if argument.isidentifier() else argument


def _complain(line: str, status: int) -> int:
    from vitascope.escaping import escaped

    print("vitascope:", escaped(" ".join(line.split())), file=sys.stderr)
    return status

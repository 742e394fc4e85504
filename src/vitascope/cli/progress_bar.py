"""What a person sees while waiting: a line per phase, on stderr and only on a terminal; notes in any case."""

import sys
from types import TracebackType

from vitascope.escaping import escaped
from vitascope.progress import Event


class Screen:
    """Listens to events and draws them; use it as a context manager around the work."""

    def __init__(self) -> None:
        self._bar, self._task, self._phase = None, None, ""

    def __enter__(self) -> "Screen":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description:>8}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
                console=Console(stderr=True),
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        if event.note is not None:
            self.say(f"note: {event.note}")
        elif self._bar is not None:
            if event.phase != self._phase or self._task is None:
                self._phase, self._task = event.phase, self._bar.add_task(event.phase, total=event.total)
            self._bar.update(self._task, completed=event.step, total=event.total)
            if event.finished:
                self._phase = ""

    def say(self, line: str) -> None:
        """Print one line on stderr, above the bars where there are any."""
        line = escaped(line)
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr)

"""What a person sees while waiting: a bar on stderr, only on a terminal; notes in any case."""

import sys
from types import TracebackType

from vitascope.escaping import escaped
from vitascope.progress import Event


class Screen:
    """Listens to events and draws them; use it as a context manager around the work.

    With `whole` there is one bar for all of a clip, with the phase as its label and the time that is left; otherwise
    each phase has a bar of its own, for work whose length nobody knows before.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._bar, self._task, self._phase, self._standings = None, None, "", None

    def __enter__(self) -> "Screen":
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            ends = (TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[left]}"))
            if not self._whole:
                ends = (MofNCompleteColumn(), TimeRemainingColumn(compact=True, elapsed_when_finished=True))
            label = TextColumn("{task.description:>8}")
            self._bar = Progress(label, BarColumn(), *ends, console=Console(stderr=True))
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
            self._draw_whole(event) if self._whole else self._draw_phase(event)

    def say(self, line: str) -> None:
        """Print one line on stderr, above the bars where there are any."""
        line = escaped(line)
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr)

    def _draw_whole(self, event: Event) -> None:
        from vitascope.jobs.progress import JobProgress
        from vitascope.types import Shot

        assert self._bar is not None
        if self._standings is None:
            # What a queue tells of a job is what a person at a terminal wants to know, too.
            self._standings = JobProgress([Shot(prompt="")], lambda _: event.passes)
            self._task = self._bar.add_task(event.phase, total=100, left="")
        standing = self._standings.read(event)
        assert self._task is not None
        percent = 100 if event.phase == "write" and event.finished else standing.percent
        left = "" if standing.job_seconds_left is None else f"{_time(standing.job_seconds_left)} left"
        self._bar.update(self._task, description=event.phase, completed=percent, left=left)

    def _draw_phase(self, event: Event) -> None:
        assert self._bar is not None
        if event.phase != self._phase or self._task is None:
            self._phase, self._task = event.phase, self._bar.add_task(event.phase, total=event.total)
        self._bar.update(self._task, completed=event.step, total=event.total)
        if event.finished:
            self._phase = ""


def _time(seconds: float) -> str:
    """Return a time as a clock shows it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

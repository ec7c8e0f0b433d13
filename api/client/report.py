"""What is told on standard error while something takes its time: bars on a terminal, else a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from api.client.pace import Pace, duration
from api.client.tasks import Task

LINE_EVERY_SECONDS = 5.0


class Report:
    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Tell one line; above the bar, if there is one."""
        self._console.print(line)

    @contextmanager
    def uploading(self, name: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
        """Gives what hears how many bytes are sent; once it is all of them, the API is at work on them."""
        columns = (
            *(SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()),
            *(TransferSpeedColumn(), TimeRemainingColumn()),
        )
        with self._progress(*columns) as progress:
            bar = progress.add_task(f"sending {name}", total=total_bytes)
            lines = _NowAndThen(self._quiet)

            def sent(bytes_: int) -> None:
                done = bytes_ >= total_bytes
                what = "the API reads it" if done else f"sending {name}"
                progress.update(bar, completed=bytes_, description=what)
                lines.say(lambda: f"sent {bytes_ / 1e6:.0f} of {total_bytes / 1e6:.0f} MB")

            yield sent

    @contextmanager
    def scoring(self) -> Iterator[Callable[[Task], None]]:
        """Gives what hears how far the task is."""
        pace = Pace()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[words]}", markup=False),
        )
        with self._progress(*columns) as progress:
            bar = progress.add_task("queued", total=None, words="")
            lines = _NowAndThen(self._quiet)

            def look(task: Task) -> None:
                pace.look(time.monotonic(), task.finished_rows)
                words = progress_words(task, pace)
                progress.update(
                    *(bar,),
                    completed=task.finished_rows,
                    total=task.rows_total or None,
                    description=task.status,
                    words=words,
                )
                lines.say(lambda: f"{task.status}: {words}")

            yield look

    def _progress(self, *columns: ProgressColumn) -> Progress:
        return Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)

    def _quiet(self, line: str) -> None:
        if not self._console.is_terminal:
            self.say(line)


class _NowAndThen:
    """Passes on a line every few seconds, and drops the rest."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._next = time.monotonic() + LINE_EVERY_SECONDS

    def say(self, line: Callable[[], str]) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY_SECONDS
            self._say(line())


def progress_words(task: Task, pace: Pace) -> str:
    """How far a task is, how fast it goes, and how long it will take."""
    said = f"{task.finished_rows:,} of {task.rows_total:,} rows"
    if task.rows_failed:
        said += f", {task.rows_failed:,} failed"
    if pace.rows_a_second:
        said += f", {pace.rows_a_second:,.0f} rows/s"
    left = pace.seconds_left(task.rows_total - task.finished_rows)
    return said if left is None or task.ended else f"{said}, {duration(left)} left"

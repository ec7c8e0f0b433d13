"""What a person sees while the stack starts: lines, and a bar for downloads where there is a terminal."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_EVERY_SECONDS = 5.0


class Progress:
    """Says what is being done, with the seconds since the beginning."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()

    def say(self, what: str) -> None:
        seconds = time.monotonic() - self._began
        self.console.print(f"[dim]{seconds:6.1f} s[/]  {what}", highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, what: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
        """A download of `total_bytes`; yields the function that is told of each run of bytes."""
        columns = (
            TextColumn("          fetching {task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        with RichProgress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bars:
            task = bars.add_task(what, total=total_bytes)
            done, next_line, began = 0, time.monotonic() + LINE_EVERY_SECONDS, time.monotonic()

            def advance(count: int) -> None:
                nonlocal done, next_line
                done += count
                bars.advance(task, count)
                if not self.console.is_terminal and time.monotonic() > next_line:
                    next_line = time.monotonic() + LINE_EVERY_SECONDS
                    self.say(f"fetching {what}: {done / 1e6:.0f} of {total_bytes / 1e6:.0f} MB")

            yield advance
        self.say(f"{what}: {total_bytes / 1e6:.0f} MB there after {time.monotonic() - began:.1f} s")

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


class Bars:
    """Progress on standard error, where that is a terminal; standard output is the command's answer alone."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def each(self, what: str, items: Iterable[Item], total: int | None) -> Iterator[Item]:
        """Pass items on, with a bar beside them; without a total, with their count."""
        with self._progress() as progress:
            yield from progress.track(items, total=total, description=what)

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Show that something is at work, of which it is not known how far it is."""
        with self._progress() as progress:
            progress.add_task(what, total=None)
            yield

    def _progress(self) -> Progress:
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )

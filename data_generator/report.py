"""What a person sees of a run: a bar for a bounded run on a terminal, otherwise a line every ten seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from data_generator.generator import Plan, Summary

LINE_EVERY_SECONDS = 10.0


def configure_log(colours: bool) -> None:
    """Plain lines on standard output: time, what happened, details."""
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0),
        ],
    )


class AwayLog:
    """A line when a server goes away, and one when it is back."""

    def __init__(self, server: str, in_hand: str) -> None:
        """`server` and `in_hand` are what it and a batch are called: "the database", "batch"."""
        self._log = structlog.get_logger()
        self._server = server
        self._in_hand = in_hand

    def lost(self, reason: str) -> None:
        self._log.warning(f"{self._server} is away; trying again until it answers", reason=reason)

    def back(self, failures: int) -> None:
        self._log.info(f"{self._server} is back; going on with the same {self._in_hand}", failed_tries=failures)


class Progressing(Protocol):
    """Told, after each batch, the rows stored and the seconds passed so far."""

    def __call__(self, rows: int, seconds: float, /) -> None: ...


class Lines:
    """One line every ten seconds, with the rate since the last one."""

    def __init__(self, verb: str, things: str) -> None:
        self._log = structlog.get_logger()
        self._verb = verb
        self._things = things
        self._rows = 0
        self._seconds = 0.0

    def __call__(self, rows: int, seconds: float, /) -> None:
        passed = seconds - self._seconds
        if passed < LINE_EVERY_SECONDS:
            return
        pace = round((rows - self._rows) / passed, 1)
        self._log.info(self._verb, **{self._things: rows, f"{self._things}_per_second": pace})
        self._rows, self._seconds = rows, seconds


@contextmanager
def progress(plan: Plan, console: Console, verb: str, things: str) -> Iterator[Progressing]:
    """The way to show a run of this plan on this console, for as long as it lasts."""
    if not console.is_terminal or (plan.rows is None and plan.for_seconds is None) or plan.rows == 0:
        yield Lines(verb, things)
        return
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    with bar:
        if plan.rows is not None:
            task = bar.add_task(things, total=plan.rows)
            yield lambda rows, _seconds: bar.update(task, completed=rows)
        else:
            task = bar.add_task("seconds", total=round(plan.for_seconds or 0.0, 1))
            yield lambda rows, seconds: bar.update(
                task, completed=round(seconds, 1), description=f"{rows:,} {things}, seconds"
            )


def done(verb: str, summary: Summary, things: str) -> str:
    """How much of it in which time, and at which pace: "sent 10 images in 5.0 s, 2.0 images/s"."""
    pace = f", {summary.rows / summary.seconds:,.1f} {things}/s" if summary.rows and summary.seconds else ""
    return f"{verb} {summary.rows:,} {things} in {summary.seconds:,.1f} s{pace}"


def last_line(summary: Summary) -> str:
    """What a run of rows did, in one sentence."""
    line = done("wrote", summary, "rows")
    if summary.unknown:
        line += (
            f"; the last batch ({summary.unknown:,} rows) may be stored or not: the database went away before it said"
        )
    return line

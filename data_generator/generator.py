"""The run: wait until a batch is due, make it, store it. Of rows, images or applications alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from data_generator.pacing import Schedule
from data_generator.writer import Outcome

B = TypeVar("B")
Made_co = TypeVar("Made_co", covariant=True)
Taken_contra = TypeVar("Taken_contra", contravariant=True)


@dataclass(frozen=True)
class Plan:
    """How much to write, and how fast; an image or an application counts as a row."""

    rate: float
    """Rows a second; 0 is as fast as possible."""
    batch: int
    """Rows a transaction."""
    rows: int | None = None
    """Stop after so many rows; None is never."""
    for_seconds: float | None = None
    """Stop after so long; None is never."""


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    rows: int
    """Stored for certain."""
    seconds: float
    unknown: int = 0
    """Sent, but the database went away and the run was stopped before it said whether they were stored."""


class Source(Protocol[Made_co]):
    """Makes batches: of rows (`rows.RowSource`), of images, or of applications."""

    def take(self, count: int, elapsed_seconds: float, /) -> Made_co:
        """Make `count` rows as they look `elapsed_seconds` after the start of the run."""
        ...


class BatchWriter(Protocol[Taken_contra]):
    """What the run needs of `writer.Writer`."""

    def prepare(self) -> Outcome: ...
    def write(self, batch: Taken_contra, /) -> Outcome: ...


def run(
    *,
    source: Source[B],
    writer: BatchWriter[B],
    plan: Plan,
    clock: Callable[[], float],
    pause: Callable[[float], bool],
    wrote: Callable[[int, float], None],
) -> Summary:
    """Write rows as planned, until the plan is fulfilled or the run is to stop.

    Args:
        source: makes the rows.
        writer: stores them.
        plan: how much and how fast.
        clock: monotonic, in seconds.
        pause: waits so many seconds; False, at once, when the run is to stop.
        wrote: told the rows stored and the seconds passed so far, after each batch.
    """
    writer.prepare()
    began = clock()
    schedule = Schedule.start(plan.rate, began)
    end = None if plan.for_seconds is None else began + plan.for_seconds
    while plan.rows is None or schedule.rows < plan.rows:
        due = schedule.due_seconds
        if end is not None and max(due, clock()) >= end:
            pause(max(0.0, end - clock()))
            break
        if not pause(max(0.0, due - clock())):
            break
        count = plan.batch if plan.rows is None else min(plan.batch, plan.rows - schedule.rows)
        sent = clock()
        outcome = writer.write(source.take(count, sent - began))
        if outcome is not Outcome.STORED:
            return Summary(schedule.rows, clock() - began, unknown=count if outcome is Outcome.UNKNOWN else 0)
        schedule = schedule.after(count, sent, clock())
        wrote(schedule.rows, clock() - began)
    return Summary(schedule.rows, clock() - began)

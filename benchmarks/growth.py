"""What becomes of throughput and memory as everything grows: rows that are there, subscribers, partitions, features.

The rows that are measured are the connector's own messages, in one transaction. When every subscriber holds partitions
and waits, the transaction is committed; from then to the last prediction counts.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.backlog import Worked, backlog
from benchmarks.figures import medians, spread
from benchmarks.results import Chart, Point, Result, Series, Table
from benchmarks.running import Running
from benchmarks.side_by_side import order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stack.progress import Progress

MILLION: Final = 1_000_000
ROWS: Final = (1, 10)
SUBSCRIBERS: Final = (1, 2, 4)
PARTITIONS: Final = (4, 16, 64)
FEATURES: Final = (4, 40, 400)
# rows of wider messages are fewer, so that the topics are of the same size
WIDEST_SHARE: Final = {4: 1.0, 40: 0.4, 400: 0.05}


@dataclass(frozen=True)
class Step:
    """One size of what grows, and what was measured there."""

    size: int | float
    worked: list[Worked]

    @property
    def rates(self) -> list[float]:
        return [worked.rows_per_second for worked in self.worked]

    @property
    def cpu(self) -> list[dict[str, float]]:
        return [worked.cpu for worked in self.worked]

    @property
    def peak_mb(self) -> float:
        """What a subscriber held at most: the median of rounds and subscribers."""
        return statistics.median(peak for worked in self.worked for peak in worked.peak_mb)


def measure(
    progress: Progress,
    *,
    millions: Sequence[float] = ROWS,
    rows: int = 300_000,
    rounds: int = 2,
) -> Result:
    """Work off `rows` rows at each size of each kind, `rounds` times.

    `millions` are the sizes of what is in the topic and the table already, ascending. A million rows take 0.2 GB in the
    topic, where those that are there already are compressed, and 0.2 GB in the table.
    """
    running = Running(progress)
    running.use_own_models()
    with running.started(connectors=False):
        bench = Bench(running, progress, rows, rounds)
        bench.warm_up()
        steps = {
            "million rows in topic and table": bench.rows(millions),
            "subscribers": bench.subscribers(SUBSCRIBERS),
            "partitions": bench.partitions(PARTITIONS),
            "features": bench.features(FEATURES),
        }
    return result(steps, rows)


class Bench:
    """Each kind of growth on a stack that runs."""

    def __init__(self, running: Running, progress: Progress, rows: int, rounds: int) -> None:
        self._running, self._progress, self._rows, self._rounds = running, progress, rows, rounds

    def warm_up(self) -> None:
        with backlog(self._running, "warm_up") as made:
            made.work_off(self._rows)

    def rows(self, millions: Sequence[float]) -> list[Step]:
        """So many rows are in the topic and in the table, then those that are measured follow."""
        steps = []
        with backlog(self._running, "growing") as made:
            there = 0
            for size in millions:
                self._progress.say(f"{size:g} million rows")
                before = int(size * MILLION) - there
                made.fill(1)
                made.compress("lz4")
                made.fill(before - 1)
                made.compress("producer")
                made.catch_up()
                worked = [made.work_off(self._rows) for _ in range(self._rounds)]
                there += before + self._rounds * self._rows
                steps.append(Step(size, worked))
        return steps

    def subscribers(self, counts: Sequence[int]) -> list[Step]:
        return self._each(counts, lambda count: self._once(subscribers=count))

    def partitions(self, counts: Sequence[int]) -> list[Step]:
        return self._each(counts, lambda count: self._once(partitions=count))

    def features(self, counts: Sequence[int]) -> list[Step]:
        """The rows are of other columns, and the model of as many features."""
        for count in counts:
            self._running.train("benchmarks.wide", WIDE_FEATURES=str(count))
        return self._each(counts, lambda count: self._once(features=count))

    def _each(self, sizes: Sequence[int], once: Callable[[int], Worked]) -> list[Step]:
        """Every size in turn, again in every round."""
        steps = [Step(size, []) for size in sizes]
        for number in range(self._rounds):
            for step in order(steps, number):
                self._progress.say(f"round {number + 1} of {self._rounds}, {step.size}")
                step.worked.append(once(int(step.size)))
        return steps

    def _once(self, *, subscribers: int = 1, partitions: int = 4, features: int | None = None) -> Worked:
        share = WIDEST_SHARE.get(features or 0, 1.0)
        with backlog(self._running, "grown", partitions, features) as made:
            return made.work_off(int(self._rows * share), subscribers)


def result(steps: dict[str, list[Step]], rows: int) -> Result:
    """A table and a chart for each kind of growth."""
    tables = [table for name, found in steps.items() for table in _tables(name, found)]
    charts = [
        Chart(
            f"Rows a second by {name}",
            name,
            "rows a second",
            [Series(name, [Point(s.size, statistics.median(s.rates), min(s.rates), max(s.rates)) for s in found])],
            log_x=True,
        )
        for name, found in steps.items()
    ]
    notes = [f"{rows:,} rows were worked off each time, of wider rows fewer."]
    return Result("growth", "make bench ARGS=growth", tables, charts, notes)


def _tables(name: str, steps: Sequence[Step]) -> list[Table]:
    """How fast, and at what cost."""
    speed = Table(
        [name, "rows a second", "lowest to highest", "subscriber's peak MB"],
        [
            [
                f"{step.size:g}",
                f"{statistics.median(step.rates):,.0f}",
                spread(step.rates),
                f"{step.peak_mb:.0f}",
            ]
            for step in steps
        ],
    )
    return [speed, medians(f"{name}: CPU seconds a million rows", {f"{step.size:g}": step.cpu for step in steps})]

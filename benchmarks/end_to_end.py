"""Rows inserted into the source until they are predicted, against what Debezium alone delivers.

The generator writes rows in batches of a thousand, as fast as it can. Four situations take turns, in another order
each round: the connector is stopped, so that nobody reads the rows; Debezium reads them, and nobody the topic; the
subscriber does; the subscriber and the sink, which copies the rows to the target, do. The time runs from the first
row's insert to the last row: inserted in the first, committed in the topic in the second, predicted and stored in the
others. At the end every row has one prediction, or there is no result.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psycopg

from benchmarks.connectors import SINK, SOURCE, Connectors
from benchmarks.figures import medians, pace, spread
from benchmarks.processes import measured
from benchmarks.results import Chart, Point, Result, Series, Table
from benchmarks.running import TOPIC, Running
from benchmarks.side_by_side import order
from benchmarks.watching import Ends
from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stack.progress import Progress

INSERTS, ALONE = "inserts alone", "Debezium alone"
STREAM, COPIED = "with predictions", "with predictions and the copy"
SITUATIONS: Final = (INSERTS, ALONE, STREAM, COPIED)
# Debezium is taken to wait for the generator, from such a share of the pace of inserts that nobody reads
WAITS_FROM: Final = 0.95
BATCH_ROWS: Final = 1000
WARM_UP_ROWS: Final = 50_000
WAIT_SECONDS: Final = 600.0
QUIET_SECONDS: Final = 2.0
SAMPLE_SECONDS: Final = 1.0


@dataclass
class Runs:
    """The repetitions of one situation."""

    rows_per_second: list[float] = field(default_factory=list)
    inserted_per_second: list[float] = field(default_factory=list)
    """The pace of the inserts themselves meanwhile."""
    cpu: list[dict[str, float]] = field(default_factory=list)
    """CPU seconds a million rows, by server."""

    @property
    def median(self) -> float:
        return statistics.median(self.rows_per_second)


def measure(
    progress: Progress,
    *,
    rows: int = 100_000,
    rounds: int = 3,
) -> Result:
    """Have `rows` rows written in each situation, `rounds` times."""
    running = Running(progress)
    with running.started():
        running.services.subscriber.restart()
        whole = Whole(running, Connectors(running.settings.connect_url))
        runs = {situation: Runs() for situation in SITUATIONS}
        whole.run(COPIED, min(rows, WARM_UP_ROWS), Runs())
        for number in range(rounds):
            for situation in order(SITUATIONS, number):
                progress.say(f"round {number + 1} of {rounds}, {situation}")
                whole.run(situation, rows, runs[situation])
        whole.check()
    return result(runs, rows)


class Whole:
    """The way from the source to the target, or a part of it."""

    def __init__(self, running: Running, connectors: Connectors) -> None:
        self._running, self._connectors = running, connectors
        self._settings, self._subscriber = running.settings, running.services.subscriber

    def run(self, situation: str, rows: int, runs: Runs) -> None:
        """Have rows written and wait for the last; then those who did not read catch up."""
        before, last = self._predicted(), self._last_row()
        with (
            self._only(situation, before + rows),
            Ends(self._settings.kafka_bootstrap_servers, TOPIC) as ends,
            measured(self._running.pids(), SAMPLE_SECONDS) as used,
        ):
            first = ends.total
            self._running.services.run(
                *("generator", "data_generator", "--rate", "0", "--batch", str(BATCH_ROWS), "--rows", str(rows))
            )
            inserted = self._inserted(last)
            ended = {
                INSERTS: lambda: max(inserted),
                ALONE: lambda: self._delivered(ends, first + rows),
            }.get(situation, lambda: self._stored(before + rows))()
        inserts = pace(inserted)
        runs.inserted_per_second.append(inserts)
        runs.rows_per_second.append(inserts if situation == INSERTS else rows / (ended - min(inserted)))
        runs.cpu.append({name: process.cpu_seconds / rows * 1e6 for name, process in used.items()})

    def check(self) -> None:
        """See that every row of the source has one prediction.

        Raises:
            StackError: rows have none, or more than one.
        """
        with self._source() as source, self._target() as target:
            (rows,) = source.execute("select count(*) from iris_data").fetchone() or (0,)
            counts = "select count(*), count(distinct source_id) from iris_prediction"
            predictions, different = target.execute(counts).fetchone() or (0, 0)
        if not rows == predictions == different:
            raise StackError(
                f"the source has {rows} rows, and there are {predictions} predictions, of {different} different rows"
            )

    @contextlib.contextmanager
    def _only(self, situation: str, rows: int) -> Iterator[None]:
        """Stop those who have no part in it; at the end there are so many predictions, however they came about."""
        if situation == COPIED:
            yield
            return
        with self._connectors.stopped(SINK):
            with contextlib.ExitStack() as stopped:
                if situation in (INSERTS, ALONE):
                    self._subscriber.stop()
                    stopped.callback(self._subscriber.restart)
                if situation == INSERTS:
                    stopped.enter_context(self._connectors.stopped(SOURCE))
                yield
            self._stored(rows)
            # the sink goes on behind the rows that were not to be copied
            with Ends(self._settings.kafka_bootstrap_servers, TOPIC) as ends:
                self._connectors.skip(SINK, TOPIC, ends.offsets)

    def _delivered(self, ends: Ends, total: int) -> float:
        """When the last of the rows was committed in the topic, whose offsets count its markers too."""
        end = time.monotonic() + WAIT_SECONDS
        while ends.total < total or time.time() - ends.moved < QUIET_SECONDS:
            if time.monotonic() > end:
                raise StackError(f"Debezium did not deliver the rows within {WAIT_SECONDS:.0f} s")
            time.sleep(0.1)
        return ends.moved

    def _stored(self, total: int) -> float:
        """When there were so many predictions."""
        end = time.monotonic() + WAIT_SECONDS
        with self._target() as target:
            while predicted(target) < total:
                if time.monotonic() > end:
                    raise StackError(f"the rows were not predicted within {WAIT_SECONDS:.0f} s")
                time.sleep(0.02)
        return time.time()

    def _predicted(self) -> int:
        with self._target() as target:
            return predicted(target)

    def _last_row(self) -> int:
        with self._source() as source:
            (last,) = source.execute("select coalesce(max(id), 0) from iris_data").fetchone() or (0,)
            return int(last)

    def _inserted(self, after: int) -> list[float]:
        """When the transaction of each row behind this one began."""
        query = "select extract(epoch from timestamp)::float8 from iris_data where id > %s"
        with self._source() as source:
            return [at for (at,) in source.execute(query, [after])]

    def _source(self) -> psycopg.Connection:
        return psycopg.connect(self._settings.source_dsn(), autocommit=True)

    def _target(self) -> psycopg.Connection:
        return psycopg.connect(self._settings.reader_dsn(), autocommit=True)


def predicted(target: psycopg.Connection) -> int:
    """How many predictions there are: their ids come in order and without gaps, and the last costs nothing."""
    (last,) = target.execute("select coalesce(max(id), 0) from iris_prediction").fetchone() or (0,)
    return int(last)


def result(runs: Mapping[str, Runs], rows: int) -> Result:
    """The figures of all situations as tables and a chart."""
    inserts, alone = runs[INSERTS].median, runs[ALONE].median
    speed = Table(
        ["", "rows a second", "lowest to highest", "of Debezium alone", "inserted meanwhile, rows a second"],
        [
            [
                situation,
                f"{found.median:,.0f}",
                spread(found.rows_per_second),
                "" if situation == INSERTS else f"{100 * found.median / alone:.0f} %",
                f"{statistics.median(found.inserted_per_second):,.0f}",
            ]
            for situation, found in runs.items()
        ],
    )
    processors = medians(
        "CPU seconds a million rows", {situation: found.cpu for situation, found in runs.items()}, "Processors"
    )
    bars = [
        Point(situation, found.median, min(found.rows_per_second), max(found.rows_per_second))
        for situation, found in runs.items()
    ]
    chart = Chart("From inserts into the source to predictions", "", "rows a second", [Series("rows a second", bars)])
    rounds = len(runs[ALONE].rows_per_second)
    notes = [
        f"{rows:,} rows each time, {rounds} rounds; at the end every row had one prediction.",
        f"Debezium alone delivers {alone / inserts:.0%} of what is inserted while nobody reads: "
        + (
            "the generator sets the pace, and Debezium could deliver more."
            if alone / inserts >= WAITS_FROM
            else "Debezium sets the pace."
        ),
    ]
    return Result("end-to-end", "make bench ARGS=end-to-end", [speed, processors], [chart], notes)

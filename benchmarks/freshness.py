"""From a row's commit to its prediction's, at a steady pace of rows, and where the time goes.

Both moments are Postgres' own `pg_xact_commit_timestamp`: of the transaction that wrote the row in the source, and of
the one that wrote its prediction in the target. One machine runs both servers, so the two are times of one clock. The
generator writes at its pace whatever becomes of the rows. What lies between is told by Debezium's own time in a header,
the time in the topic's messages, and two consumers beside the subscriber: one that sees rows as they are written, one
that sees them when their transaction is committed, as the subscriber does.
"""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psycopg

from benchmarks.connectors import SOURCE, Connectors
from benchmarks.figures import medians, pace, quantiles
from benchmarks.processes import Used, measured
from benchmarks.results import Chart, Point, Result, Series, Table
from benchmarks.running import TOPIC, Running
from benchmarks.side_by_side import order
from benchmarks.watching import Arrival, Witness
from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stack.progress import Progress

RATES: Final = (1, 200, 5000)
TRACKED: Final = {server: {"track_commit_timestamp": "on"} for server in ("source", "target")}
# beside the headers of every message, the time at which Debezium had read the row
HEADERS: Final = {"transforms.unwrap.add.headers": "op,source.ts_ms,ts_us"}
STAGES: Final = (
    "commit → Debezium has read it",
    "→ its producer has it",
    "→ in the topic",
    "→ its transaction is committed",
    "→ predicted, being written to the target",
    "→ committed in the target",
)
WARM_UP: Final = ((200, 1000), (5000, 20_000))
WAIT_SECONDS: Final = 180.0
SAMPLE_SECONDS: Final = 1.0
# of the pace that is asked for: below it, the times are those of another pace
LEAST_SHARE: Final = 0.98


@dataclass(frozen=True)
class Row:
    """The times of one row, from its commit in the source; Unix times in seconds."""

    committed: float
    arrival: Arrival
    visible: float
    written: float
    stored: float

    @property
    def seconds(self) -> float:
        return self.stored - self.committed

    @property
    def stages(self) -> list[float]:
        """Seconds of each of `STAGES`."""
        a = self.arrival
        times = (self.committed, a.read, a.produced, a.received, self.visible, self.written, self.stored)
        return [after - before for before, after in itertools.pairwise(times)]


@dataclass
class Paced:
    """The rows of one rate, what the processes took meanwhile, and the rows a second that were written."""

    rows: list[Row] = field(default_factory=list)
    used: list[dict[str, Used]] = field(default_factory=list)
    written: list[float] = field(default_factory=list)

    def add(self, other: Paced) -> None:
        self.rows += other.rows
        self.used += other.used
        self.written += other.written


def measure(
    progress: Progress,
    *,
    rates: Sequence[int] = RATES,
    seconds: float = 15.0,
    rounds: int = 3,
) -> Result:
    """Follow every row of `rounds` rounds of `seconds` at each of the rates, in rows a second.

    The lowest rate runs twice as long. The first rounds' rows warm the servers up and are not counted.

    Raises:
        StackError: the generator did not write at the pace, or rows got lost.
    """
    running = Running(progress, more=TRACKED)
    with running.started():
        running.services.subscriber.restart()
        connectors = Connectors(running.settings.connect_url)
        with connectors.changed(SOURCE, HEADERS):
            follower = Follower(running)
            for rate, rows in WARM_UP:
                follower.follow(rate, rows / rate)
            idle = follower.idle(seconds)
            paced = {rate: Paced() for rate in rates}
            for number in range(rounds):
                for rate in order(rates, number):
                    progress.say(f"round {number + 1} of {rounds}, {rate} rows/s")
                    found = follower.follow(rate, seconds * (2 if rate == min(rates) else 1))
                    check_pace(found.written[-1], rate)
                    paced[rate].add(found)
    return result(paced, idle)


class Follower:
    """Has rows written, and finds out when each was where."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._settings = running.settings

    def idle(self, seconds: float) -> dict[str, Used]:
        """What the processes take while nothing is written."""
        with measured(self._running.pids(), SAMPLE_SECONDS) as used:
            time.sleep(seconds)
        return used

    def follow(self, rate: int, seconds: float) -> Paced:
        """Rows at `rate` a second, from the first to the last prediction.

        Raises:
            StackError: not all of them were seen and predicted.
        """
        brokers, services = self._settings.kafka_bootstrap_servers, self._running.services
        first = self._last_row() + 1
        rows = max(2, round(rate * seconds))
        with (
            Witness(brokers, TOPIC, "read_uncommitted") as written,
            Witness(brokers, TOPIC, "read_committed") as committed,
            measured(self._running.pids(), SAMPLE_SECONDS) as used,
        ):
            # a witness that begins at the end has found it by then
            time.sleep(1.0)
            services.run("generator", "data_generator", "--rate", str(rate), "--rows", str(rows))
            stored = self._stored(first, rows)
        commits = self._commits(first)
        arrivals, visible = written.arrivals(), committed.arrivals()
        found = [
            Row(at, arrivals[row], visible[row].received, *stored[row])
            for row, at in commits.items()
            if row in arrivals and row in visible
        ]
        if len(found) < rows:
            raise StackError(f"of {rows} rows the consumers beside the subscriber saw {len(found)}")
        return Paced(found, [used], [pace(list(commits.values()))])

    def _last_row(self) -> int:
        with psycopg.connect(self._settings.source_dsn()) as source:
            (last,) = source.execute("select coalesce(max(id), 0) from iris_data").fetchone() or (0,)
            return int(last)

    def _commits(self, first: int) -> dict[int, float]:
        """When each row from `first` on was committed in the source."""
        query = "select id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 from iris_data where id >= %s"
        with psycopg.connect(self._settings.source_dsn()) as source:
            return dict(source.execute(query, [first]).fetchall())

    def _stored(self, first: int, rows: int) -> dict[int, tuple[float, float]]:
        """When each prediction of the rows from `first` on was written and committed, once all are there."""
        query = (
            "select source_id, extract(epoch from predicted_at)::float8,"
            " extract(epoch from pg_xact_commit_timestamp(xmin))::float8 from iris_prediction where source_id >= %s"
        )
        count = "select count(*) from iris_prediction where source_id >= %s"
        end = time.monotonic() + WAIT_SECONDS
        with psycopg.connect(self._settings.reader_dsn(), autocommit=True) as target:
            while (target.execute(count, [first]).fetchone() or (0,))[0] < rows:
                if time.monotonic() > end:
                    raise StackError(f"{rows} rows were not predicted within {WAIT_SECONDS:.0f} s of the last")
                time.sleep(0.2)
            return {row: (written, stored) for row, written, stored in target.execute(query, [first])}


def check_pace(reached: float, asked: float) -> None:
    """See that rows were written at the pace that was asked for, both in rows a second.

    Raises:
        StackError: they were not.
    """
    if reached < LEAST_SHARE * asked:
        raise StackError(
            f"the generator wrote {reached:,.1f} of {asked:,} rows/s, {reached / asked:.0%}: the times would be "
            f"those of another pace. Let nothing else run on the machine, or take lower --rates"
        )


def result(paced: Mapping[int, Paced], idle: dict[str, Used]) -> Result:
    """The figures of all rates as tables and a chart."""
    latencies = {rate: quantiles([row.seconds for row in found.rows]) for rate, found in paced.items()}
    table = Table(
        ["rows a second", "written", "p50 ms", "p95 ms", "p99 ms", "rows"],
        [
            [
                f"{rate:,}",
                f"{statistics.median(found.written):,.1f}",
                *(f"{1000 * value:.1f}" for value in latencies[rate]),
                f"{len(found.rows):,}",
            ]
            for rate, found in paced.items()
        ],
        "From a row's commit to its prediction's",
    )
    stages = Table(
        ["median, ms", *(f"{rate:,} rows/s" for rate in paced)],
        [
            [
                name,
                *(f"{1000 * statistics.median(row.stages[i] for row in found.rows):.1f}" for found in paced.values()),
            ]
            for i, name in enumerate(STAGES)
        ],
        "Where the time goes",
    )
    situations = {"idle": [idle], **{f"{rate:,} rows/s": found.used for rate, found in paced.items()}}
    shares = {name: [_shares(used) for used in found] for name, found in situations.items()}
    points = [(name, i) for i, name in enumerate(("p50", "p95", "p99"))]
    chart = Chart(
        "From a row's commit to its prediction's",
        "rows a second",
        "ms",
        [Series(name, [Point(rate, 1000 * found[i]) for rate, found in latencies.items()]) for name, i in points],
        log_x=True,
    )
    return Result(
        "freshness",
        "make bench ARGS=freshness",
        [table, stages, medians("percent of one core", shares, "Processors")],
        [chart],
    )


def _shares(used: Mapping[str, Used]) -> dict[str, float]:
    """Of one core, in percent."""
    return {name: 100 * process.cores for name, process in used.items()}

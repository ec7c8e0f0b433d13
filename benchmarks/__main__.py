"""Works off a backlog, then follows single rows: `python -m benchmarks`.

Prints rows a second and memory of one subscriber and one model API on a filled topic, written by the real connector,
and the time from a row's commit to its prediction at an idle moment.
"""

from __future__ import annotations

import statistics
import time
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from benchmarks.running import Running, peak_mb
from stack.errors import StackError
from stack.progress import Progress
from stack.servers import report

TOPIC = "postgres-source-iris_data"
POLL_SECONDS = 0.02
WAIT_SECONDS = 600.0


class Bench:
    """Measures on a stack that runs."""

    def __init__(self, running: Running) -> None:
        self.settings, self.services, self.progress = running.settings, running.services, running.progress

    def fill(self, rows: int) -> None:
        """Have the generator write rows and the connector carry them, with nobody reading."""
        self.services.run("fill", "data_generator", "--rate", "0", "--batch", "1000", "--rows", str(rows))
        self.wait("the copy", "select count(*) from iris_data", rows)

    def backlog(self, rows: int) -> None:
        began = time.monotonic()
        self.services.subscriber.start()
        self.services.subscriber.wait_ready()
        self.wait("the first prediction", "select coalesce(max(id), 0) from iris_prediction", 1)
        flowing = time.monotonic()
        first = self.one("select max(id) from iris_prediction")
        # ids come in order and without gaps: asking for the last costs the server nothing
        self.wait("the predictions", "select max(id) from iris_prediction", rows)
        ended = time.monotonic()
        print(
            f"backlog: rows={rows} rows_per_s={(rows - first) / (ended - flowing):.0f} "
            f"first_after_s={flowing - began:.1f} subscriber_peak_mb={peak_mb(self.services.subscriber):.0f}",
            flush=True,
        )

    def freshness(self, rows: int) -> None:
        """Insert a row, wait until it is predicted, and again: from before its commit to seeing its prediction."""
        query = "insert into iris_data (sepal_length, sepal_width, petal_length, petal_width, target)"
        times = []
        with (
            psycopg.connect(self.settings.source_dsn(), autocommit=True) as source,
            psycopg.connect(self.settings.reader_dsn(), autocommit=True) as target,
        ):
            for _ in range(rows):
                # not in step with any of the stream's own periods
                time.sleep(0.05 + 0.037)
                began = time.monotonic()
                (row_id,) = source.execute(f"{query} values (5.1, 3.5, 1.4, 0.2, 0) returning id").fetchone() or (0,)
                while not target.execute("select 1 from iris_prediction where source_id = %s", [row_id]).fetchone():
                    if time.monotonic() - began > WAIT_SECONDS:
                        raise StackError(f"row {row_id} was not predicted within {WAIT_SECONDS:.0f} s")
                    time.sleep(0.0005)
                times.append((time.monotonic() - began) * 1000)
        cuts = statistics.quantiles(times, n=100)
        print(f"freshness: rows={rows} p50_ms={cuts[49]:.1f} p95_ms={cuts[94]:.1f} p99_ms={cuts[98]:.1f}", flush=True)

    def one(self, query: str) -> int:
        with psycopg.connect(self.settings.reader_dsn(), autocommit=True) as target:
            (value,) = target.execute(query.encode()).fetchone() or (0,)
            return int(value)

    def wait(self, what: str, query: str, count: int) -> None:
        self.progress.say(f"waiting for {what}")
        with psycopg.connect(self.settings.reader_dsn(), autocommit=True) as target:
            end = time.monotonic() + WAIT_SECONDS
            while (target.execute(query.encode()).fetchone() or (0,))[0] < count:
                if time.monotonic() > end:
                    raise StackError(f"{what} did not come within {WAIT_SECONDS:.0f} s")
                time.sleep(POLL_SECONDS)


def main(
    rows: Annotated[int, typer.Option(help="Rows of the backlog.")] = 1_000_000,
    single: Annotated[int, typer.Option(help="Single rows followed afterwards.")] = 200,
) -> None:
    """Measure one subscriber and one model API on this machine."""
    running = Running(Progress(Console(stderr=True)))
    try:
        with running.started():
            bench = Bench(running)
            bench.fill(rows)
            bench.backlog(rows)
            bench.freshness(single)
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)

"""The demo's live view: rows becoming predictions, with rates and latency, read from the two databases."""

from __future__ import annotations

import time
from collections import deque
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from stack.settings import Settings

REFRESH_SECONDS = 0.5
LINE_EVERY_SECONDS = 5.0
WINDOW = 10
CLASSES = ("setosa", "versicolor", "virginica")
# the demo's own; other pipelines may run beside it
_DEAD = "select count(*) from dead_letter where pipeline = 'iris'"
_LATENCY = (resources.files("stack") / "sql" / "latency.sql").read_bytes


class Watch:
    """Counts what is new in the two databases each time it is asked.

    Rates are over the last ten looks; latencies over what came since the last look that saw a prediction.
    """

    def __init__(self, settings: Settings) -> None:
        self._source = psycopg.connect(settings.source_dsn(), autocommit=True)
        self._target = psycopg.connect(settings.reader_dsn(), autocommit=True)
        self._source_id = self._newest(self._source, "iris_data")
        self.first_target = self._target_id = self._newest(self._target, "iris_prediction")
        self.rows = self.predicted = self.dead = 0
        self.p50 = self.p99 = float("nan")
        self._looks: deque[tuple[float, int, int]] = deque([(time.monotonic(), 0, 0)], WINDOW)

    def caught_up(self) -> bool:
        """Whether the newest row of the source is predicted; from then on, what is new counts."""
        newest = self._newest(self._source, "iris_data")
        (predicted,) = self._one(
            self._target, "select count(*) from iris_prediction where source_id = %(newest)s", {"newest": newest}
        )
        self._source_id = newest
        self.first_target = self._target_id = self._newest(self._target, "iris_prediction")
        return bool(predicted)

    def look(self) -> None:
        newest, count = self._one(
            self._source, "select max(id), count(*) from iris_data where id > %(after)s", {"after": self._source_id}
        )
        self._source_id = newest or self._source_id
        self.rows += count
        p50, p99, count, newest = self._one(self._target, _LATENCY(), {"after": self._target_id})
        if count:
            self.p50, self.p99, self._target_id = p50 * 1000, p99 * 1000, newest
            self.predicted += count
        (self.dead,) = self._one(self._target, _DEAD, {})
        self._looks.append((time.monotonic(), self.rows, self.predicted))

    def rates(self) -> tuple[float, float]:
        """Rows and predictions a second."""
        (then, rows, predicted), (now, *_) = self._looks[0], self._looks[-1]
        seconds = max(now - then, 1e-9)
        return (self.rows - rows) / seconds, (self.predicted - predicted) / seconds

    def overall(self) -> tuple[float, float]:
        """Median and 99th percentile, in milliseconds, of all predictions since the beginning; nan without any."""
        p50, p99, count, _ = self._one(self._target, _LATENCY(), {"after": self.first_target})
        return (p50 * 1000, p99 * 1000) if count else (float("nan"), float("nan"))

    def last(self, count: int) -> list[tuple[int, str, float]]:
        """The newest predictions: source row, class, milliseconds from row to prediction."""
        query = (
            "select source_id, iris_class, extract(epoch from predicted_at - timestamp)::float8 * 1000"
            " from iris_prediction order by id desc limit %s"
        )
        rows = self._target.execute(query, [count]).fetchall()
        return [(row_id, CLASSES[c] if c in range(len(CLASSES)) else str(c), ms) for row_id, c, ms in rows]

    def close(self) -> None:
        self._source.close()
        self._target.close()

    @staticmethod
    def _one(connection: psycopg.Connection, query: str | bytes, values: dict[str, int]) -> tuple[Any, ...]:
        row = connection.execute(query, values).fetchone()
        assert row is not None  # noqa: S101 (an aggregate always answers)
        return row

    def _newest(self, connection: psycopg.Connection, table: str) -> int:
        (newest,) = self._one(connection, f"select coalesce(max(id), 0) from {table}", {})  # noqa: S608 (our own names)
        return int(newest)


def show(watch: Watch, console: Console, going_on: Callable[[], bool]) -> None:
    """Show the watch until `going_on` says no: a table that moves on a terminal, else a line every few seconds."""
    next_line = time.monotonic() + LINE_EVERY_SECONDS
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while going_on():
            time.sleep(REFRESH_SECONDS)
            watch.look()
            if console.is_terminal:
                live.update(_table(watch), refresh=True)
            elif time.monotonic() > next_line:
                next_line += LINE_EVERY_SECONDS
                in_rate, out_rate = watch.rates()
                console.print(
                    f"rows {watch.rows} ({in_rate:.0f}/s)  predicted {watch.predicted} ({out_rate:.0f}/s)  "
                    f"dead {watch.dead}  p50 {watch.p50:.0f} ms  p99 {watch.p99:.0f} ms",
                    highlight=False,
                )


def _table(watch: Watch) -> Table:
    in_rate, out_rate = watch.rates()
    table = Table(title="rows becoming predictions", min_width=60)
    table.add_column()
    table.add_column("rows", justify="right")
    table.add_column("a second", justify="right")
    table.add_row("source  iris_data", f"{watch.rows:,}", f"{in_rate:,.0f}")
    table.add_row("target  iris_prediction", f"{watch.predicted:,}", f"{out_rate:,.0f}")
    table.add_row("dead letters", f"{watch.dead:,}", "")
    table.add_section()
    table.add_row("row to prediction, median", f"{watch.p50:.0f} ms", "")
    table.add_row("row to prediction, 99 %", f"{watch.p99:.0f} ms", "")
    table.add_section()
    for row_id, name, milliseconds in watch.last(5):
        table.add_row(f"row {row_id}", name, f"{milliseconds:.0f} ms")
    return table

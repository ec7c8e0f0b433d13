"""One contender works off a topic: how fast, at what cost, and whether its rows are right."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from psycopg import sql

from benchmarks.contenders.roster import server, table_sql
from benchmarks.processes import measured
from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders.roster import Contender
    from benchmarks.running import Running
    from stack.process import Server

COMPARE = (Path(__file__).parent / "sql" / "compare.sql").read_text()
LAST: Final = "select coalesce(max(id), 0) from {}"
COUNT: Final = "select count(*) from {}"
POLL_SECONDS = 0.02
# a contender that takes longer for its first row does not run
FIRST_SECONDS = 120.0
SAMPLE_SECONDS = 1.0
CONTENDER = "contender"
Look = tuple[float, int]


@dataclass(frozen=True)
class Run:
    """What one run of one contender was."""

    rows: int
    rows_a_second: float
    cpu: dict[str, float]
    """CPU seconds a million rows, by process."""
    peak_mb: float


def rate(looks: Sequence[Look]) -> tuple[int, float]:
    """Rows stored after the first look that saw any, and how many a second, to the last look that saw more.

    Args:
        looks: the second of each look, and the rows that were stored by then.
    """
    changes = [look for before, look in zip([(0.0, 0), *looks], looks, strict=False) if look[1] > before[1]]
    if len(changes) < 2:  # noqa: PLR2004 (a beginning and an end)
        return 0, float("nan")
    (began, first), (ended, last) = changes[0], changes[-1]
    return last - first, (last - first) / (ended - began)


class Race:
    """Runs contenders on a topic that is filled, each in a group and with a table of its own."""

    def __init__(self, running: Running, topic: str, rows: int, reference: str | None = None) -> None:
        """Of the topic's rows; `reference` is the table that all are compared with, else the subscriber's first."""
        self._running, self._topic, self._rows, self._reference = running, topic, rows, reference
        settings = running.settings
        self._target = psycopg.connect(settings.target_dsn(), autocommit=True, options="-c jit=off")

    def run(self, contender: Contender, number: int) -> Run:
        """Run it once; the subscriber's first table is what the others are compared with.

        Raises:
            StackError: it did not start, ended, or stored other rows than it should.
        """
        table = f"{self._topic}_{contender.name.replace('-', '_')}_{number}"
        with self._target.transaction():
            self._target.execute(table_sql(table).encode())
            self._target.execute(sql.SQL("grant all on {} to {}").format(_name(table), self._writer))
        self._running.checkpoint()
        process = server(contender, self._running, self._topic, table)
        process.start()
        try:
            run = self.watched(contender, process, table)
        finally:
            process.stop()
        if self._reference is None and run.rows < self._rows:
            raise StackError(
                f"{contender.title} stored {run.rows} of {self._rows} rows within {contender.seconds:.0f} s, and the "
                f"others are compared with all of them: --rows takes fewer"
            )
        self.check(contender, table, run.rows)
        if contender.module is None and self._reference is None:
            self._reference = table
            self._target.execute(sql.SQL("vacuum analyze {}").format(_name(table)))
        else:
            self._target.execute(sql.SQL("drop table {} cascade").format(_name(table)))
        return run

    def close(self) -> None:
        self._target.close()

    @property
    def _writer(self) -> sql.Identifier:
        return sql.Identifier(self._running.settings.subscriber_user)

    def watched(self, contender: Contender, process: Server, table: str) -> Run:
        """What a process that runs stores into a table, until all rows are there or the contender's time is over.

        Raises:
            StackError: it ended, or stored nothing for too long.
        """
        end = time.monotonic() + FIRST_SECONDS
        while not (first := self._look(table))[1]:
            process.check_running()
            if first[0] > end:
                raise process.failed(f"stored nothing within {FIRST_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        looks, end = [first], first[0] + contender.seconds
        with measured(self._processes(process), SAMPLE_SECONDS) as used:
            while looks[-1][1] < self._rows and (look := self._look(table))[0] < end:
                looks.append(look)
                process.check_running()
                time.sleep(POLL_SECONDS)
        if looks[-1][1] < self._rows:
            looks.append(self._asked(COUNT, table))
        rows, a_second = rate(looks)
        cpu = {name: part.cpu_seconds / max(rows, 1) * 1e6 for name, part in used.items()}
        return Run(looks[-1][1], a_second, cpu, used[CONTENDER].peak_mb)

    def _look(self, table: str) -> Look:
        # ids come without gaps: asking for the last costs the server nothing. Of several connections that write at once
        # one may have stored the last, and another some before it not yet, so that the end is counted
        look = self._asked(LAST, table)
        return look if look[1] < self._rows else self._asked(COUNT, table)

    def _asked(self, query: LiteralString, table: str) -> Look:
        now = time.monotonic()
        (stored,) = self._target.execute(sql.SQL(query).format(_name(table))).fetchone() or (0,)
        return now, stored

    def _processes(self, process: Server) -> dict[str, int]:
        stack, api = self._running.stack, self._running.services.api
        return {CONTENDER: process.pid, "API": api.pid, "broker": stack.broker.pid, "Postgres": stack.target.pid}

    def check(self, contender: Contender, table: str, seen: int) -> None:
        """See that each row that was worked off is there once, predicted as the subscriber predicted it.

        Raises:
            StackError: rows are missing, doubled or different.
        """
        compare = sql.SQL(COMPARE).format(contender=_name(table), subscriber=_name(self._reference or table))
        rows, different_rows, wrong = self._target.execute(compare).fetchone() or (0, 0, 0)
        missing = seen >= self._rows and different_rows != self._rows
        if rows != different_rows or wrong or rows < seen or missing:
            raise StackError(
                f"{contender.title}: {rows} rows are stored, {different_rows} of them different, {wrong} wrong, "
                f"of {self._rows} in the topic"
            )


def _name(table: str) -> Any:
    return sql.Identifier(table)

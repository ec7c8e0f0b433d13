"""The proof that a stream kept its promise: every source row has exactly one prediction or dead letter."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SQL = resources.files("stack") / "sql"
FETCH_ROWS = 20_000
LOOK_SECONDS = 0.5


@dataclass
class Ledger:
    """What became of the source rows."""

    rows: int = 0
    predicted: int = 0
    dead: int = 0
    lost: int = 0
    duplicated: int = 0
    right: int = 0

    @property
    def accuracy(self) -> float:
        """Share of the predicted rows whose class is the true one; nan without any."""
        return self.right / self.predicted if self.predicted else float("nan")

    @property
    def balanced(self) -> bool:
        return self.lost == 0 and self.duplicated == 0

    def __str__(self) -> str:
        return (
            f"rows={self.rows} predicted={self.predicted} dead={self.dead} lost={self.lost} "
            f"duplicated={self.duplicated} accuracy={self.accuracy:.4f}"
        )


def compare(rows: Iterable[tuple[int, int | None]], results: Iterable[tuple[int, int, int, int | None]]) -> Ledger:
    """Walk both sides once, side by side.

    Args:
        rows: id and true class of each source row, by id.
        results: source id, count of predictions, count of dead letters, and class, by source id.

    A result without a source row, such as a prediction for a row that was never written, counts as duplicated.
    """
    ledger = Ledger()
    remaining = iter(results)
    result = next(remaining, None)
    for row_id, truth in rows:
        ledger.rows += 1
        while result is not None and result[0] < row_id:
            ledger.duplicated += result[1] + result[2]
            result = next(remaining, None)
        if result is None or result[0] != row_id:
            ledger.lost += 1
            continue
        _, predictions, letters, predicted_class = result
        ledger.predicted += predictions > 0
        ledger.dead += predictions == 0
        ledger.right += predictions > 0 and predicted_class == truth
        ledger.duplicated += predictions + letters - 1
        result = next(remaining, None)
    while result is not None:
        ledger.duplicated += result[1] + result[2]
        result = next(remaining, None)
    return ledger


def newest_row(source_dsn: str) -> int:
    """Id of the newest source row; 0 without any."""
    with psycopg.connect(source_dsn) as source:
        row = source.execute("select coalesce(max(id), 0) from iris_data").fetchone()
    assert row is not None  # noqa: S101 (an aggregate always answers)
    return int(row[0])


def settled(source_dsn: str, target_dsn: str, seconds: float, check: Callable[[], object]) -> Ledger:
    """The ledger of the rows that are there now, once each has its result or after so many seconds.

    `check` is called between two looks, and may raise.
    """
    newest = newest_row(source_dsn)
    end = time.monotonic() + seconds
    while True:
        found = read(source_dsn, target_dsn, newest)
        if found.lost == 0 or time.monotonic() > end:
            return found
        check()
        time.sleep(LOOK_SECONDS)


def read(source_dsn: str, target_dsn: str, newest: int) -> Ledger:
    """Compare the two databases up to a source row; holds a few thousand rows in memory at a time."""
    with psycopg.connect(source_dsn) as source, psycopg.connect(target_dsn) as target:
        return compare(_stream(source, "source_rows", newest), _stream(target, "results", newest))


def _stream(connection: psycopg.Connection, name: str, newest: int) -> Iterator[Any]:
    with connection.cursor(name=name) as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute((_SQL / f"{name}.sql").read_bytes(), {"newest": newest})
        yield from cursor

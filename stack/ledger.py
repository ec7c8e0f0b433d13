"""The proof at the end of a demo: every source row has exactly one prediction or dead letter."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SQL = resources.files("stack") / "sql"
FETCH_ROWS = 20_000


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


def read(source_dsn: str, target_dsn: str) -> Ledger:
    """Compare the two databases; holds a few thousand rows in memory at a time."""
    with psycopg.connect(source_dsn) as source, psycopg.connect(target_dsn) as target:
        return compare(_stream(source, "source_rows"), _stream(target, "results"))


def _stream(connection: psycopg.Connection, name: str) -> Iterator[Any]:
    with connection.cursor(name=name) as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute((_SQL / f"{name}.sql").read_bytes())
        yield from cursor

"""What the generator asks of a source of rows; the pace and the database know nothing more about it."""

from collections.abc import Sequence
from typing import Protocol

Column = Sequence[float | int | str | None]
Columns = Sequence[Column]
"""A batch, column by column, all of the same length, in the order of the table's `insert.sql` after the ids."""


class RowSource(Protocol):
    """An endless source of rows for one table, whose SQL is in `sql/<table>/`."""

    table: str

    def take(self, count: int, elapsed_seconds: float) -> Columns:
        """Make `count` rows as they look `elapsed_seconds` after the start of the run."""
        ...

"""What the target database holds of a pipeline, and what a crash takes of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql
from psycopg.rows import dict_row

if TYPE_CHECKING:
    import psycopg

Snapshot = dict[str, list[dict[str, Any]]]
# each with what of it is ours, and in which order it was written
TABLES: Final = {
    "stream_offset": "where pipeline = %(name)s order by partition",
    "dead_letter": "where pipeline = %(name)s order by id",
    "offsets_prediction": "order by id",
    "offsets_receipt": "order by key",
}


class Books:
    """The tables of one pipeline, read and put back by the superuser; `begins` is where its partitions began.

    `history` holds the states that a crash may go back to, the newest last.
    """

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._connection = connection
        self._name = name
        self.begins: dict[int, int] = {}
        for table in TABLES:
            self._empty(table)
        self.history = [self.read()]

    def read(self) -> Snapshot:
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return {
                table: cursor.execute(f"select * from {table} {ours}", {"name": self._name}).fetchall()
                for table, ours in TABLES.items()
            }

    def committed(self, *, durably: bool = False) -> None:
        """Note a state that was reached; with a commit that was waited for, all before it are safe."""
        if durably:
            self.history.clear()
        self.history.append(self.read())
        for partition, offset in offsets(self.history[-1]).items():
            self.begins.setdefault(partition, offset)

    def crash(self, lost: int) -> None:
        """End every connection of the pipeline, and undo so many of the last commits as are not safe."""
        ours = f"from pg_stat_activity where application_name = 'subscriber {self._name}'"
        self._connection.execute(f"select pg_terminate_backend(pid) {ours}")
        end = time.monotonic() + 10
        while self._connection.execute(f"select 1 {ours}").fetchone() is not None:
            assert time.monotonic() < end, "a connection does not end"
        for _ in range(min(lost, len(self.history) - 1)):
            self.history.pop()
        with self._connection.transaction():
            for table, rows in self.history[-1].items():
                self._empty(table)
                for row in rows:
                    columns = sql.SQL(", ").join(map(sql.Identifier, row))
                    values = sql.SQL(", ").join([sql.Placeholder()] * len(row))
                    insert = sql.SQL("insert into {} ({}) values ({})").format(sql.Identifier(table), columns, values)
                    self._connection.execute(insert, list(row.values()))

    def _empty(self, table: str) -> None:
        ours = TABLES[table].partition("order by")[0]
        self._connection.execute(f"delete from {table} {ours}", {"name": self._name})


def offsets(snapshot: Snapshot) -> dict[int, int]:
    """The stored offset of each partition."""
    return {row["partition"]: row["next_offset"] for row in snapshot["stream_offset"]}

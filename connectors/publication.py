"""The publication in the source database: the one list of the tables whose rows flow."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from connectors.databases import query_text, statement, translated
from connectors.errors import DatabaseError
from connectors.tables import Table, parse

if TYPE_CHECKING:
    from connectors.deadline import Deadline
    from connectors.definition import Definition

LOCK_TIMEOUT = "2s"
# What a definition skips, in Debezium's letters, and what of it a publication can leave out.
OPERATIONS = {"c": "insert", "u": "update", "d": "delete", "t": "truncate"}
# The database tells a transaction's number in 64 bits, a row the one that wrote it in 32.
FIRST_REPEATED_TRANSACTION = 2**32


@dataclass(frozen=True)
class Boundary:
    """The moment from which a table's rows come by the write-ahead log; `condition` holds for the rows before it."""

    lsn: int
    """Position in the write-ahead log, at or after which Debezium has been told."""
    condition: str | None
    """SQL; None where it cannot be told, so that rows written meanwhile may come twice."""


class Publication:
    """The publication of a source definition, as the owner of the tables (`connection`, in autocommit) sees it.

    It lets through what the definition does not skip. Only where the definition names a table for signals can rows that
    a table has already be sent.
    """

    def __init__(self, connection: psycopg.Connection[Any], source: Definition, debezium_user: str) -> None:
        self._connection = connection
        self.name = source.config["publication.name"]
        self.slot = source.config["slot.name"]
        self._debezium = debezium_user
        self._operations = operations(source.config.get("skipped.operations", "none"))
        signals = source.config.get("signal.data.collection")
        self._signals = parse(signals) if signals is not None else None

    def prepare(self) -> None:
        """Make the publication, with the table by which Debezium is told things if there is to be one.

        Raises:
            DatabaseError: we may not, or the database does not answer.
        """
        with translated():
            operations = sql.Literal(self._operations)
            self._connection.execute(statement("publication").format(**self._names(), operations=operations))
            if self._signals is not None:
                self._connection.execute(
                    statement("signals").format(
                        **self._names(),
                        signals=sql.Identifier(self._signals.schema, self._signals.name),
                        signals_name=sql.Literal(str(self._signals)),
                        signals_schema=sql.Identifier(self._signals.schema),
                    )
                )

    def tables(self) -> list[Table]:
        """What is published, by name."""
        with translated():
            names = {"publication": self.name, "signals": self._signals and str(self._signals)}
            return [Table(*row) for row in self._connection.execute(query_text("published"), names).fetchall()]

    def describe(self, table: Table) -> Any:
        """What the database says of a table (see `sql/table.sql`); None while it is not there."""
        with translated(), self._connection.cursor(row_factory=namedtuple_row) as cursor:
            names = {"publication": self.name, "debezium": self._debezium}
            return cursor.execute(
                query_text("table"), {**names, "schema": table.schema, "table": table.name}
            ).fetchone()

    def slot_exists(self) -> bool:
        """Whether Debezium has begun to read the log."""
        with translated():
            slots = "SELECT FROM pg_replication_slots WHERE slot_name = %s"
            return self._connection.execute(slots, [self.slot]).fetchone() is not None

    def publish(self, table: Table) -> None:
        """Publish a table from now on, and let Debezium read it."""
        with translated():
            self._connection.execute(self._about(table, "readable"))
            self._connection.execute(self._about(table, "publish"))

    def withdraw(self, table: Table) -> None:
        """Publish a table no more; its rows so far go on to the topic."""
        with translated():
            self._connection.execute(
                sql.SQL("ALTER PUBLICATION {} DROP TABLE {}").format(
                    sql.Identifier(self.name), sql.Identifier(table.schema, table.name)
                )
            )

    def publish_with_rows(self, table: Table, deadline: Deadline) -> Boundary:
        """Publish a table and tell Debezium to send the rows that it has, in one transaction.

        The table is locked against writers for the instant of it: a row is either there before, and read by Debezium,
        or written afterwards, and in the log.

        Raises:
            DatabaseError: writers do not let go of the table before the deadline, or we may not.
        """
        with translated():
            self._connection.execute(self._about(table, "readable"))
        lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(sql.Identifier(table.schema, table.name))
        while True:
            try:
                with translated(psycopg.errors.LockNotAvailable), self._connection.transaction():
                    self._connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT))
                    self._connection.execute(lock)
                    self._connection.execute(self._about(table, "publish"))
                    return self._signal(table)
            except psycopg.errors.LockNotAvailable as error:
                if not deadline.pause():
                    raise DatabaseError(
                        f"{table} is written to by a transaction that has not ended in {deadline.seconds:g} s "
                        f"(pg_stat_activity shows it)"
                    ) from error

    def resend(self, table: Table) -> Boundary:
        """Tell Debezium to send all rows of a published table once more."""
        with translated(), self._connection.transaction():
            return self._signal(table)

    def now(self) -> Boundary:
        """A boundary for rows that Debezium will find by itself."""
        with translated():
            (lsn,) = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone() or (0,)
        return Boundary(int(lsn), "true")

    def count(self, table: Table, boundary: Boundary) -> int | None:
        """How many rows were there before the boundary; None if we may not look."""
        if not self._may_read(table):
            return None
        with translated():
            row = self._connection.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
                    sql.Identifier(table.schema, table.name),
                    sql.SQL(boundary.condition or "true"),
                )
            ).fetchone()
        return int(row[0]) if row else 0

    def _may_read(self, table: Table) -> bool:
        with translated():
            may = "SELECT has_table_privilege(format('%%I.%%I', %s::text, %s::text), 'select')"
            return self._connection.execute(may, [table.schema, table.name]).fetchone() == (True,)

    def _about(self, table: Table, name: str) -> sql.Composed:
        return statement(name).format(
            **self._names(),
            schema=sql.Identifier(table.schema),
            schema_name=sql.Literal(table.schema),
            table=sql.Identifier(table.name),
            table_name=sql.Literal(table.name),
        )

    def _names(self) -> dict[str, sql.Composable]:
        return {
            "publication": sql.Identifier(self.name),
            "publication_name": sql.Literal(self.name),
            "debezium_user": sql.Identifier(self._debezium),
        }

    def _signal(self, table: Table) -> Boundary:
        assert self._signals is not None, f"{self.name} has no table for signals"  # noqa: S101
        snapshot, lsn = self._connection.execute(
            "SELECT pg_current_snapshot()::text, pg_current_wal_insert_lsn() - '0/0'"
        ).fetchone() or ("", 0)
        condition = before(snapshot)
        data: dict[str, Any] = {"type": "incremental", "data-collections": [str(table)]}
        if condition is not None:
            data["additional-conditions"] = [{"data-collection": str(table), "filter": condition}]
        self._connection.execute(
            sql.SQL("INSERT INTO {} (id, type, data) VALUES (%s, 'execute-snapshot', %s)").format(
                sql.Identifier(self._signals.schema, self._signals.name)
            ),
            [f"add-{int(time.time())}-{uuid.uuid4()}", json.dumps(data)],
        )
        return Boundary(int(lsn), condition)


def operations(skipped: str) -> str:
    """What a publication lets through, as its parameter `publish` has it, for a list of skipped operations.

    Source: PostgreSQL, "CREATE PUBLICATION"; Debezium, `skipped.operations`: letters with commas, or `none`.
    """
    letters = {letter.strip() for letter in skipped.split(",")}
    return ", ".join(name for letter, name in OPERATIONS.items() if letter not in letters)


def before(snapshot: str) -> str | None:
    """SQL that holds for the rows which `snapshot`, as `pg_current_snapshot` gives it, sees; None if it cannot be told.

    A row knows only 32 bits of the transaction that wrote it: once these have been used up, and begin anew, an old row
    may look like a new one. Rows twice are better than rows lost, so nothing is told apart then.
    Source: PostgreSQL, "System Information Functions", pg_snapshot: `xmin:xmax:xip_list`.
    """
    _, ceiling, running = snapshot.split(":")
    if int(ceiling) >= FIRST_REPEATED_TRANSACTION:
        return None
    older = f"xmin::text::bigint < {int(ceiling)}"
    numbers = ", ".join(str(int(number)) for number in running.split(",") if number)
    return f"{older} AND xmin::text::bigint NOT IN ({numbers})" if numbers else older

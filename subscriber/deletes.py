"""What becomes of the predictions of source rows that were deleted."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from subscriber.batch import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.batch import Delete
    from subscriber.pipeline import Pipeline

_SQL = resources.files("subscriber") / "sql"


class Deletes:
    """Removes or marks predictions, as the pipeline's source.deletes says."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._policy = pipeline.source.deletes
        self._target = pipeline.target
        self._statement: sql.Composed | None = None

    def follow(self, connection: psycopg.Connection, deletes: Sequence[Delete]) -> list[DeadLetter]:
        """Do as the pipeline says with the predictions of these rows; deletes whose key the table cannot hold."""
        if self._policy == "ignore" or not deletes:
            return []
        statement = self._prepared(connection)
        unfollowed: list[DeadLetter] = []
        self._follow_or_split(connection, statement, deletes, unfollowed)
        return unfollowed

    def _follow_or_split(
        self,
        connection: psycopg.Connection,
        statement: sql.Composed,
        deletes: Sequence[Delete],
        unfollowed: list[DeadLetter],
    ) -> None:
        values = {"keys": [str(d.key) for d in deletes], "at": [d.at for d in deletes]}
        try:
            with connection.transaction():
                connection.execute(statement, values)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(deletes) == 1:
                detail = str(error.diag.message_primary or error)
                unfollowed.append(DeadLetter(deletes[0].record, "refused_by_target", detail))
                return
            middle = len(deletes) // 2
            self._follow_or_split(connection, statement, deletes[:middle], unfollowed)
            self._follow_or_split(connection, statement, deletes[middle:], unfollowed)

    def _prepared(self, connection: psycopg.Connection) -> sql.Composed:
        if self._statement is None:
            target = self._target
            table = sql.Identifier(target.schema_, target.table)
            where = {"table": table.as_string(connection), "column": target.source_key}
            row = connection.execute((_SQL / "key_type.sql").read_bytes(), where).fetchone()
            # a column that is not there is told by the statement itself
            type_ = sql.SQL(row[0] if row else "text")
            name = "remove" if self._policy == "remove" else "mark"
            self._statement = sql.SQL((_SQL / f"{name}.sql").read_text()).format(
                table=table,
                key=sql.Identifier(target.source_key or ""),
                deleted_at=sql.Identifier(target.deleted_at or ""),
                type=type_,
            )
        return self._statement

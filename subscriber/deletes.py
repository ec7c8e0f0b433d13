"""What becomes of the predictions of source rows that were deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from subscriber.batch import DeadLetter
from subscriber.postgres import refused, statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from subscriber.batch import Delete
    from subscriber.pipeline import Pipeline


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
        follow = self._prepared(connection)

        def write(start: int, end: int) -> None:
            some = deletes[start:end]
            connection.execute(follow, {"keys": [str(d.key) for d in some], "at": [d.at for d in some]})

        unfollowed = refused(connection, len(deletes), write)
        return [DeadLetter(deletes[place].record, "refused_by_target", detail) for place, detail in unfollowed]

    def _prepared(self, connection: psycopg.Connection) -> sql.Composed:
        if self._statement is None:
            target = self._target
            table = sql.Identifier(target.schema_, target.table)
            where = {"table": table.as_string(connection), "column": target.source_key}
            row = connection.execute(statement("key_type"), where).fetchone()
            # a column that is not there is told by the statement itself
            type_ = sql.SQL(row[0] if row else "text")
            name = "remove" if self._policy == "remove" else "mark"
            self._statement = sql.SQL(statement(name).decode()).format(
                table=table,
                key=sql.Identifier(target.source_key or ""),
                deleted_at=sql.Identifier(target.deleted_at or ""),
                type=type_,
            )
        return self._statement

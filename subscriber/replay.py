"""A pipeline's old messages, predicted once more into another table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from subscriber.errors import WrongSetting
from subscriber.pipeline import Retention
from subscriber.postgres import statement
from subscriber.store import Store, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True)
class Stands:
    """How far one partition has come, of the offsets [first, end)."""

    partition: int
    first: int
    next: int
    end: int
    asked: str
    finished_at: datetime | None


def replay_of(pipeline: Pipeline, table: str, version: str | None) -> Pipeline:
    """The pipeline that fills the table: its own name, group and offsets; nothing in it is ever trimmed.

    Raises:
        WrongSetting: the table is no name of one, or the live one.
    """
    if not _IDENTIFIER.fullmatch(table):
        raise WrongSetting(f"--into: {table!r} is no table's name (letters, digits and _)")
    if table.lower() == pipeline.target.table.lower():
        raise WrongSetting(f"--into: {table} is the table of the live pipeline {pipeline.name!r}; name another")
    return pipeline.model_copy(
        update={
            "name": f"{pipeline.name}.replay.{table}",
            "group": f"{pipeline.group}.replay.{table}",
            # the live pipeline's receipts would have every message skipped
            "target": pipeline.target.model_copy(update={"table": table, "create": None, "receipts": None}),
            "create_sql": None,
            "model": pipeline.model.model_copy(update={"version": version}) if version else pipeline.model,
            "retention": Retention(),
        }
    )


class Replay:
    """The books of one replay, in the target database.

    Every method raises Transient while the database is away.
    """

    def __init__(self, live: Pipeline, replayed: Pipeline, settings: Settings) -> None:
        self._where = {"pipeline": replayed.name, "topic": replayed.topic}
        self._table = sql.Identifier(replayed.target.schema_, replayed.target.table)
        self._live_table = sql.Identifier(live.target.schema_, live.target.table)
        self._pipeline = replayed
        self._settings = settings
        self._made_table = False

    def prepare(self) -> None:
        """Make the table like the live one if it is not there.

        Raises:
            WrongSetting: we may not, or the table that is there has not the live one's columns.
        """
        create = sql.SQL("create table if not exists {} (like {} including all)").format(self._table, self._live_table)
        with translated(), self._store(self._pipeline).connect() as connection:
            table = self._table.as_string(connection)
            missing = connection.execute("select to_regclass(%s)", [table]).fetchone() == (None,)
            text = create.as_string(connection)
        self._store(self._pipeline.model_copy(update={"create_sql": text if missing else None})).prepare()
        self._made_table = missing

    def begin(self, cover: Callable[[], Mapping[int, tuple[int, int]]], asked: str) -> list[Stands]:
        """Note which offsets are covered, the first time: how far each partition has come.

        Raises:
            WrongSetting: the replay was begun with other options, its table is gone, or holds rows of others.
        """
        with translated(), self._store(self._pipeline).connect() as connection:
            found = self._stands(connection)
            if not found:
                full = sql.SQL("select exists (select from {})").format(self._table)
                if connection.execute(full).fetchone() == (True,):
                    raise WrongSetting(
                        f"--into: table {self._pipeline.target.table} has rows that no replay wrote; name another"
                    )
                spans = cover()
                values = {
                    "asked": asked,
                    "partitions": list(spans),
                    "first": [first for first, _ in spans.values()],
                    "end": [end for _, end in spans.values()],
                }
                connection.execute(statement("replay_begin"), {**self._where, **values})
                found = self._stands(connection)
            elif self._made_table:
                raise WrongSetting(
                    f"--into: table {self._pipeline.target.table} of this replay was dropped; --again starts it over"
                )
        begun = found[0].asked
        if begun != asked:
            raise WrongSetting(
                f"--into: the replay into {self._pipeline.target.table} was begun with {begun}; go on with that, name "
                f"another table, or start over with --again, which empties this one"
            )
        return found

    def stands(self) -> list[Stands]:
        """How far each partition has come; empty before it has begun."""
        with translated(), self._store(self._pipeline).connect() as connection:
            return self._stands(connection)

    def finish(self) -> None:
        """Note that every partition has come to its end."""
        with translated(), self._store(self._pipeline).connect() as connection:
            connection.execute(statement("replay_finish"), self._where)

    def forget(self) -> None:
        """Empty the table of a replay and forget how far it came; does nothing if there was none."""
        with translated(), self._store(self._pipeline).connect() as connection:
            if self._stands(connection):
                connection.execute(sql.SQL("truncate {}").format(self._table))
                connection.execute(statement("replay_forget"), self._where)

    def _stands(self, connection: Any) -> list[Stands]:
        return [Stands(*row) for row in connection.execute(statement("replay_stands"), self._where).fetchall()]

    def _store(self, pipeline: Pipeline) -> Store:
        return Store(self._settings.target_dsn(), pipeline)

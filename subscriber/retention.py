"""Deletes rows of the target database that are older than the pipeline keeps them, beside the stream."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg import sql

from subscriber.backoff import delay_seconds
from subscriber.errors import Transient, WrongSetting
from subscriber.postgres import statement
from subscriber.store import translated

if TYPE_CHECKING:
    import psycopg

    from subscriber.health import Health
    from subscriber.metrics import Metrics
    from subscriber.pipeline import Pipeline
    from subscriber.store import Store

BATCH_ROWS: Final = 5000
# of the time, at most this part is spent in deletes
SHARE: Final = 0.1
LONGEST_REST_SECONDS: Final = 60.0
# a table gets so long before it is another's turn, and a look for old rows comes so long after one that found no more
TURN_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 60.0
# longer than any rest; a session that is silent for longer is frozen
IDLE_LIMIT: Final = "2min"
# The oldest rows are looked up in the index even if the statistics are stale. A crash that brings old rows back does no
# harm: no need to wait for the disk. Who locks an old row goes first: before anybody is called a deadlock (after 1 s).
_OPTIONS: Final = (
    "-c synchronous_commit=off -c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off "
    "-c lock_timeout=500ms"
)
_TYPES: Final = ("timestamp with time zone", "timestamp without time zone", "date")


def rest_seconds(used_seconds: float) -> float:
    """How long to leave the database alone after a batch that took so long."""
    return min(LONGEST_REST_SECONDS, used_seconds * (1 - SHARE) / SHARE)


@dataclass(frozen=True)
class Kept:
    """A table of which rows are kept for `days`; `shared` if a column `pipeline` says whose they are."""

    setting: str
    days: float
    table: sql.Identifier
    name: str
    age: str
    shared: bool

    @property
    def index(self) -> list[str]:
        """The columns that an index must begin with for the oldest rows to be found."""
        return ["pipeline", self.age] if self.shared else [self.age]


@dataclass(frozen=True)
class Holder:
    """A table that holds such rows itself: no view, and no parent of partitions."""

    table: sql.Identifier
    type: str


class Retention:
    """Trims one pipeline's tables, in a thread of its own and one subscriber at a time.

    No failure of it ends the stream.
    """

    def __init__(
        self, pipeline: Pipeline, store: Store, *, metrics: Metrics, health: Health, stopping: threading.Event
    ) -> None:
        self._pipeline = pipeline
        self._store = store
        self._metrics = metrics
        self._health = health
        self._stopping = stopping
        self._kept = tables(pipeline)
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Begin to trim, if the pipeline keeps anything for a time only; ends by itself once told to stop."""
        if self._kept:
            self._thread.start()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the thread; a database that hangs keeps it, until the process ends."""
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def trim(self) -> bool:
        """Give each table its turn, unless another subscriber is trimming. Whether old rows are left.

        Raises:
            Transient: the database is away.
        """
        with translated(), self._store.connect(autocommit=True, options=_OPTIONS) as connection:
            name = {"name": f"subscriber {self._pipeline.name} retention", "idle": IDLE_LIMIT}
            ours = connection.execute(statement("trimmer"), {"pipeline": self._pipeline.name, **name}).fetchone()
            if not ours or not ours[0]:
                return False
            left = [self._trim_told(connection, kept) for kept in self._kept]
            return any(left)

    def _run(self) -> None:
        failed = 0
        while not self._stopping.is_set():
            try:
                left = self.trim()
            except Transient as error:
                failed += 1
                self._health.trouble("retention", str(error))
                pause = delay_seconds(failed, random.random())  # noqa: S311 (jitter)
            except WrongSetting as error:
                self._health.trouble("retention", str(error))
                pause = LOOK_SECONDS
            except Exception as error:
                # a mistake of ours must not pass in silence, nor end the stream
                self._health.log.exception("retention")
                self._health.trouble("retention", f"{type(error).__name__}: {error}")
                pause = LOOK_SECONDS
            else:
                failed = 0
                self._health.trouble_over("retention")
                pause = 0.0 if left else LOOK_SECONDS
            self._stopping.wait(pause)

    def _trim_told(self, connection: psycopg.Connection, kept: Kept) -> bool:
        """Give one table its turn; what is wrong with it is told, and stops no other. Whether old rows are left."""
        task = f"retention of {kept.name}"
        try:
            with translated():
                left = self._trim_table(connection, kept)
        except WrongSetting as error:
            self._health.trouble(task, f"{kept.setting}: {error}")
            return False
        self._health.trouble_over(task)
        return left

    def _trim_table(self, connection: psycopg.Connection, kept: Kept) -> bool:
        began = time.monotonic()
        trimmed = 0
        try:
            for holder in holders(connection, kept):
                rows, oldest = BATCH_ROWS, "-infinity"
                while rows == BATCH_ROWS:
                    batch_began = time.monotonic()
                    rows, oldest = self._trim_batch(connection, kept, holder, oldest)
                    now = time.monotonic()
                    trimmed += rows
                    if self._stopping.wait(rest_seconds(now - batch_began)) or now - began > TURN_SECONDS:
                        return True
        finally:
            if trimmed:
                seconds = round(time.monotonic() - began, 1)
                self._health.log.info("trimmed", table=kept.name, rows=trimmed, days=kept.days, seconds=seconds)
        return False

    def _trim_batch(self, connection: psycopg.Connection, kept: Kept, holder: Holder, oldest: str) -> tuple[int, str]:
        delete = sql.SQL(statement("trim").decode()).format(
            table=holder.table,
            mine=sql.SQL("pipeline = %(pipeline)s" if kept.shared else "true"),
            age=sql.Identifier(kept.age),
            type=sql.SQL(holder.type),
        )
        values = {"pipeline": self._pipeline.name, "oldest": oldest, "days": kept.days, "rows": BATCH_ROWS}
        found = connection.execute(delete, values, prepare=False).fetchone()
        rows, newest = found or (0, None)
        self._metrics.trimmed(kept.name, rows)
        return rows, newest or oldest


def tables(pipeline: Pipeline) -> list[Kept]:
    """The tables whose rows the pipeline does not keep for ever."""
    target = pipeline.target
    predictions, dead_letters = pipeline.retention.predictions_days, pipeline.retention.dead_letters_days
    kept = []
    if predictions is not None and target.timestamp is not None:
        table = sql.Identifier(target.schema_, target.table)
        kept.append(
            Kept("retention.predictions_days", predictions, table, target.table, target.timestamp, shared=False)
        )
    if dead_letters is not None:
        table = sql.Identifier("dead_letter")
        kept.append(Kept("retention.dead_letters_days", dead_letters, table, "dead_letter", "failed_at", shared=True))
    return kept


def holders(connection: psycopg.Connection, kept: Kept) -> list[Holder]:
    """Where the rows of the table are: in itself, or in its partitions.

    Raises:
        WrongSetting: the rows' age cannot be told, or their oldest cannot be found without reading them all.
    """
    name = kept.table.as_string(connection)
    found = connection.execute(statement("holders"), {"table": name, "age": kept.age, "columns": kept.index}).fetchall()
    if not found:
        raise WrongSetting(f"{name} is not a table; nothing of it is deleted")
    for schema, table, type_, indexed, partitioned in found:
        if type_ not in _TYPES:
            raise WrongSetting(
                f"column {kept.age} of {name} is of type {type_}, which tells no age (timestamptz, timestamp and date "
                f"do); nothing of it is deleted"
            )
        if not indexed:
            holder = sql.Identifier(schema, table).as_string(connection)
            # a partitioned table's own index cannot be made concurrently
            concurrently = "" if partitioned else "concurrently "
            raise WrongSetting(
                f"without an index the oldest rows of {holder} are found by reading them all, so nothing of it is "
                f"deleted; make one: create index {concurrently}on {name} ({', '.join(kept.index)})"
            )
    return [Holder(sql.Identifier(schema, table), type_) for schema, table, type_, _, _ in found]

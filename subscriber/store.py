"""The target database: predictions, dead letters and offsets, in one transaction."""

from __future__ import annotations

from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from subscriber.batch import Batch, DeadLetter, Failed, without_nul, written_at
from subscriber.deletes import Deletes
from subscriber.errors import Fenced, Transient, WrongSetting
from subscriber.postgres import first_line, refused, statement
from subscriber.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from subscriber.pipeline import Pipeline

# lock timeout, read-only (a standby after a failover), the server's limits on a transaction that stood still
_PASSING_STATES = ("55P03", "25006", "25P03", "25P04")
# connection, rollback (serialization, deadlock), resources (disk full among them), operator intervention, system and
# internal errors
_PASSING_CLASSES = ("08", "40", "53", "57", "58", "XX")
# what a server says to a client that will never be let in; these come without an SQLSTATE
_REFUSALS = ("authentication failed", "no pg_hba.conf entry", "does not exist", "permission denied", "not permitted")
# what we say to a server that does not prove who it is
_MISTRUSTS = (
    *("certificate verify failed", "does not match host name", "root certificate file"),
    "server does not support SSL",
)

# what holds a lock for longer is frozen or gone: its heir must not wait for it for ever, nor in silence
LIMITS = (
    "-c lock_timeout=5s -c idle_in_transaction_session_timeout=10s -c tcp_keepalives_idle=5 -c tcp_keepalives_count=3"
)

# SQLSTATE
UNDEFINED_TABLE = "42P01"


class Store:
    """One pipeline's side of the target database. Used by one thread; `positions` and `begin` are safe from another.

    `when_sent` is called once a batch's rows are written to the connection, and the server has yet to store them.
    """

    def __init__(self, dsn: str, pipeline: Pipeline, when_sent: Callable[[], None] | None = None) -> None:
        self._dsn = dsn
        self._pipeline = pipeline
        self._when_sent = when_sent
        self._where = {"pipeline": pipeline.name, "topic": pipeline.topic}
        self._claim, self._begin, self._positions = (statement(n) for n in ("claim", "begin", "positions"))
        self._connected: psycopg.Connection | None = None
        target = pipeline.target
        self._table = sql.Identifier(target.schema_, target.table)
        self._columns = pipeline.written_columns
        self._deletes = Deletes(pipeline)
        self._receipts = None if target.receipts is None else Receipts(target.schema_, target.receipts)
        self._copies = [attrgetter(f"c{i}") for i in range(len(target.copies))]
        self._copy = sql.SQL("copy {} ({}) from stdin").format(
            self._table, sql.SQL(", ").join(map(sql.Identifier, self._columns))
        )

    def prepare(self) -> None:
        """Make the subscriber's own tables and, where the pipeline names its SQL, the target table; check the latter.

        Raises:
            Transient: the database is away.
            WrongSetting: the table or a column is missing, or we may not write it.
        """
        with translated(), self.connect() as connection:
            # two subscribers that start together must not both create
            connection.execute("select pg_advisory_xact_lock(hashtext('stream-serving schema'))")
            _make(connection, statement("schema"), "stream_offset", "dead_letter")
            if self._pipeline.create_sql is not None:
                tables = [self._table, *([self._receipts.table] if self._receipts else [])]
                _make(connection, self._pipeline.create_sql.encode(), *(t.as_string(connection) for t in tables))
            connection.execute(
                sql.SQL("select {} from {} limit 0").format(
                    sql.SQL(", ").join(map(sql.Identifier, self._columns)), self._table
                )
            )
            may_insert = "select has_table_privilege(%s::text, 'insert')"
            if connection.execute(may_insert, [self._table.as_string(connection)]).fetchone() == (False,):
                raise WrongSetting(
                    f"role {connection.info.user!r} may not insert into {self._table.as_string(connection)} (grant it)"
                )
            if self._receipts is not None:
                self._receipts.check(connection)

    def positions(self) -> dict[int, int]:
        """The next offset of every partition that this pipeline has ever read.

        Raises:
            Transient: the database is away.
        """
        with translated(), self.connect() as connection:
            return dict(connection.execute(self._positions, self._where).fetchall())

    def begin(self, offsets: dict[int, int]) -> None:
        """Store where partitions begin; one that has begun already keeps its offset.

        Raises:
            Transient: the database is away.
        """
        partitions = {"partitions": list(offsets), "offsets": list(offsets.values())}
        with translated(), self.connect() as connection:
            connection.execute(self._begin, {**self._where, **partitions})

    def commit(self, batch: Batch) -> Batch:
        """Store a batch, all or nothing.

        1. Write the receipts of its messages, where the pipeline gives them; a message that has one is skipped.
        2. Remove or mark the predictions of deleted rows, where the pipeline follows deletes.
        3. Copy the predictions and the rows without one; what the table refuses becomes dead letters.
        4. Add those to the failed rows of their receipts.
        5. Write the dead letters.
        6. Move the offsets from where the batch began to where it ends; a partition that is elsewhere is fenced.
        7. Commit.

        The offsets come last because they lock: an owner that is frozen while it copies must not block its heir.
        Receipts lock too, but come first: what they skip must not be copied.

        Returns:
            What was stored of it: less the messages that were skipped and the rows that were refused.

        Raises:
            Fenced: another subscriber has moved on with some partitions; nothing is stored.
            Transient: the database is away or busy. Whether the commit happened is then unknown; the same call again
                finds out, by being fenced or not.
            WrongSetting: the table does not fit the pipeline.
        """
        with translated():
            connection = self._connection()
            with connection.transaction():
                stored = self._receipts.give(connection, batch) if self._receipts else batch  # 1
                dead = self.write(connection, stored)  # 2, 3
                if self._receipts:
                    self._receipts.add_failed(connection, stored, dead)  # 4
                self.write_dead(connection, [*stored.dead, *dead])  # 5
                self._claim_partitions(connection, stored)  # 6
            # 7: leaving the transaction
        if not dead:
            return stored
        gone = {id(letter.record) for letter in dead}
        rest = stored.of(stored.spans, lambda record: id(record) not in gone)
        # of a delete that was not followed, the delete counts too
        rest.deletes, rest.receipts, rest.dead = stored.deletes, stored.receipts, [*stored.dead, *dead]
        return rest

    def close(self) -> None:
        if self._connected is not None:
            self._connected.close()

    def _claim_partitions(self, connection: psycopg.Connection, batch: Batch) -> None:
        spans = batch.spans
        moved = connection.execute(
            self._claim,
            {
                **self._where,
                "partitions": list(spans),
                "expected": [span.expected for span in spans.values()],
                "next": [span.next for span in spans.values()],
            },
        ).fetchall()
        fenced = frozenset(spans) - {partition for (partition,) in moved}
        if fenced:
            raise Fenced(fenced)

    def write(self, connection: psycopg.Connection, batch: Batch) -> list[DeadLetter]:
        """Follow the deletes and copy the rows in the transaction that is open; what the table refuses."""
        return [*self._deletes.follow(connection, batch.deletes), *self._copy_rows(connection, batch)]

    def _copy_rows(self, connection: psycopg.Connection, batch: Batch) -> list[DeadLetter]:
        target = self._pipeline.target
        columns: list[Iterable[Any]] = list(zip(*batch.outputs, strict=True))
        if target.timestamp:
            columns.insert(0, [row.timestamp for row in batch.rows])
        if target.source_key and self._pipeline.source.key:
            columns.append([row.key for row in batch.rows])
        if target.model_version:
            columns.append(batch.versions)
        if target.deleted_at:
            columns.append([row.deleted for row in batch.rows])
        if target.error:
            columns.append([None] * len(batch.rows))
        columns += [map(copy, batch.rows) for copy in self._copies]
        rows: list[tuple[Any, ...]] = list(zip(*columns, strict=True)) if batch.rows else []
        rows += map(self._failed_row, batch.failed)
        records = [*batch.records, *(failed.record for failed in batch.failed)]

        def write(start: int, end: int) -> None:
            with connection.cursor() as cursor, cursor.copy(self._copy) as copy:
                for row in rows[start:end]:
                    copy.write_row(row)
                if self._when_sent is not None:
                    self._when_sent()

        guilty = refused(connection, len(rows), write)
        return [DeadLetter(records[place], "refused_by_target", detail) for place, detail in guilty]

    def _failed_row(self, failed: Failed) -> tuple[Any, ...]:
        """The values of a row without a prediction, in the order of `written_columns`."""
        target, row = self._pipeline.target, failed.row
        return (
            *((row.timestamp,) if target.timestamp else ()),
            *(None for _ in target.outputs),
            *((row.key,) if target.source_key and self._pipeline.source.key else ()),
            *((None,) if target.model_version else ()),
            *((row.deleted,) if target.deleted_at else ()),
            without_nul(failed.detail),
            *(copy(row) for copy in self._copies),
        )

    def write_dead(self, connection: psycopg.Connection, dead: Sequence[DeadLetter]) -> None:
        """Write dead letters in the transaction that is open."""
        if not dead:
            return
        with (
            connection.cursor() as cursor,
            cursor.copy(
                'copy dead_letter (pipeline, topic, partition, "offset", cause, detail, key, value, committed_at)'
                " from stdin"
            ) as copy,
        ):
            for letter in dead:
                record = letter.record
                copy.write_row(
                    (
                        *(self._pipeline.name, self._pipeline.topic, record.partition(), record.offset()),
                        *(letter.cause, letter.detail_as_text, record.key(), record.value(), written_at(record, None)),
                    )
                )

    def _connection(self) -> psycopg.Connection:
        if self._connected is None or self._connected.closed:
            # a crash that loses rows loses their offsets too, so they are predicted again: no need to wait for the disk
            self._connected = self.connect(autocommit=True, options="-c synchronous_commit=off")
        return self._connected

    def connect(self, *, autocommit: bool = False, options: str = "") -> psycopg.Connection:
        return psycopg.connect(
            self._dsn,
            autocommit=autocommit,
            connect_timeout=5,
            # a server that is gone without a word is noticed in seconds
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=10_000,
            application_name=f"subscriber {self._pipeline.name}",
            options=f"-c timezone=UTC {LIMITS} {options}",
        )


@contextmanager
def translated() -> Iterator[None]:
    """Every psycopg error as the action it asks for."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        said = first_line(error)
        if state in _PASSING_STATES or state[:2] in _PASSING_CLASSES:
            raise Transient(f"target database: {said}") from error
        if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            if any(mistrust in str(error) for mistrust in _MISTRUSTS):
                names = "TARGET_HOST, TARGET_SSLMODE, TARGET_SSLROOTCERT"
                raise WrongSetting(f"target database is not trusted: {said} ({names})") from error
            if any(refusal in str(error) for refusal in _REFUSALS):
                raise WrongSetting(f"target database refuses us: {said} (TARGET_*, SUBSCRIBER_*)") from error
            raise Transient(f"target database: {said}") from error
        hint = "target.* in the pipeline file, or the role's grants"
        if state == UNDEFINED_TABLE:
            hint = "`python -m subscriber check PIPELINE.toml --create` makes it"
        raise WrongSetting(f"target database: {said} ({hint})") from error


def _make(connection: psycopg.Connection, statements: bytes, *tables: str) -> None:
    """Run SQL that makes what is missing; who freezes while writing to tables that exist does not block a start."""
    try:
        with connection.transaction():
            # even `create index if not exists` waits for those who write to its table, and has others wait meanwhile
            connection.execute("set local lock_timeout = '1s'")
            connection.execute(statements)
    except psycopg.errors.LockNotAvailable:
        exist = "select bool_and(to_regclass(name) is not null) from unnest(%s::text[]) as name"
        if connection.execute(exist, [list(tables)]).fetchone() != (True,):
            raise

"""The monitoring database: batches of records, in one transaction each, that may be written again."""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import resources

import psycopg
from psycopg import sql

from api.monitoring.errors import DatabaseAway, RecordsRefused
from api.monitoring.migrate import migrate
from api.monitoring.records import TABLES, Waiting
from api.monitoring.reference import ReferenceDistribution
from api.monitoring.tables import Row, Table

MIGRATE_TIMEOUT_SECONDS = 60.0
REGISTER = (resources.files("api.monitoring") / "sql" / "register.sql").read_text()


class Database:
    """One connection; used by one thread. After DatabaseAway it is closed."""

    def __init__(self, connection: psycopg.Connection, write_timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout = write_timeout_seconds

    @classmethod
    def open(cls, dsn: str, write_timeout_seconds: float) -> "Database":
        """Connect, and bring the schema up to date.

        Raises:
            DatabaseAway: the database is away, or the settings are wrong.
        """
        with translated():
            migrating = psycopg.connect(dsn)
            with limited(migrating, MIGRATE_TIMEOUT_SECONDS):
                migrate(migrating)
            connection = psycopg.connect(dsn, autocommit=True)
        try:
            with translated(), limited(connection, write_timeout_seconds):
                for table in TABLES:
                    connection.execute(_staging(table))
        except DatabaseAway:
            connection.close()
            raise
        return cls(connection, write_timeout_seconds)

    def write(self, records: Sequence[Waiting]) -> None:
        """Store a batch, all or none; records that are there already, by their id, stay as they are.

        Raises:
            RecordsRefused: a table does not take one of them; none is stored.
            DatabaseAway: whether they are stored is not known, so they are to be written again.
        """
        tables: dict[Table, list[Row]] = {}
        for record in records:
            tables.setdefault(record.table, []).append(record.row)
        with self._transaction():
            for table, rows in tables.items():
                with self._connection.cursor() as cursor, cursor.copy(_copy(table)) as copy:
                    for row in rows:
                        copy.write_row(row)
                self._connection.execute(_insert(table))

    def register(self, reference: ReferenceDistribution) -> None:
        """Store what a version was trained on, unless it is there.

        Raises:
            RecordsRefused: the table does not take it.
            DatabaseAway: see `write`.
        """
        with self._transaction(), self._connection.cursor() as cursor:
            cursor.executemany(REGISTER, reference.rows())

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with translated(), limited(self._connection, self._timeout), self._connection.transaction():
                yield
        except DatabaseAway:
            self._connection.close()
            raise


@contextmanager
def limited(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Cut the connection if the block takes longer: a server that is frozen never answers.

    Raises:
        DatabaseAway: it was cut.
    """
    # a descriptor of our own: when the connection closes its own, the number may soon be of another socket
    guard = socket.socket(fileno=os.dup(connection.fileno()))

    late = threading.Event()

    def cut() -> None:
        late.set()
        with suppress(OSError):
            guard.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except psycopg.OperationalError as error:
        if late.is_set():
            raise DatabaseAway(f"no answer within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
        timer.join()
        guard.close()


@contextmanager
def translated() -> Iterator[None]:
    """Every error of the driver as the action it asks for."""
    try:
        yield
    # text that UTF-8 cannot hold is refused before it is sent
    except (psycopg.DataError, psycopg.IntegrityError, UnicodeError) as error:
        raise RecordsRefused(_first_line(error)) from error
    except psycopg.Error as error:
        raise DatabaseAway(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or (str(error).strip().splitlines() or [type(error).__name__])[0]


def _staged(table: Table) -> sql.Identifier:
    return sql.Identifier(f"staged_{table.name}")


def _columns(table: Table) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, table.columns))


def _staging(table: Table) -> sql.Composed:
    return sql.SQL("create temporary table {} on commit delete rows as select {} from {} limit 0").format(
        _staged(table), _columns(table), sql.Identifier(table.name)
    )


def _copy(table: Table) -> sql.Composed:
    return sql.SQL("copy {} ({}) from stdin").format(_staged(table), _columns(table))


def _insert(table: Table) -> sql.Composed:
    return sql.SQL("insert into {} ({}) select {} from {} on conflict ({}) do nothing").format(
        sql.Identifier(table.name), _columns(table), _columns(table), _staged(table), sql.Identifier(table.key)
    )

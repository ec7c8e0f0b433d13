"""The one place that speaks to Postgres: each call is one transaction, and its exceptions become ours here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Any, Self

import psycopg
from psycopg import errors as pg

from data_generator.errors import DatabaseLostError, IdsTakenError, SettingError, TableError
from data_generator.rows import Columns
from data_generator.settings import SourceSettings

# A connection that is refused carries no SQLSTATE, only words. These say that waiting will not help.
REFUSALS = (
    "password authentication failed",
    "no pg_hba.conf entry",
    "does not exist",
    "permission denied for database",
    "certificate verify failed",
    "does not match host name",
    "root certificate file",
    "server does not support SSL",
)
SETTINGS = "SOURCE_HOST, SOURCE_DATABASE, SOURCE_USER, SOURCE_PASSWORD, SOURCE_SSLMODE, SOURCE_SSLROOTCERT"

# A dead peer (a pulled cable, a frozen machine) is noticed within about ten seconds instead of many minutes. A row
# counts as written once it is on the server's disk, whatever the server's own default.
CONNECTION_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c synchronous_commit=on",
    "application_name": "data_generator",
}


class Database:
    """An open connection for the rows of one table.

    Every method raises DatabaseLostError when the database went away, after which this object is of no more use, and
    TableError when the database refuses for a reason that waiting does not mend.
    """

    def __init__(self, connection: psycopg.Connection[Any], table: str) -> None:
        self._connection = connection
        self._table = table

    @classmethod
    def connect(cls, settings: SourceSettings, table: str) -> Self:
        """Connect, and create the table if it is missing.

        Raises:
            DatabaseLostError: nobody answers, or the server is still starting.
            SettingError: the server does not let this role into this database.
            TableError: the table cannot be created.
        """
        try:
            connection = psycopg.connect(
                host=settings.source_host,
                port=settings.source_port,
                dbname=settings.source_database,
                user=settings.source_user,
                password=settings.source_password.get_secret_value(),
                sslmode=settings.source_sslmode,
                sslrootcert=str(settings.source_sslrootcert) if settings.source_sslrootcert else None,
                autocommit=True,
                **CONNECTION_OPTIONS,
            )
        except psycopg.OperationalError as error:
            reason = one_line(error)
            if any(refusal in reason for refusal in REFUSALS):
                raise SettingError(f"{reason} ({SETTINGS})") from error
            raise DatabaseLostError(reason) from error
        database = cls(connection, table)
        with translated():
            connection.execute(database._sql("create"))
        return database

    def take_ids(self, count: int) -> list[int]:
        """Reserve `count` ids of the table's sequence for good, whether they are used or not."""
        with translated():
            ids = [row[0] for row in self._connection.execute(self._sql("take_ids"), {"count": count})]
        if None in ids:
            raise TableError(f"{self._table}.id has no sequence: it must be an identity column")
        return ids

    def insert(self, ids: Sequence[int], rows: Columns) -> None:
        """Store a batch, all or nothing.

        Raises:
            IdsTakenError: at least one of these ids is stored; nothing was written.
        """
        with translated():
            self._connection.execute(self._sql("insert"), [list(ids), *(list(column) for column in rows)])

    def count_rows(self, ids: Sequence[int], rows: Columns) -> int:
        """How many rows of a batch are stored as they are in it."""
        with translated():
            columns = [list(ids), *(list(column) for column in rows)]
            row = self._connection.execute(self._sql("count_rows"), columns).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        self._connection.close()

    def _sql(self, name: str) -> str:
        file = resources.files("data_generator") / "sql" / self._table / f"{name}.sql"
        return file.read_text(encoding="utf-8")


@contextmanager
def translated() -> Iterator[None]:
    """Turn psycopg's exceptions into ours."""
    try:
        yield
    except pg.UniqueViolation as error:
        if "(id)=" in (error.diag.message_detail or ""):
            raise IdsTakenError(one_line(error)) from error
        raise TableError(one_line(error)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, pg.ReadOnlySqlTransaction) as error:
        # Besides a cut connection: shutdown, recovery, deadlock, a full disk, a standby. All of them pass.
        raise DatabaseLostError(one_line(error)) from error
    except psycopg.Error as error:
        raise TableError(one_line(error)) from error


def one_line(error: Exception) -> str:
    """An exception's message on one line, or its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__

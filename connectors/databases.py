"""Connections to both databases, and what is made ready in the target."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql
from pydantic import SecretStr

from connectors.deadline import Deadline
from connectors.errors import DatabaseError
from connectors.settings import ConnectorsSettings

CONNECT_TIMEOUT_SECONDS = 5
Say = Callable[[str], None]
# Waiting does not mend these.
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


def prepare_target(settings: ConnectorsSettings, deadline: Deadline, say: Say) -> None:
    """Make the copied tables.

    Raises:
        DatabaseError: the database does not answer before the deadline, or refuses.
    """
    where = f"target {settings.target_host}:{settings.target_port}/{settings.target_database}"
    address = {
        "host": settings.target_host,
        "port": settings.target_port,
        "dbname": settings.target_database,
        "sslmode": settings.target_sslmode,
        "sslrootcert": settings.target_sslrootcert,
    }
    with _open(where, address, settings.sink_user, settings.sink_password, deadline, say) as connection:
        _execute(connection, statement("target"))
    say(f"target: the copied tables are there, owned by {settings.sink_user}")


def drop_slot(settings: ConnectorsSettings, slot: str, deadline: Deadline, say: Say) -> None:
    """Drop a replication slot once nobody streams from it any more; none of that name is fine.

    Raises:
        DatabaseError: the database does not answer, or the slot is still in use, at the deadline.
    """
    with open_source(settings, settings.debezium_user, settings.debezium_password, deadline, say) as connection:
        while True:
            row = _first_row(connection, "SELECT active FROM pg_replication_slots WHERE slot_name = %s", slot)
            if row is None:
                say(f"source: there is no replication slot {slot}")
                return
            if not row[0]:
                break
            if not deadline.pause():
                raise DatabaseError(f"replication slot {slot} is still in use after {deadline.seconds:g} s")
        _first_row(connection, "SELECT pg_drop_replication_slot(%s)", slot)
    say(f"source: dropped replication slot {slot}")


def open_source(
    settings: ConnectorsSettings, user: str, password: SecretStr, deadline: Deadline, say: Say
) -> psycopg.Connection[Any]:
    """A connection in autocommit.

    Raises:
        DatabaseError: the database does not answer before the deadline, or refuses.
    """
    where = f"source {settings.source_host}:{settings.source_port}/{settings.source_database}"
    address = {
        "host": settings.source_host,
        "port": settings.source_port,
        "dbname": settings.source_database,
        "sslmode": settings.source_sslmode,
        "sslrootcert": settings.source_sslrootcert,
    }
    return _open(where, address, user, password, deadline, say)


def _open(
    where: str, address: dict[str, Any], user: str, password: SecretStr, deadline: Deadline, say: Say
) -> psycopg.Connection[Any]:
    said = False
    while True:
        try:
            return psycopg.connect(
                **address,
                user=user,
                password=password.get_secret_value(),
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                autocommit=True,
            )
        except psycopg.OperationalError as error:
            reason = _one_line(error)
            if any(refusal in reason for refusal in REFUSALS):
                raise DatabaseError(f"{where}: {reason}") from error
            if not said:
                say(f"waiting for {where}: {reason}")
                said = True
            if not deadline.pause():
                raise DatabaseError(f"{where} does not answer after {deadline.seconds:g} s: {reason}") from error


def _execute(connection: psycopg.Connection[Any], query: sql.SQL | sql.Composed) -> None:
    with translated():
        connection.execute(query)


def _first_row(connection: psycopg.Connection[Any], query: str, parameter: str) -> tuple[Any, ...] | None:
    with translated():
        row: tuple[Any, ...] | None = connection.execute(query, [parameter]).fetchone()
        return row


@contextmanager
def translated(*let_pass: type[psycopg.Error]) -> Iterator[None]:
    """Every psycopg error, but those to let pass, as ours."""
    try:
        yield
    except let_pass:
        raise
    except psycopg.Error as error:
        raise DatabaseError(_one_line(error)) from error


def statement(name: str) -> sql.SQL:
    """The statement in `connectors/sql/<name>.sql`, to be formatted with names."""
    return sql.SQL(_text(name))


def query_text(name: str) -> bytes:
    """The query in `connectors/sql/<name>.sql`, to be run with parameters."""
    return _text(name).encode()


def _text(name: str) -> str:
    return (resources.files("connectors") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__

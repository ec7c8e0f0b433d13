"""Makes both databases ready: what Debezium may see in the source, and the copied tables in the target."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql
from pydantic import SecretStr

from connectors.deadline import Deadline
from connectors.definition import Definition
from connectors.errors import DatabaseError, DefinitionError
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


def prepare_source(settings: ConnectorsSettings, source: Definition, deadline: Deadline, say: Say) -> None:
    """Publish every table of the source's definition and let Debezium read it, waiting until the tables exist.

    Raises:
        DatabaseError: the database does not answer, or a table is not there, before the deadline; or it refuses.
    """
    publication = source.config["publication.name"]
    tables = [split_table(table) for table in source.config["table.include.list"].split(",")]
    with _open_source(settings, settings.source_user, settings.source_password, deadline, say) as connection:
        for schema, table in tables:
            _wait_for_table(connection, f"{schema}.{table}", deadline, say)
            statement = _sql("source").format(
                publication=sql.Identifier(publication),
                publication_name=sql.Literal(publication),
                schema=sql.Identifier(schema),
                schema_name=sql.Literal(schema),
                table=sql.Identifier(table),
                table_name=sql.Literal(table),
                debezium_user=sql.Identifier(settings.debezium_user),
            )
            _execute(connection, statement)
            say(f"source: {schema}.{table} is in publication {publication}, and {settings.debezium_user} may read it")


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
        _execute(connection, _sql("target"))
    say(f"target: the copied tables are there, owned by {settings.sink_user}")


def drop_slot(settings: ConnectorsSettings, slot: str, deadline: Deadline, say: Say) -> None:
    """Drop a replication slot once nobody streams from it any more; none of that name is fine.

    Raises:
        DatabaseError: the database does not answer, or the slot is still in use, at the deadline.
    """
    with _open_source(settings, settings.debezium_user, settings.debezium_password, deadline, say) as connection:
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


def split_table(name: str) -> tuple[str, str]:
    """`schema.table` in its two parts.

    Raises:
        DefinitionError: it is a pattern or lacks its schema; a publication needs to be told the very table.
    """
    schema, dot, table = name.strip().partition(".")
    if not dot or not schema.isidentifier() or not table.isidentifier():
        raise DefinitionError(f"connectors/source.json: table.include.list: {name!r} must be schema.table")
    return schema, table


def _wait_for_table(connection: psycopg.Connection[Any], name: str, deadline: Deadline, say: Say) -> None:
    said = False
    while _first_row(connection, "SELECT to_regclass(%s)", name) == (None,):
        if not said:
            say(f"source: waiting for table {name}, which `python -m data_generator` creates")
            said = True
        if not deadline.pause():
            raise DatabaseError(
                f"table {name} is not in the source database after {deadline.seconds:g} s: "
                f"`python -m data_generator --rows 0` creates it"
            )


def _open_source(
    settings: ConnectorsSettings, user: str, password: SecretStr, deadline: Deadline, say: Say
) -> psycopg.Connection[Any]:
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


def _execute(connection: psycopg.Connection[Any], statement: sql.SQL | sql.Composed) -> None:
    with _translated():
        connection.execute(statement)


def _first_row(connection: psycopg.Connection[Any], query: str, parameter: str) -> tuple[Any, ...] | None:
    with _translated():
        row: tuple[Any, ...] | None = connection.execute(query, [parameter]).fetchone()
        return row


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseError(_one_line(error)) from error


def _sql(name: str) -> sql.SQL:
    return sql.SQL((resources.files("connectors") / "sql" / f"{name}.sql").read_text(encoding="utf-8"))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__

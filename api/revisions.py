"""What Alembic does of a migration; its revisions are SQL files."""

from pathlib import Path
from threading import Lock
from typing import Any

import alembic.context
import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from api.migrations import UnknownRevision

# of all processes that start together one migrates, the others find it done
LOCK = "select pg_advisory_xact_lock(hashtext(%(what)s))"

# Alembic keeps what it is at work on in its modules: of two schemas one waits for the other
_one_at_a_time = Lock()


def upgrade(connection: psycopg.Connection, folder: Path, what: str, schema: str) -> None:
    """Run the revisions that the database lacks; arguments and errors are those of `api.migrations.migrate`."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    try:
        with _one_at_a_time, engine.begin() as shared:
            shared.exec_driver_sql(LOCK, {"what": f"stream-serving {what} schema"})
            config.attributes |= {"connection": shared, "schema": schema}
            command.upgrade(config, "head")
    except CommandError as error:
        raise UnknownRevision(
            f"the {what} schema is not of this version of the API, nor of one before it: {error}"
        ) from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from error
        raise


def run(attributes: dict[str, Any]) -> None:
    """What a folder's `env.py` does: the revisions, on the connection and in the transaction that `migrate` gives."""
    alembic.context.configure(connection=attributes["connection"], version_table_schema=attributes["schema"])
    with alembic.context.begin_transaction():
        alembic.context.run_migrations()


def execute(revision: Path) -> None:
    """Run a revision's SQL, the file beside its own, in the transaction of the migration."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101
    # as bytes and straight to the driver: several statements, and no placeholders to look for
    connection.execute(revision.with_suffix(".sql").read_bytes())

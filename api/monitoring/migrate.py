"""`python -m api.monitoring.migrate`: bring the monitoring database's schema up to date.

The API does the same when it first reaches the database.
"""

import sys
from pathlib import Path

import psycopg
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from pydantic import ValidationError
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from api.logs import configure_logging, log_wrong_settings
from api.monitoring.errors import UnknownSchema
from api.monitoring.settings import MonitoringSettings

MIGRATIONS = Path(__file__).parent / "migrations"
# of all processes that start together one migrates, the others find it done
LOCK = "select pg_advisory_xact_lock(hashtext('stream-serving monitoring schema'))"


def migrate(connection: psycopg.Connection) -> str:
    """Run the revisions that the database lacks, all or none, in one transaction; return the newest one's name.

    The connection is closed at the end.

    Raises:
        psycopg.Error: the database is away, or the role may not.
        UnknownSchema: the database is at a revision that is not among ours.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    try:
        with engine.begin() as shared:
            shared.exec_driver_sql(LOCK)
            config.attributes["connection"] = shared
            command.upgrade(config, "head")
            return str(MigrationContext.configure(shared).get_current_revision())
    except CommandError as error:
        raise UnknownSchema(f"the schema is not of this version of the API, nor of one before it: {error}") from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise error.orig from error
        raise
    finally:
        connection.close()


def main() -> int:
    """Migrate the database of the settings; return the exit status."""
    configure_logging("warning")
    log = structlog.get_logger()
    try:
        settings = MonitoringSettings()
    except ValidationError as error:
        log_wrong_settings(error)
        return 1
    if not settings.monitoring_host:
        log.error("MONITORING_HOST is not set: `make stack` prints the values")
        return 1
    try:
        revision = migrate(psycopg.connect(settings.dsn()))
    except psycopg.Error as error:
        log.error(f"the monitoring database cannot be migrated (MONITORING_*): {str(error).strip()}")
        return 1
    except UnknownSchema as error:
        log.error(str(error))
        return 1
    print(f"monitoring database at {revision}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m api.monitoring.migrate`: bring the monitoring database's schema up to date.

The API does the same when it first reaches the database.
"""

import sys
from pathlib import Path

import psycopg
import structlog
from pydantic import ValidationError

from api import migrations
from api.logs import configure_logging, log_wrong_settings
from api.monitoring.errors import UnknownSchema
from api.monitoring.settings import MonitoringSettings

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: psycopg.Connection) -> str:
    """Bring the schema up to date and close the connection; return the newest revision's name.

    Raises:
        psycopg.Error: the database is away, or the role may not.
        UnknownSchema: the database is at a revision that is not among ours.
    """
    try:
        return migrations.migrate(connection, MIGRATIONS, "monitoring")
    except migrations.UnknownRevision as error:
        raise UnknownSchema(str(error)) from error


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

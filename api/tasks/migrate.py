"""`python -m api.tasks.migrate`: bring the schema of the tasks, in the source database, up to date.

The API does the same when it first reaches the database.
"""

import sys
from pathlib import Path

import psycopg
import structlog
from pydantic import ValidationError

from api import migrations
from api.logs import configure_logging, log_wrong_settings
from api.migrations import UnknownRevision
from api.tasks.settings import TaskSettings

MIGRATIONS = Path(__file__).parent / "migrations"
SCHEMA = "tasks"


def migrate(connection: psycopg.Connection) -> str:
    """Bring the schema up to date and close the connection; return the newest revision's name.

    Raises:
        psycopg.Error: the database is away, the role may not, or there is no schema `tasks`.
        UnknownRevision: the database is at a revision that is not among ours.
    """
    return migrations.migrate(connection, MIGRATIONS, "tasks", SCHEMA)


def main() -> int:
    """Migrate the database of the settings; return the exit status."""
    configure_logging("warning")
    log = structlog.get_logger()
    try:
        settings = TaskSettings()
    except ValidationError as error:
        log_wrong_settings(error)
        return 1
    if not settings.enabled:
        log.error("TASKS_USER is not set: `make stack` prints the values")
        return 1
    try:
        revision = migrate(psycopg.connect(settings.source_dsn()))
    except psycopg.Error as error:
        log.error(f"the tasks' schema cannot be migrated (SOURCE_*, TASKS_*): {str(error).strip()}")
        return 1
    except UnknownRevision as error:
        log.error(str(error))
        return 1
    print(f"tasks at {revision}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

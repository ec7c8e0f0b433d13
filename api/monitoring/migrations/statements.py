from pathlib import Path

from alembic import op

VERSIONS = Path(__file__).parent / "versions"


def execute(revision: str) -> None:
    """Run a revision's SQL, `versions/{revision}.sql`, in the transaction of the migration."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101
    # as bytes and straight to the driver: several statements, and no placeholders to look for
    connection.execute((VERSIONS / f"{revision}.sql").read_bytes())

"""A table an endpoint."""

from api.monitoring.migrations.statements import execute

revision = "0001_answers"
down_revision = None


def upgrade() -> None:
    execute(revision)

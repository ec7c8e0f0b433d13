"""The reference of a model, and how far its answers have moved from it."""

from api.monitoring.migrations.statements import execute

revision = "0002_drift"
down_revision = "0001_answers"


def upgrade() -> None:
    execute(revision)

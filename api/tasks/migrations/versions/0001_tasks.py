"""Accounts, tasks, their rows in chunks, and the outbox by which chunks go to Kafka."""

from pathlib import Path

from api.revisions import execute

revision = "0001_tasks"
down_revision = None


def upgrade() -> None:
    execute(Path(__file__))

"""Callbacks: where a task's end is told, and how far that has come."""

from pathlib import Path

from api.revisions import execute

revision = "0002_callbacks"
down_revision = "0001_tasks"


def upgrade() -> None:
    execute(Path(__file__))

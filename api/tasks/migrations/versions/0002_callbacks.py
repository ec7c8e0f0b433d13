"""Who is told of a task's end, and whether that has been done."""

from pathlib import Path

from api.migrations import execute

revision = "0002_callbacks"
down_revision = "0001_tasks"


def upgrade() -> None:
    execute(Path(__file__))

"""A table an endpoint."""

from pathlib import Path

from api.revisions import execute

revision = "0001_answers"
down_revision = None


def upgrade() -> None:
    execute(Path(__file__))

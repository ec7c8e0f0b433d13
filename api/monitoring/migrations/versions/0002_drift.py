"""The reference of a model, and how far its answers have moved from it."""

from pathlib import Path

from api.revisions import execute

revision = "0002_drift"
down_revision = "0001_answers"


def upgrade() -> None:
    execute(Path(__file__))

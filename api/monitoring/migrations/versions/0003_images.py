"""Answered images, and what people say is in them."""

from pathlib import Path

from api.revisions import execute

revision = "0003_images"
down_revision = "0002_drift"


def upgrade() -> None:
    execute(Path(__file__))

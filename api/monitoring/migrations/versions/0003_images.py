"""Answered images, and what people say is in them."""

from api.monitoring.migrations.statements import execute

revision = "0003_images"
down_revision = "0002_drift"


def upgrade() -> None:
    execute(revision)

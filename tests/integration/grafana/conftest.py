"""The whole stream with rows flowing, as the dashboards look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from stack.services import Services
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers

FLOW_SECONDS = 120.0
# enough for every class to come and for every chart to have several steps
ROWS = 200
IMAGES = 50


def answers_kept(stack: Servers, table: str) -> int:
    """Rows of a table or view of the monitoring database."""
    with psycopg.connect(stack.settings.monitoring_reader_dsn()) as monitoring:
        try:
            (count,) = monitoring.execute(f"select count(*) from {table}".encode()).fetchone() or (0,)
        except psycopg.errors.UndefinedTable:
            return 0
    return int(count)


@pytest.fixture(scope="module")
def live(stack: Servers, services: Services) -> Iterator[Servers]:
    """The stack with rows flowing to predictions and copies, applications and images to their models, until the end."""
    if not services.api.running:
        services.api.restart()
    services.first_row()
    services.register()
    services.watch.start()
    services.subscriber.restart()
    generator = services.generator("--rate", "100")
    generator.start()
    applications = services.applications(20, drift=0.0)
    applications.start()
    images = services.images(10, drift=0.3)
    images.start()
    count = "select (select count(*) from iris_prediction), (select count(*) from iris_data)"

    def flowing() -> bool:
        try:
            with psycopg.connect(stack.settings.reader_dsn()) as target:
                counts = target.execute(count).fetchone()
        except psycopg.errors.UndefinedTable:
            return False
        return counts is not None and min(counts) >= ROWS

    try:
        wait_until("rows are predicted and copied", flowing, FLOW_SECONDS)
        wait_until("answers are kept", lambda: answers_kept(stack, "answers") > ROWS, FLOW_SECONDS)
        wait_until("images are labelled", lambda: answers_kept(stack, "labelled_images") > IMAGES, FLOW_SECONDS)
        yield stack
    finally:
        images.stop()
        applications.stop()
        generator.stop()
        services.subscriber.stop()
        services.watch.stop()

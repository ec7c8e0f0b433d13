"""examples/orders as its README tells it: columns of every kind, a model server of one's own, deletes followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from examples.orders.orders import CHANNELS
from stack.settings import ROOT
from tests.examples import Example
from tests.ports import free_port
from tests.stream import SubscriberProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers

EXAMPLE = ROOT / "examples" / "orders"
ROWS = 300


@pytest.fixture
def example(services: Services, stack: Servers) -> Iterator[Example]:
    port = free_port()
    own = {"ORDERS_PORT": str(port), "ORDERS_URL": f"http://127.0.0.1:{port}"}
    example = Example(
        *(services.environment | own, stack.folder, "orders-model"),
        model_server="examples.orders.server",
        ready_url=f"{own['ORDERS_URL']}/v2/models/orders",
    )
    example.model_server.restart()
    yield example
    example.model_server.stop()


def test_each_order_gets_one_prediction_and_loses_it_with_its_end(
    example: Example, services: Services, settings: Settings, stack: Servers, target: psycopg.Connection
) -> None:
    # given orders that are older than the stream
    services.first_row()
    services.register()
    example.run("examples.orders.generate", "--rows", "100")
    said = example.run("connectors", "add", "--table", "public.shop_order")
    assert "postgres-source-shop_order" in said
    example.run("subscriber", "check", str(EXAMPLE / "orders.toml"), "--create")
    subscriber = SubscriberProcess(EXAMPLE / "orders.toml", example.environment, stack.folder, 0)
    try:
        # when more come
        example.run("examples.orders.generate", "--rows", str(ROWS - 100))

        # then each has one prediction, with the probability of either class
        query = "select order_id, ordered_at, returned, probabilities from order_prediction order by order_id"

        def predicted() -> list[tuple[Any, ...]]:
            try:
                return target.execute(query).fetchall()
            except psycopg.errors.UndefinedTable:
                return []

        wait_until("a prediction for each order", lambda: len(predicted()) >= ROWS, 60)
        with psycopg.connect(settings.source_dsn(), autocommit=True) as source:
            orders = source.execute("select id, ordered_at from shop_order order by id").fetchall()
            assert [row[:2] for row in predicted()] == orders
            assert all(
                returned == (coming_back > 0.5) and kept + coming_back == pytest.approx(1, abs=1e-3)
                for _, _, returned, (kept, coming_back) in predicted()
            )
            known = source.execute("select count(*) from shop_order where channel is null").fetchone()
            assert known is not None
            assert known[0] > ROWS / len(CHANNELS) / 3
            # the model learnt something of it
            truth: dict[int, bool] = dict(source.execute("select id, returned from shop_order").fetchall())
            right = sum(truth[row[0]] == row[2] for row in predicted())
            assert right > 0.6 * ROWS

            # and none once it is deleted
            source.execute("delete from shop_order where id <= %s", [orders[49][0]])
            wait_until("their predictions are gone", lambda: len(predicted()) == ROWS - 50)
        assert subscriber.stop() == 0
    finally:
        subscriber.end()
    assert target.execute("select count(*) from dead_letter where pipeline = 'orders'").fetchone() == (0,)

"""From an insert in the source to a prediction in the target, through every server, and through the loss of each."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import kafka
import psycopg
import psycopg2
import pytest
import requests

from stack import ledger
from stack.services import Services
from tests.stream import FIELDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.process import Server
    from stack.settings import Settings
    from tests.servers import Servers

TOPIC = "postgres-source-iris_data"
SETTLE_SECONDS = 90.0


class Stream:
    """The whole stream running; rows are written by the data generator or by hand."""

    def __init__(self, stack: Servers, services: Services) -> None:
        self.stack = stack
        self.services = services
        self.settings = stack.settings

    def generate(self, *options: str) -> Server:
        generator = self.services.generator(*options)
        generator.start()
        return generator

    def source(self) -> psycopg.Connection:
        return psycopg.connect(self.settings.source_dsn(), autocommit=True)

    def target(self) -> psycopg.Connection:
        return psycopg.connect(self.settings.reader_dsn(), autocommit=True)

    def count(self) -> int:
        with self.target() as target:
            (count,) = target.execute("select count(*) from iris_prediction").fetchone() or (0,)
            return int(count)

    def forget(self, predictions: dict[int, int]) -> None:
        """Remove rows with so many predictions each from both sides: the ledger knows of no updates and deletes."""
        ids = list(predictions)
        with psycopg.connect(self.settings.target_dsn(), autocommit=True) as target:
            count = "select count(*) from iris_prediction where source_id = any(%s)"
            expected = (sum(predictions.values()),)
            wait_until("their predictions", lambda: target.execute(count, [ids]).fetchone() == expected)
            target.execute("delete from iris_prediction where source_id = any(%s)", [ids])
        with self.source() as source:
            source.execute("delete from iris_data where id = any(%s)", [ids])

    def assert_copied(self) -> None:
        """The sink's copy becomes equal to the source."""
        query = "select * from iris_data order by id"
        with self.source() as source, self.target() as target:
            rows = source.execute(query).fetchall()
            wait_until("the copy", lambda: target.execute(query).fetchall() == rows, SETTLE_SECONDS)

    def assert_settles(self) -> ledger.Ledger:
        """Every source row gets exactly one prediction."""

        def balanced() -> ledger.Ledger | None:
            source = self.settings.source_dsn()
            found = ledger.read(source, self.settings.reader_dsn(), ledger.newest_row(source))
            assert found.duplicated == 0
            return found if found.lost == 0 else None

        found: ledger.Ledger = wait_until("a prediction for every row", balanced, SETTLE_SECONDS)
        assert found.dead == 0
        return found


@pytest.fixture(scope="module")
def stream(stack: Servers, services: Services) -> Iterator[Stream]:
    if not services.api.running:
        services.api.restart()
    services.first_row()
    services.register()
    services.watch.start()
    services.subscriber.restart()
    yield Stream(stack, services)
    services.subscriber.stop()
    services.watch.stop()


@pytest.fixture
def messages(settings: Settings) -> Iterator[Iterator[Any]]:
    """What an independent client reads of the topic, from now on."""
    consumer = kafka.KafkaConsumer(
        TOPIC,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="latest",
        consumer_timeout_ms=30_000,
    )
    wait_until("assignment", lambda: consumer.poll(50) is not None and consumer.assignment())
    for partition in consumer.assignment():
        consumer.position(partition)
    yield iter(consumer)
    consumer.close()


def insert(connection: psycopg.Connection, features: tuple[float, float, float, float], target: int) -> int:
    query = f"insert into iris_data ({', '.join(FIELDS)}, target) values (%s, %s, %s, %s, %s) returning id"
    (row_id,) = connection.execute(query, [*features, target]).fetchone() or (0,)
    return int(row_id)


def test_generated_rows_are_predicted_and_copied(stream: Stream) -> None:
    generator = stream.generate("--rows", "500", "--rate", "0", "--seed", "1")
    assert generator.process is not None
    assert generator.process.wait(60) == 0
    found = stream.assert_settles()
    assert found.rows >= 500
    assert found.accuracy > 0.9
    stream.assert_copied()
    with stream.target() as target:
        (version,) = target.execute("select distinct model_version from iris_prediction").fetchone() or ("",)
    served = requests.get(f"{stream.settings.api_url}/v2/models/iris", timeout=5).json()["versions"]
    assert version in served


def test_the_topic_carries_what_the_contract_says(stream: Stream, messages: Iterator[Any]) -> None:
    with stream.source() as source:
        row_id = insert(source, (5.1, 3.5, 1.4, 0.2), 0)
        source.execute("update iris_data set target = 1 where id = %s", [row_id])
        source.execute("delete from iris_data where id = %s", [row_id])
    created, updated, deleted = (next(messages) for _ in range(3))
    for message in (created, updated, deleted):
        key = json.loads(message.key)
        assert set(key) == {"schema", "payload"}
        assert key["payload"] == {"id": row_id}
    value = json.loads(created.value)
    assert set(value) == {"schema", "payload"}
    timestamp = value["payload"].pop("timestamp")
    assert timestamp.endswith("Z")
    assert value["payload"] == dict(zip(FIELDS, (5.1, 3.5, 1.4, 0.2), strict=True)) | {"id": row_id, "target": 0}
    headers = dict(created.headers)
    assert headers["__op"] == b"c"
    assert abs(int(headers["__source_ts_ms"]) - created.timestamp) < 60_000
    assert dict(updated.headers)["__op"] == b"u"
    assert json.loads(updated.value)["payload"]["target"] == 1
    assert deleted.value is None
    stream.forget({row_id: 2})


def test_a_plain_loop_works_unchanged(stream: Stream, messages: Iterator[Any]) -> None:
    s = stream.settings
    with stream.source() as source:
        for _ in range(3):
            insert(source, (6.5, 3.0, 5.8, 2.2), 2)
    connection = psycopg2.connect(
        host=s.target_host,
        port=s.target_port,
        dbname=s.target_database,
        user=s.target_user,
        password=s.target_password.get_secret_value(),
    )
    with connection.cursor() as cursor:
        for _ in range(3):
            payload = json.loads(next(messages).value)["payload"]
            payload.pop("id")
            payload.pop("target")
            answer = requests.post(f"{s.api_url}/predict", json=payload, timeout=5)
            cursor.execute(
                "insert into iris_prediction (timestamp, iris_class) values (%s, %s)",
                (payload["timestamp"], answer.json()["iris_class"]),
            )
            connection.commit()
        cursor.execute("select iris_class, count(*) from iris_prediction where source_id is null group by 1")
        assert cursor.fetchall() == [(2, 3)]
    connection.close()
    stream.assert_settles()


def test_updates_and_deletes_reach_the_copy_and_an_update_is_predicted_anew(stream: Stream) -> None:
    with stream.source() as source, stream.target() as target:

        def copied(row_id: int) -> Any:
            return target.execute("select target from iris_data where id = %s", [row_id]).fetchone()

        changed, removed = insert(source, (5.1, 3.5, 1.4, 0.2), 0), insert(source, (5.1, 3.5, 1.4, 0.2), 0)
        wait_until("both copied", lambda: copied(changed) and copied(removed))
        source.execute(
            "update iris_data set petal_length = 5.8, petal_width = 2.2, sepal_length = 6.5, target = 2 where id = %s",
            [changed],
        )
        source.execute("delete from iris_data where id = %s", [removed])
        wait_until("the update", lambda: copied(changed) == (2,))
        wait_until("the delete", lambda: copied(removed) is None)
        query = "select iris_class from iris_prediction where source_id = %s order by id"
        wait_until("a second prediction", lambda: target.execute(query, [changed]).fetchall() == [(0,), (2,)])
        newest = "select iris_class from iris_prediction_latest where source_id = %s"
        assert target.execute(newest, [changed]).fetchall() == [(2,)]
    stream.forget({changed: 2, removed: 1})


@pytest.mark.parametrize("victim", ["connect", "source", "target", "broker"])
def test_a_server_is_killed_in_mid_stream(stream: Stream, victim: str) -> None:
    server: Server = getattr(stream.stack, victim)
    before = stream.count()
    generator = stream.generate("--rate", "200")
    wait_until("the flow", lambda: stream.count() > before + 100)
    server.kill()
    server.restart()
    after = stream.count()
    wait_until("the flow again", lambda: stream.count() > after + 100, SETTLE_SECONDS)
    assert generator.stop() == 0
    stream.assert_settles()
    stream.assert_copied()


def test_subscriber_and_api_are_killed_together_in_mid_stream(stream: Stream) -> None:
    before = stream.count()
    generator = stream.generate("--rate", "200")
    wait_until("the flow", lambda: stream.count() > before + 100)
    stream.services.subscriber.kill()
    stream.services.api.kill()
    stream.services.api.restart()
    stream.services.subscriber.start()
    after = stream.count()
    wait_until("the flow again", lambda: stream.count() > after + 100, SETTLE_SECONDS)
    assert generator.stop() == 0
    stream.assert_settles()


def test_the_data_generator_stops_in_order(stream: Stream) -> None:
    generator = stream.generate("--rate", "50")
    before = stream.count()
    wait_until("the flow", lambda: stream.count() > before)
    generator.send(signal.SIGINT)
    assert generator.process is not None
    assert generator.process.wait(15) == 0
    stream.assert_settles()

"""Rows of the tasks' outbox become messages of their model's topic, each once, as they are."""

from __future__ import annotations

import json
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.commands import Finished, finished
from tests.runs import as_processes
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers

pytestmark = as_processes
KEY = "0123456789abcdef0123456789abcdef"
HEARTBEATS = "__debezium-heartbeat.postgres-outbox"


@pytest.fixture
def outbox(services: Services, settings: Settings, connectors: Callable[..., Finished]) -> Iterator[psycopg.Connection]:
    """The source database as the role of the tasks, with their schema; the outbox is as the test leaves it."""
    environment = services.environment | {"TOKEN_SIGNING_KEY": KEY}
    done = finished("api.tasks.migrate", environment=environment)
    assert done.returncode == 0, done.stderr
    services.run("iris-data", "data_generator", "--rows", "0")
    dsn = psycopg.conninfo.make_conninfo(
        settings.source_dsn(), user=settings.tasks_user, password=settings.tasks_password.get_secret_value()
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
        connection.execute("delete from tasks.outbox")
    done = connectors("remove", "--drop-slot")
    assert done.returncode == 0, done.stderr


class Messages:
    """What the topics of models hold that was committed."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka_bootstrap_servers,
                "group.id": "messages of tasks",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )

    def topics(self) -> set[str]:
        return set(self._consumer.list_topics(timeout=10).topics)

    def read(self, topic: str) -> list[tuple[str, str, dict[str, bytes]]]:
        """Key, value and headers of each message that there is now; none while there is no topic."""
        if topic not in self.topics():
            return []
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        open_, found = set(partitions), []
        while open_:
            message = self._consumer.poll(10)
            assert message is not None, f"{topic}: no end of partitions {open_} within 10 s"
            if message.error() is not None:
                open_.discard(message.partition())
            else:
                key, value = (message.key() or b"").decode(), (message.value() or b"").decode()
                found.append((key, value, dict(message.headers() or [])))
        return found

    def keys(self, topic: str) -> list[str]:
        return sorted(key for key, _, _ in self.read(topic))

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def messages(settings: Settings) -> Iterator[Messages]:
    with closing(Messages(settings)) as found:
        yield found


def insert(connection: psycopg.Connection, model: str, key: str, payload: str) -> uuid.UUID:
    """Write a row to the outbox, and return its id."""
    row = connection.execute(
        "insert into tasks.outbox (aggregatetype, aggregateid, payload) values (%s, %s, %s) returning id",
        [model, key, payload],
    ).fetchone()
    assert row is not None
    return uuid.UUID(str(row[0]))


def starts(stack: Servers, prefix: str) -> int:
    """How often the task of a source with this prefix was started."""
    log = (stack.folder / "log" / "connect.log").read_text(errors="replace")
    return log.count("Starting PostgresConnectorTask with configuration:")


def test_rows_become_messages_as_they_are(
    outbox: psycopg.Connection, settings: Settings, messages: Messages, name: str, connectors: Callable[..., Finished]
) -> None:
    # given a row that is there before the connector is
    task = uuid.uuid4()
    rows = [{"__task": str(task), "__row": 1, "age_in_years": 35, "job": 'say "ü\n…"', "wrong": None}]
    before = insert(outbox, name, f"{task}/0", json.dumps(rows))

    # when it is registered, and another row written, and one of the largest
    done = connectors("register", "--tasks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tasks.outbox is in publication stream_serving_tasks, and debezium may read it" in done.stdout
    assert "its topic is tasks-{model}" in done.stdout
    after = insert(outbox, name, f"{task}/1", "[]")
    large = json.dumps(["x" * (900 * 1024)])
    last = insert(outbox, name, f"{task}/2", large)

    # then each is in the topic of its model, as it was written
    topic = f"tasks-{name}"
    wait_until("three messages", lambda: len(messages.read(topic)) == 3)
    found = {key: (value, headers) for key, value, headers in messages.read(topic)}
    assert found == {
        f"{task}/0": (json.dumps(rows), {"id": str(before).encode()}),
        f"{task}/1": ("[]", {"id": str(after).encode()}),
        f"{task}/2": (large, {"id": str(last).encode()}),
    }

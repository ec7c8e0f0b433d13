"""Rows of the tasks' outbox become messages of their model's topic, each once, as they are."""

from __future__ import annotations

import json
import secrets
import threading
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.commands import Finished, finished
from tests.runs import as_processes
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.process import Server
    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers

pytestmark = as_processes
HEARTBEATS = "__debezium-heartbeat.postgres-outbox"


@pytest.fixture
def outbox(services: Services, settings: Settings, connectors: Callable[..., Finished]) -> Iterator[psycopg.Connection]:
    """The source database as the role of the tasks, with their schema; the outbox is as the test leaves it."""
    done = finished("api.tasks.migrate", environment=services.environment)
    assert done.returncode == 0, done.stderr
    services.run("iris-data", "data_generator", "--rows", "0")
    dsn = psycopg.conninfo.make_conninfo(
        settings.source_dsn(), user=settings.tasks_user, password=settings.tasks_password.get_secret_value()
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
        connection.execute("delete from tasks.outbox")
    done = connectors("remove", "--tasks", "--drop-slot")
    assert done.returncode == 0, done.stderr
    assert "postgres-source" not in done.stdout


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

    def read(self, topic: str) -> list[tuple[str, str, dict[str, str | bytes | None]]]:
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


def test_removed_rows_and_heartbeats_make_no_message(
    outbox: psycopg.Connection, settings: Settings, messages: Messages, name: str, connectors: Callable[..., Finished]
) -> None:
    # given a row that was removed after it was sent
    assert connectors("register", "--tasks").returncode == 0
    insert(outbox, name, f"{name}/0", "[]")
    topic = f"tasks-{name}"
    wait_until("the message", lambda: messages.keys(topic) == [f"{name}/0"])
    outbox.execute("delete from tasks.outbox")

    # when a heartbeat has been told, and another row written
    count = len(messages.read(HEARTBEATS))
    wait_until("a heartbeat", lambda: len(messages.read(HEARTBEATS)) > count, 30)
    insert(outbox, name, f"{name}/1", "[]")

    # then there is nothing but the rows, in their topic alone
    wait_until("the next message", lambda: len(messages.read(topic)) > 1)
    assert messages.keys(topic) == [f"{name}/0", f"{name}/1"]
    ours = {topic for topic in messages.topics() if "postgres-outbox" in topic}
    assert ours == {HEARTBEATS}
    # and the topic is as large messages need it
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    (described,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    configuration = described.result(10)
    assert configuration["max.message.bytes"].value == str(2 * 1024 * 1024)
    assert configuration["retention.ms"].value == str(24 * 60 * 60 * 1000)
    assert len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 4


def test_kafka_connect_dies_under_load_and_each_row_comes_once(
    stack: Servers, outbox: psycopg.Connection, messages: Messages, name: str, connectors: Callable[..., Finished]
) -> None:
    # given rows that come and go without a pause
    assert connectors("register", "--tasks").returncode == 0
    topic, stop, written = f"tasks-{name}", threading.Event(), list[str]()

    def write() -> None:
        while not stop.wait(0.002):
            key = f"{name}/{len(written)}"
            insert(outbox, name, key, json.dumps([{"__row": len(written), "text": "x" * 20_000}]))
            outbox.execute("delete from tasks.outbox where aggregateid = %s", [key])
            written.append(key)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        # when the worker is killed, twice, and comes back
        for _ in range(2):
            sent = len(messages.keys(topic))
            wait_until("messages", lambda sent=sent: len(messages.keys(topic)) > sent + 50)  # type: ignore[misc]
            stack.connect.kill()
            stack.connect.restart()
        sent = len(messages.keys(topic))
        wait_until("messages again", lambda: len(messages.keys(topic)) > sent + 50, 60)
    finally:
        stop.set()
        writer.join()

    # then every row is there once, although none is in the table any more
    wait_until("the last message", lambda: len(messages.keys(topic)) >= len(written), 60)
    assert messages.keys(topic) == sorted(written)


def test_a_start_after_heartbeats_alone_finds_its_place(
    stack: Servers, outbox: psycopg.Connection, messages: Messages, name: str, connectors: Callable[..., Finished]
) -> None:
    # given an outbox that rests while the log moves on, which is then forgotten as far as it was read
    assert connectors("register", "--tasks").returncode == 0
    insert(outbox, name, f"{name}/0", "[]")
    topic = f"tasks-{name}"
    wait_until("the message", lambda: messages.keys(topic) == [f"{name}/0"])
    place = "select restart_lsn from pg_replication_slots where slot_name = 'stream_serving_tasks'"
    with psycopg.connect(stack.source.superuser_dsn(stack.settings.source_database), autocommit=True) as superuser:
        first = superuser.execute(place).fetchone()

        def moved() -> bool:
            superuser.execute("checkpoint")
            return superuser.execute(place).fetchone() != first

        wait_until("the slot's place in the log moves on", moved, 60)

    # when the worker dies and comes back
    stack.connect.kill()
    stack.connect.restart()

    # then the outbox goes on, and its row is not sent again
    insert(outbox, name, f"{name}/1", "[]")
    wait_until("the next message", lambda: len(messages.read(topic)) > 1, 60)
    assert messages.keys(topic) == [f"{name}/0", f"{name}/1"]


def test_a_lost_slot_is_made_anew_with_the_rows_that_wait(
    stack: Servers, outbox: psycopg.Connection, messages: Messages, name: str, connectors: Callable[..., Finished]
) -> None:
    # given a row that is on its way, and one that was written while Kafka Connect was away and its slot was lost
    assert connectors("register", "--tasks").returncode == 0
    insert(outbox, name, f"{name}/0", "[]")
    topic = f"tasks-{name}"
    wait_until("the message", lambda: messages.keys(topic) == [f"{name}/0"])
    stack.connect.stop()
    with psycopg.connect(stack.source.superuser_dsn(stack.settings.source_database), autocommit=True) as superuser:
        wait_until("the slot is free", lambda: free(superuser))
        superuser.execute("select pg_drop_replication_slot('stream_serving_tasks')")
    insert(outbox, name, f"{name}/1", "[]")

    # when it is back
    stack.connect.restart()

    # then both are there: one comes again, none is lost
    wait_until("the lost message", lambda: f"{name}/1" in messages.keys(topic), 60)
    assert set(messages.keys(topic)) == {f"{name}/0", f"{name}/1"}


def test_the_stream_and_the_outbox_do_not_see_one_another(
    stack: Servers,
    outbox: psycopg.Connection,
    source: psycopg.Connection,
    messages: Messages,
    name: str,
    connectors: Callable[..., Finished],
) -> None:
    # given the stream alone
    assert connectors("register").returncode == 0
    assert "postgres-outbox" not in connectors("status").stdout
    starts = task_starts(stack)

    # when the outbox is registered beside it, and both are written to
    done = connectors("register", "--tasks")
    assert done.returncode == 0, done.stdout
    assert "postgres-source: registered already, nothing changed" in done.stdout
    (row,) = source.execute("insert into iris_data (timestamp) values (now()) returning id").fetchone() or (0,)
    insert(outbox, name, f"{name}/0", "[]")
    topic = "postgres-source-iris_data"
    wait_until("the row", lambda: row in [json.loads(key)["payload"]["id"] for key in messages.keys(topic)], 60)
    wait_until("the message", lambda: messages.keys(f"tasks-{name}") == [f"{name}/0"])

    # then the stream was not disturbed, and each has its own rows
    assert task_starts(stack) == starts + 1
    assert not [topic for topic in messages.topics() if "tasks-outbox" in topic or "postgres-outbox.public" in topic]
    # and Debezium may read no other table of the tasks
    readable = source.execute(
        "select relname from pg_class where relnamespace = 'tasks'::regnamespace and relkind = 'r'"
        " and has_table_privilege('debezium', oid, 'select')"
    ).fetchall()
    assert readable == [("outbox",)]
    # and the outbox is not to be added to the stream
    done = connectors("add", "--table", "tasks.outbox")
    assert done.returncode == 2
    assert "is the outbox of the tasks: `python -m connectors register --tasks` is for it" in done.stderr

    # when they are looked at, then both are told
    done = connectors("status")
    assert done.returncode == 0, done.stdout
    assert "postgres-outbox: connector RUNNING, task 0 RUNNING" in done.stdout
    assert "tasks.outbox: published, topic tasks-{model}" in done.stdout
    assert "public.iris_data: published, topic postgres-source-iris_data" in done.stdout

    # when all are removed, the slots stay, and registering again goes on where it ended
    done = connectors("remove")
    assert done.returncode == 0, done.stderr
    assert "postgres-outbox: deleted" in done.stdout
    assert "replication slot stream_serving_tasks stays" in done.stdout
    insert(outbox, name, f"{name}/1", "[]")
    assert connectors("register", "--tasks").returncode == 0
    wait_until("the next message", lambda: len(messages.keys(f"tasks-{name}")) > 1)
    assert messages.keys(f"tasks-{name}") == [f"{name}/0", f"{name}/1"]

    # when the slots are dropped too, nothing of it is left
    done = connectors("remove", "--drop-slot")
    assert done.returncode == 0, done.stderr
    assert "dropped replication slot stream_serving_tasks" in done.stdout
    slots = source.execute("select from pg_replication_slots where slot_name like 'stream_serving%'").fetchall()
    assert slots == []


def test_the_watch_restarts_the_outbox(
    services: Services, settings: Settings, outbox: psycopg.Connection, messages: Messages, name: str
) -> None:
    # given a watch over all connectors
    topic = f"tasks-{name}"
    watch = services.process("watch-outbox", "connectors", "watch", "--tasks")
    watch.start()
    try:
        wait_until("the watch", lambda: "watching postgres-source, postgres-sink, postgres-outbox" in said(watch), 60)
        insert(outbox, name, f"{name}/0", "[]")
        wait_until("the message", lambda: messages.keys(topic) == [f"{name}/0"])

        # when the outbox's task fails, as Kafka takes no such message
        limit_message(settings, topic, 1000)
        insert(outbox, name, f"{name}/1", secrets.token_hex(50_000))
        wait_until("a restart", lambda: "postgres-outbox: FAILED, restarting it" in said(watch), 60)

        # then it is restarted until it runs, and nothing was lost or comes twice
        limit_message(settings, topic, 2 * 1024 * 1024)
        wait_until("the next message", lambda: len(messages.read(topic)) > 1, 60)
        assert messages.keys(topic) == [f"{name}/0", f"{name}/1"]
        wait_until("running", lambda: "postgres-outbox: RUNNING again" in said(watch), 60)
    finally:
        watch.stop()


def test_without_the_table_it_is_told_who_makes_it(
    stack: Servers, source: psycopg.Connection, services: Services, connectors: Callable[..., Finished]
) -> None:
    services.run("iris-data", "data_generator", "--rows", "0")
    with psycopg.connect(stack.source.superuser_dsn(stack.settings.source_database), autocommit=True) as superuser:
        if superuser.execute("select to_regclass('tasks.outbox')").fetchone() != (None,):
            superuser.execute("alter table tasks.outbox rename to elsewhere")
        try:
            done = connectors("register", "--tasks", "--timeout", "10")
        finally:
            superuser.execute("alter table if exists tasks.elsewhere rename to outbox")
    assert done.returncode == 1
    assert "table tasks.outbox is not in the source database after 10 s: the model API" in done.stderr
    # the stream is there all the same
    assert "postgres-source: connector RUNNING" in done.stdout


def limit_message(settings: Settings, topic: str, size: int) -> None:
    """Have the topic take no larger message."""
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(10)


def free(superuser: psycopg.Connection) -> bool:
    """Whether nobody streams from the slot."""
    query = "select from pg_replication_slots where slot_name = 'stream_serving_tasks' and not active"
    return superuser.execute(query).fetchone() is not None


def said(server: Server) -> str:
    return server.log.read_text(errors="replace")


def task_starts(stack: Servers) -> int:
    """How often a task of a source has been started."""
    log = (stack.folder / "log" / "connect.log").read_text(errors="replace")
    return log.count("Starting PostgresConnectorTask")

"""A test's own stream: a topic filled like the connector fills it, a pipeline file, a subscriber process."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import psycopg
import requests
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic
from prometheus_client.parser import text_string_to_metric_families

from stack.process import Server
from stack.settings import ROOT
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

POLL_SECONDS = 0.05
FIELDS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SCHEMA: dict[str, Any] = {
    "type": "struct",
    "fields": [
        {"type": "int64", "optional": False, "default": 0, "field": "id"},
        {"type": "string", "optional": False, "name": "io.debezium.time.ZonedTimestamp", "field": "timestamp"},
        *({"type": "double", "optional": True, "field": field} for field in FIELDS),
        {"type": "int32", "optional": True, "field": "target"},
    ],
    "optional": False,
    "name": "postgres-source.public.iris_data.Value",
}
# one flower of each species, as (features, class)
FLOWERS = (((5.1, 3.5, 1.4, 0.2), 0), ((5.9, 2.8, 4.2, 1.3), 1), ((6.5, 3.0, 5.8, 2.2), 2))


def wait_until(what: str, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `condition` returns once that is true; fails naming `what` after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(POLL_SECONDS)


def flower(row_id: int, **changes: object) -> dict[str, object]:
    """A row of iris_data as the payload of a message; its class is `row_id % 3`."""
    features, target = FLOWERS[row_id % 3]
    row: dict[str, object] = {"id": row_id, "timestamp": "2026-01-01T00:00:00.000001Z"}
    return row | dict(zip(FIELDS, features, strict=True)) | {"target": target} | changes


class Topic:
    """A topic with messages as the connector writes them."""

    def __init__(self, broker: str, name: str, partitions: int = 4) -> None:
        self.name = name
        self.partitions = partitions
        self._configuration: dict[str, Any] = {"bootstrap.servers": broker}
        self._producer = self._new_producer()
        self._admin = AdminClient(self._configuration)
        self._admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)

    def _new_producer(self) -> Producer:
        # a row that is sent again after a lost answer is there once, and in its place
        return Producer({**self._configuration, "linger.ms": 5, "enable.idempotence": True})

    def add_partition(self) -> None:
        """Add a partition, its number one above the last."""
        self.partitions += 1
        self._admin.create_partitions([NewPartitions(self.name, self.partitions)])[self.name].result(30)
        # the old one would not hear of it for minutes
        self._producer = self._new_producer()

    def write(
        self,
        payloads: Iterable[Mapping[str, object]],
        partition: int | None = None,
        schema: Mapping[str, object] = SCHEMA,
    ) -> None:
        """Write payloads, spread over the partitions by their id or all to one."""
        for payload in payloads:
            number = int(str(payload["id"])) % self.partitions if partition is None else partition
            value = json.dumps({"schema": schema, "payload": payload}).encode()
            self._produce(value, json.dumps({"payload": {"id": payload["id"]}}).encode(), number)
        self._producer.flush()

    def write_transaction(
        self, payloads: Iterable[Mapping[str, object]], partition: int, *, abort: bool = False
    ) -> None:
        """Write payloads in one transaction, whose marker takes an offset after them."""
        settings: Any = {**self._configuration, "transactional.id": f"{self.name}-{partition}"}
        writer, self._producer = self._producer, Producer(settings)
        try:
            self._producer.init_transactions(30)
            self._producer.begin_transaction()
            self.write(payloads, partition)
            if abort:
                self._producer.abort_transaction(30)
            else:
                self._producer.commit_transaction(30)
        finally:
            self._producer = writer

    def write_raw(self, value: bytes | None, key: bytes | None = b"key", partition: int = 0) -> None:
        """Write one message as it is; None is a tombstone."""
        self._produce(value, key, partition)
        self._producer.flush()

    def _produce(self, value: bytes | None, key: bytes | None, partition: int) -> None:
        headers: Any = [("__op", b"c"), ("__source_ts_ms", str(int(time.time() * 1000)).encode())]
        while True:
            try:
                self._producer.produce(self.name, value, key, partition, headers=headers)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return


class PipelineFile:
    """The iris pipeline with a name, topic, group and table of the test's own."""

    def __init__(self, folder: Path, name: str, api: str) -> None:
        self.name = name
        self.table = f"{name}_prediction"
        self.path = folder / "pipeline.toml"
        shipped = ROOT / "subscriber" / "pipelines"
        create = (shipped / "iris.sql").read_text().replace("iris_prediction", self.table)
        (folder / "iris.sql").write_text(create)
        text = (shipped / "iris.toml").read_text()
        for old, new in (
            ('name = "iris"', f'name = "{name}"'),
            ('"postgres-source-iris_data"', f'"{name}"'),
            ('"iris-data-consumer-group"', f'"{name}"'),
            ('"iris_prediction"', f'"{self.table}"'),
            ("${API_URL}", api),
        ):
            assert old in text
            text = text.replace(old, new)
        self.text = text
        self.write()

    def write(self) -> None:
        self.path.write_text(self.text)

    def replace(self, old: str, new: str) -> None:
        assert old in self.text
        self.text = self.text.replace(old, new)
        self.write()

    def use(self, api: str) -> None:
        """Send the requests to another server."""
        start = self.text.index('url = "') + len('url = "')
        end = self.text.index("/v2/models", start)
        self.text = self.text[:start] + api + self.text[end:]
        self.write()

    # ---- what became of the rows

    def predictions(self, target: psycopg.Connection) -> list[tuple[int, int]]:
        """Source id and class of every prediction, by source id."""
        return target.execute(f"select source_id, iris_class from {self.table} order by source_id, id").fetchall()

    def count(self, target: psycopg.Connection) -> int:
        """How many predictions there are; 0 while the table is not there."""
        try:
            row = target.execute(f"select count(*) from {self.table}").fetchone()
        except psycopg.errors.UndefinedTable:
            return 0
        assert row is not None
        return int(row[0])

    def dead(self, target: psycopg.Connection) -> list[tuple[str, str, int, int, bytes | None]]:
        """Cause, detail, partition, offset and value of every dead letter, by partition and offset."""
        try:
            return target.execute(
                'select cause, detail, partition, "offset", value from dead_letter where pipeline = %s'
                ' order by partition, "offset"',
                [self.name],
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            return []

    def offsets(self, target: psycopg.Connection) -> dict[int, int]:
        """Stored next offset of each partition."""
        try:
            query = "select partition, next_offset from stream_offset where pipeline = %s"
            return dict(target.execute(query, [self.name]).fetchall())
        except psycopg.errors.UndefinedTable:
            return {}

    def wait_for(self, target: psycopg.Connection, rows: int, seconds: float = 30.0) -> None:
        """Wait until so many rows are predicted."""
        wait_until(f"{rows} predictions in {self.table}", lambda: self.count(target) >= rows, seconds)

    def assert_exactly_once(self, target: psycopg.Connection, ids: Iterable[int]) -> None:
        """Every id has one prediction, the right one, and there is nothing else."""
        assert self.predictions(target) == [(i, i % 3) for i in sorted(ids)]


class ChunksFile(PipelineFile):
    """The pipeline of tasks for the iris model with a name, topic, group and tables of the test's own."""

    def __init__(self, folder: Path, name: str, api: str) -> None:
        self.name = name
        self.table = f"tasks.{name}"
        self.receipts_table = f"{self.table}_receipt"
        self.path = folder / "pipeline.toml"
        shipped = ROOT / "subscriber" / "pipelines"
        create = (shipped / "tasks-iris.sql").read_text()
        create = create.replace("tasks.iris", self.table).replace("tasks.receipt", self.receipts_table)
        (folder / "tasks-iris.sql").write_text(create)
        text = (shipped / "tasks-iris.toml").read_text().replace("${API_URL}", api)
        for old, new in (
            ('"tasks-iris"', f'"{name}"'),
            ('"tasks-iris-consumer-group"', f'"{name}"'),
            ('table = "iris"', f'table = "{name}"'),
            ('receipts = "receipt"', f'receipts = "{name}_receipt"'),
        ):
            assert old in text
            text = text.replace(old, new)
        self.text = text
        self.write()

    def stored(self, target: psycopg.Connection, task: str) -> list[tuple[int, int | None, str | None]]:
        """Number, class and error of every row of a task, by number; none while the table is not there."""
        try:
            return target.execute(
                f"select row_number, iris_class, error from {self.table} where task = %s order by row_number", [task]
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            return []

    def receipts(self, target: psycopg.Connection) -> dict[str, tuple[int, int]]:
        """How many rows each message has, and how many of them failed, by its key."""
        try:
            found = target.execute(f"select key, rows, failed from {self.receipts_table}").fetchall()
        except psycopg.errors.UndefinedTable:
            return {}
        return {key: (rows, failed) for key, rows, failed in found}

    def wait_for_receipts(self, target: psycopg.Connection, keys: Iterable[str], seconds: float = 30.0) -> None:
        """Wait until these messages are stored."""
        wanted = set(keys)
        wait_until(f"receipts in {self.receipts_table}", lambda: wanted <= self.receipts(target).keys(), seconds)


class SubscriberProcess(Server):
    """`python -m subscriber run` of pipeline files, with its console on a free port."""

    def __init__(
        self, pipeline: Path, environment: Mapping[str, str], folder: Path, number: int, others: Iterable[Path] = ()
    ) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        super().__init__(
            name=f"subscriber-{pipeline.parent.name}-{number}",
            command=[sys.executable, "-m", "subscriber", "run", pipeline, *others],
            folder=folder,
            ready=lambda: requests.get(f"{self.address}/health/live", timeout=2).ok,
            environment={
                "SESSION_TIMEOUT_SECONDS": "6",
                **environment,
                "SUBSCRIBER_PORT": str(port),
            },
            cwd=ROOT,
            stop_seconds=12.0,
        )
        self.start()

    def wait(self, seconds: float = 20.0) -> int:
        """Its exit status, once it has ended by itself."""
        assert self.process is not None
        return self.process.wait(seconds)

    def end(self) -> None:
        """End it however it is, at the end of a test."""
        if self.running:
            self.kill()

    def health(self, name: str | None = None) -> dict[str, Any]:
        """The state of a pipeline, or of the only one, as /health/ready tells it; empty while there is no answer."""
        try:
            pipelines = requests.get(f"{self.address}/health/ready", timeout=2).json()["pipelines"]
        except requests.RequestException:
            return {}
        if name is not None:
            return dict(pipelines[name])
        (state,) = pipelines.values()
        return dict(state)

    def waits_for(self, words: str) -> bool:
        """Whether it says that it waits for something with these words in it."""
        return any(words in waiting["reason"] for waiting in self.health().get("waiting", []))

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        text = requests.get(f"{self.address}/metrics", timeout=2).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

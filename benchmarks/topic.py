"""Fills a topic with messages as the connector writes them, several times as fast as it does.

`message.json` is one message of the connector for a row that was inserted into `iris_data`, as
`python -m benchmarks.topic BROKERS TOPIC` captured it from the topic of a running stack. Each message that is written
here is that one byte for byte, but for the row's id, timestamp and values, and the time in its header.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPTURED: Final = Path(__file__).parent / "message.json"
WAIT_SECONDS: Final = 60.0
# the longest that a broker allows by default
TRANSACTION_MS: Final = 900_000
POLL_SECONDS: Final = 0.05
# rows that are made at once, and get one time in their header
CHUNK: Final = 1000
# so many rows of values are drawn, and follow one another again and again
VALUES: Final = 997
PLACES: Final = [b'%03d001Z",' % place for place in range(CHUNK)]
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
LENGTHS: Final = {
    "sepal_length": (4.3, 7.9),
    "sepal_width": (2.0, 4.4),
    "petal_length": (1.0, 6.9),
    "petal_width": (0.1, 2.5),
}
TIME_HEADER: Final = "__source_ts_ms"
# as Kafka Connect's producer has them by default, but for the size of its batches: with those of 16 kB this client
# sends each in a request of its own, a fifth as many messages a second
PRODUCER: Final[dict[str, Any]] = {
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "none",
    "batch.size": 1_000_000,
    "linger.ms": 5,
    # the partition of a key is the one that Java's client finds
    "partitioner": "murmur2_random",
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 131_072,
    "log_level": 4,
}


@dataclass(frozen=True)
class Captured:
    """A message of the connector, as text."""

    key: str
    value: str
    headers: list[tuple[str, str]]


class Template:
    """Makes messages like the captured one; with `features`, of a table with so many columns in place of the four."""

    def __init__(self, captured: Captured, features: int | None = None) -> None:
        value = json.loads(captured.value)
        self.columns = columns(features)
        if features is not None:
            _widen(value, self.columns)
        row = value["payload"]
        self.headers = captured.headers
        key_before, _, self._key_after = captured.key.encode().rpartition(_text({"id": row["id"]})[1:-1])
        self._key_before = key_before + b'"id":'
        self._before = _text(value).removesuffix(_text(row) + b"}") + b'{"id":'
        draw = random.Random(features)  # noqa: S311 (sample data)
        self._endings = [_ending(self.columns, draw) for _ in range(VALUES)]

    def messages(self, first_id: int, rows: int) -> Iterator[tuple[bytes, bytes]]:
        """The key and the value of so many rows, a thousand of them in each second of their timestamps."""
        key_before, key_after, before, endings = self._key_before, self._key_after, self._before, self._endings
        at = b""
        for row_id in range(first_id, first_id + rows):
            second, place = divmod(row_id, CHUNK)
            if place == 0 or not at:
                at = f',"timestamp":"{EPOCH + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}.'.encode()
            yield (
                b"%b%d%b" % (key_before, row_id, key_after),
                b"%b%d%b%b%b" % (before, row_id, at, PLACES[place], endings[row_id % VALUES]),
            )

    def header_values(self, now_ms: int) -> list[tuple[str, bytes]]:
        """The headers of rows that were committed at this Unix time."""
        return [(name, str(now_ms).encode() if name == TIME_HEADER else said.encode()) for name, said in self.headers]


def columns(features: int | None = None) -> list[str]:
    """The names of the columns that a model gets: the four of `iris_data`, or `feature_0` and so on."""
    return list(LENGTHS) if features is None else [f"feature_{i}" for i in range(features)]


def captured() -> Captured:
    """The message that is kept."""
    kept = json.loads(CAPTURED.read_text())
    return Captured(kept["key"], kept["value"], [(name, said) for name, said in kept["headers"]])


def fill(
    brokers: str, topic: str, rows: int, partitions: int = 1, first_id: int = 1, features: int | None = None
) -> None:
    """Write messages of `rows` new rows, their ids from `first_id` on; the topic is made if it is not there.

    Args:
        features: so many columns of numbers in place of those of `iris_data`; their names are `columns(features)`.

    Raises:
        StackError: the broker did not take all of them.
    """
    _make(brokers, topic, partitions)
    before = messages_in(brokers, topic)
    _write(Producer({**PRODUCER, "bootstrap.servers": brokers}), topic, rows, first_id, features)
    if (written := messages_in(brokers, topic) - before) != rows:
        raise StackError(f"{written} of {rows} messages came into topic {topic} at {brokers}: does the broker run?")


def unseen(brokers: str, topic: str, rows: int, first_id: int = 1, features: int | None = None) -> Callable[[], None]:
    """Write messages as `fill` in one transaction; what is returned has consumers see them all at once.

    It is to be called within a quarter of an hour.
    """
    settings = {"transactional.id": topic, "transaction.timeout.ms": TRANSACTION_MS, "bootstrap.servers": brokers}
    producer = Producer({**PRODUCER, **settings})
    producer.init_transactions(WAIT_SECONDS)
    producer.begin_transaction()
    _write(producer, topic, rows, first_id, features)
    return partial(producer.commit_transaction, WAIT_SECONDS)


def _write(producer: Producer, topic: str, rows: int, first_id: int, features: int | None) -> None:
    template = Template(captured(), features)
    produce: Any = producer.produce
    for start in range(0, rows, CHUNK):
        headers = template.header_values(time.time_ns() // 1_000_000)
        for key, value in template.messages(first_id + start, min(CHUNK, rows - start)):
            while True:
                try:
                    produce(topic, value, key, headers=headers)
                except BufferError:
                    producer.poll(0.01)
                else:
                    break
        producer.poll(0)
    producer.flush(WAIT_SECONDS)


def messages_in(brokers: str, topic: str) -> int:
    """How many messages the partitions of a topic hold, markers and what is not committed yet among them.

    Raises:
        StackError: the broker does not tell.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "benchmarks",
            "isolation.level": "read_uncommitted",
            "log_level": 4,
        }
    )
    end = time.monotonic() + WAIT_SECONDS
    try:
        while True:
            try:
                partitions = consumer.list_topics(topic, timeout=WAIT_SECONDS).topics[topic].partitions
                watermarks = [
                    consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=WAIT_SECONDS) for p in partitions
                ]
            except KafkaException as error:
                # a partition that was just made has no leader yet
                if time.monotonic() > end:
                    raise StackError(f"topic {topic} at {brokers}: {error.args[0].str()}") from error
                time.sleep(POLL_SECONDS)
            else:
                return sum(high - low for low, high in watermarks)
    finally:
        consumer.close()


def capture(brokers: str, topic: str) -> Captured:
    """The last message of a topic that says it is of an insert.

    Raises:
        StackError: there is none.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "benchmarks",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    found: Captured | None = None
    try:
        partitions = consumer.list_topics(topic, timeout=WAIT_SECONDS).topics[topic].partitions
        for partition in partitions:
            consumer.assign([TopicPartition(topic, partition, 0)])
            while (message := consumer.poll(WAIT_SECONDS)) is not None and not message.error():
                headers = [(name, (said or b"").decode()) for name, said in _headers(message)]
                key, value = message.key(), message.value()
                if key and value and ("__op", "c") in headers:
                    found = Captured(key.decode(), value.decode(), headers)
    except KafkaException as error:
        raise StackError(f"topic {topic} at {brokers}: {error.args[0].str()}") from error
    finally:
        consumer.close()
    if found is None:
        raise StackError(f"topic {topic} at {brokers} holds no message of an insert: write a row into its table")
    return found


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    found: Any = message.headers()
    return found or []


def _make(brokers: str, topic: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": brokers})
    if topic not in admin.list_topics(timeout=WAIT_SECONDS).topics:
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(WAIT_SECONDS)


def _widen(value: dict[str, Any], names: list[str]) -> None:
    """Have a message with other columns in place of those of `iris_data`."""
    fields: list[dict[str, Any]] = value["schema"]["fields"]
    places = [i for i, field in enumerate(fields) if field["field"] in LENGTHS]
    fields[places[0] : places[-1] + 1] = [{**fields[places[0]], "field": name} for name in names]
    row: dict[str, Any] = value["payload"]
    new = {"id": row["id"], "timestamp": row["timestamp"], **dict.fromkeys(names, 0.0), "target": row["target"]}
    value["payload"] = new


def _ending(names: list[str], draw: random.Random) -> bytes:
    """What follows the timestamp in a row's message, with values drawn anew."""
    drawn = {name: round(draw.uniform(*LENGTHS.get(name, (0.0, 8.0))), 1) for name in names}
    return _text({**drawn, "target": draw.randrange(3)})[1:] + b"}"


def _text(value: Any) -> bytes:
    """JSON as Kafka Connect writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def main(brokers: str, topic: str) -> None:
    """Keep a message of the connector as the model of those that are written."""
    CAPTURED.write_text(json.dumps(asdict(capture(brokers, topic)), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    typer.run(main)

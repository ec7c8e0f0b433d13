"""A topic watched beside those that read it: when its rows reach a consumer, and when its ends were last moved."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

if TYPE_CHECKING:
    from confluent_kafka import Message

POLL_SECONDS = 0.1
LOOK_SECONDS = 0.02
MOST_AT_ONCE = 10_000


class _Watch:
    """Looks at a topic again and again for as long as it is open, in a thread of its own."""

    def __init__(self, brokers: str, topic: str, isolation: str) -> None:
        settings: dict[str, Any] = {
            "bootstrap.servers": brokers,
            "group.id": f"watch-{isolation}",
            "isolation.level": isolation,
            "enable.auto.commit": False,
        }
        self._consumer = Consumer(settings)
        found = self._consumer.list_topics(topic, timeout=30).topics[topic].partitions
        self._partitions = [TopicPartition(topic, partition, OFFSET_END) for partition in found]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{isolation}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._consumer.close()

    def _watch(self) -> None:
        while not self._closing.is_set():
            self._look()

    def _look(self) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Arrival:
    """A row's message; all times are Unix times in seconds."""

    read: float
    """When Debezium had read the row's change from the log."""
    produced: float
    """When the connector's producer was given the message, to a millisecond."""
    received: float
    """When the witness had it."""


class Witness(_Watch):
    """Reads a topic from its end on."""

    def __init__(self, brokers: str, topic: str, isolation: str) -> None:
        """Begin at the end of every partition; `isolation` is Kafka's isolation.level."""
        super().__init__(brokers, topic, isolation)
        self._consumer.assign(self._partitions)
        self._seen: list[tuple[float, list[Message]]] = []

    def arrivals(self) -> dict[int, Arrival]:
        """Each row's message by the row's id, once it is closed."""
        return {
            json.loads(message.key() or b"")["payload"]["id"]: _arrival(message, received)
            for received, messages in self._seen
            for message in messages
        }

    def _look(self) -> None:
        first = self._consumer.poll(POLL_SECONDS)
        if first is not None and not first.error():
            received = time.time()
            more = self._consumer.consume(MOST_AT_ONCE, 0)
            self._seen.append((received, [first, *(message for message in more if not message.error())]))


def _arrival(message: Message, received: float) -> Arrival:
    headers: Any = message.headers()
    read = int(dict(headers)["__ts_us"])
    # it is cut to a millisecond: on average it was half of one later
    return Arrival(read / 1e6, (message.timestamp()[1] + 0.5) / 1000, received)


class Ends(_Watch):
    """Looks where the partitions of a topic end; nothing of the topic is read.

    The end of a transaction is a marker in each partition that it wrote to: the last move of the ends is the moment
    at which the last rows became visible to consumers that read what is committed.
    """

    def __init__(self, brokers: str, topic: str) -> None:
        super().__init__(brokers, topic, "read_committed")
        self.offsets = self._found()
        """The end of each partition, up to which everything is committed."""
        self.moved = time.time()
        """When that was last another; a Unix time."""

    @property
    def total(self) -> int:
        return sum(self.offsets.values())

    def _look(self) -> None:
        offsets = self._found()
        if offsets != self.offsets:
            self.offsets, self.moved = offsets, time.time()
        time.sleep(LOOK_SECONDS)

    def _found(self) -> dict[int, int]:
        return {p.partition: self._consumer.get_watermark_offsets(p, timeout=30)[1] for p in self._partitions}

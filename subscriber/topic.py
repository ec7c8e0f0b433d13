"""A topic as it is seen from outside its consumer group: where it begins and ends, and who reads it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from subscriber.broker import client_id, quiet_logger, refusal, words
from subscriber.errors import Transient, WrongSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

TIMEOUT_SECONDS: Final = 5.0
_NOT_ALLOWED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)


class Reads(Protocol):
    """What is looked at; a `Pipeline` is one."""

    @property
    def name(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def group(self) -> str: ...


# of each partition the first offset, and the one after the last
Ends = dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Member:
    """One subscriber of the consumer group."""

    client: str
    host: str
    partitions: list[int]


@dataclass(frozen=True)
class Group:
    """The consumer group, as Kafka knows it."""

    state: str
    members: list[Member]


@dataclass(frozen=True)
class Ahead:
    """Partitions in which no row follows an offset, only markers of transactions; and those that do not hold it."""

    without_rows: frozenset[int]
    gone: frozenset[int]


def strangers(group: Group, pipeline: Pipeline) -> list[str]:
    """Who reads in the pipeline's group and is none of its subscribers."""
    ours = client_id(pipeline)
    return sorted({member.client for member in group.members if member.client != ours})


class Topic:
    """The topic of a pipeline; looking at it joins no group and moves no offset.

    Every method raises Transient while Kafka is away, and WrongSetting if it does not let us in.
    """

    def __init__(self, settings: Settings, pipeline: Reads) -> None:
        self.name = pipeline.topic
        self._servers = settings.kafka_bootstrap_servers
        self._said: str | None = None
        self._refused: str | None = None
        self._configuration: dict[str, Any] = {
            **settings.kafka(),
            "client.id": f"look-{pipeline.name}",
            "error_cb": self._on_error,
        }
        self._group = pipeline.group
        with self._translated():
            self._consumer = Consumer(
                {
                    **self._configuration,
                    # asked for by the client; without a subscription nobody joins it
                    "group.id": pipeline.group,
                    "isolation.level": "read_committed",
                    "enable.auto.commit": False,
                    "auto.offset.reset": "error",
                    "enable.partition.eof": True,
                    "fetch.max.bytes": 1_048_576,
                    "queued.max.messages.kbytes": 1024,
                },
                logger=quiet_logger(),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def ends(self) -> Ends:
        """The first offset and the one after the last of each partition; empty if there is no such topic."""
        with self._translated():
            topic = self._consumer.list_topics(self.name, timeout=TIMEOUT_SECONDS).topics[self.name]
            if topic.error is not None and topic.error.code() in _NOT_ALLOWED:
                raise KafkaException(topic.error)
            return {
                p: self._consumer.get_watermark_offsets(TopicPartition(self.name, p), timeout=TIMEOUT_SECONDS)
                for p in sorted(topic.partitions)
            }

    def others(self) -> list[str]:
        """The names of all topics but Kafka's own."""
        with self._translated():
            topics = self._consumer.list_topics(timeout=TIMEOUT_SECONDS).topics
        return sorted(name for name in topics if not name.startswith("__"))

    def newest(self, ends: Mapping[int, tuple[int, int]], count: int) -> list[Message]:
        """At most so many of the newest messages of each partition, those written last at the end.

        Offsets of aborted transactions and of markers count, so there may be fewer.
        """
        some = {p: max(first, end - count) for p, (first, end) in ends.items() if end > first}
        with self._translated():
            self._consumer.assign([TopicPartition(self.name, p, offset) for p, offset in some.items()])
            left, found = set(some), list[Message]()
            until = time.monotonic() + TIMEOUT_SECONDS
            while left and time.monotonic() < until:
                for message in self._consumer.consume(1000, 0.1):
                    error = message.error()
                    if error is None:
                        found.append(message)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        left.discard(message.partition())
            self._consumer.unassign()
        return sorted(found, key=lambda message: message.timestamp()[1])

    def at(self, unix_seconds: float, ends: Mapping[int, tuple[int, int]]) -> dict[int, int]:
        """The first offset of each partition whose message is at least as new; its end if none is."""
        wanted = [TopicPartition(self.name, p, int(unix_seconds * 1000)) for p in ends]
        with self._translated():
            found = self._consumer.offsets_for_times(wanted, timeout=TIMEOUT_SECONDS)
        return {p.partition: p.offset if p.offset >= 0 else ends[p.partition][1] for p in found}

    def ahead(self, offsets: Mapping[int, int]) -> Ahead:
        """What lies between these offsets and the ends of their partitions."""
        self._consumer.assign([TopicPartition(self.name, p, offset) for p, offset in offsets.items()])
        unknown = set(offsets)
        without_rows: set[int | None] = set()
        gone: set[int | None] = set()
        end = time.monotonic() + TIMEOUT_SECONDS
        with self._translated():
            while unknown and time.monotonic() < end:
                message = self._consumer.poll(0.1)
                if message is None or message.partition() not in unknown:
                    continue
                error = message.error()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    without_rows.add(message.partition())
                elif error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET:
                    gone.add(message.partition())
                elif error is not None:
                    continue
                unknown.discard(message.partition())
            self._consumer.unassign()
        return Ahead(*(frozenset(p for p in offsets if p in found) for found in (without_rows, gone)))

    def group(self) -> Group:
        """Who reads the topic for the pipeline."""
        with self._translated():
            # the admin client ends the whole process (an assertion in librdkafka 2.16) if the group's coordinator
            # changes or goes away while it is asked; this call, which knows how to wait, sees that it is there
            self._consumer.committed([TopicPartition(self.name, 0)], timeout=TIMEOUT_SECONDS)
            admin = AdminClient(self._configuration, logger=quiet_logger())
            asked = admin.describe_consumer_groups([self._group], request_timeout=TIMEOUT_SECONDS)
            try:
                described = asked[self._group].result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                    return Group("unknown", [])
                raise
        members = [
            Member(m.client_id, m.host.lstrip("/"), sorted(p.partition for p in m.assignment.topic_partitions))
            for m in described.members
        ]
        return Group(described.state.name.lower(), sorted(members, key=lambda m: m.partitions))

    def _on_error(self, error: KafkaError) -> None:
        said = words(error)
        self._refused = refusal(error.code(), said) or self._refused
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._said = said

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            cause = error.args[0]
            if cause.code() == KafkaError._INVALID_ARG:
                raise WrongSetting(f"Kafka: {cause.str()} (KAFKA_*)") from error
            if self._refused is not None:
                raise WrongSetting(self._refused) from error
            if cause.code() in _NOT_ALLOWED:
                raise WrongSetting(f"topic {self.name}, group {self._group}: {cause.str()}") from error
            raise Transient(
                f"Kafka at {self._servers} (KAFKA_BOOTSTRAP_SERVERS): {self._said or cause.str()}"
            ) from error

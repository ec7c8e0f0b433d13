"""What the topic carries, read from its beginning to its end as any client may read it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from tests.chaos.deletes import Tombstone
from tests.chaos.ledger import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGES: Final = 10_000
CONSUME_SECONDS: Final = 0.2
SILENT_SECONDS: Final = 30.0


class _Row(msgspec.Struct):
    id: int
    version: int


class _Envelope(msgspec.Struct):
    payload: _Row


class _Key(msgspec.Struct):
    id: int


class _KeyEnvelope(msgspec.Struct):
    payload: _Key


@dataclass
class Carried:
    """The rows of the topic, the deletes among them, and where each partition ends.

    `unread` are the offsets of committed messages at or after the stored offset, each with its partition.
    """

    messages: list[Message] = field(default_factory=list)
    deletes: list[Tombstone] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    unread: list[tuple[int, int]] = field(default_factory=list)


def read(broker: str, topic: str, partitions: int, stored: Mapping[int, int]) -> Carried:
    """Every committed message of the topic; `stored` are the next offsets that the subscribers have stored."""
    carried = Carried()
    decode = msgspec.json.Decoder(_Envelope).decode
    decode_key = msgspec.json.Decoder(_KeyEnvelope).decode
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "chaos-ledger",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
        heard = time.monotonic()
        while len(carried.ends) < partitions:
            # it waits for as many as it is asked for
            found = consumer.consume(MESSAGES, CONSUME_SECONDS)
            if found:
                heard = time.monotonic()
            silent = time.monotonic() - heard
            assert silent < SILENT_SECONDS, f"the topic was not read to its end: no message for {silent:.0f} s"
            for message in found:
                error = message.error()
                partition, offset = message.partition() or 0, message.offset() or 0
                if error is not None:
                    assert error.code() == KafkaError._PARTITION_EOF, error.str()
                    carried.ends[partition] = offset
                    continue
                if offset >= stored.get(partition, 0):
                    carried.unread.append((partition, offset))
                value, at = message.value(), message.timestamp()[1] / 1000
                if value is None:
                    id_ = decode_key(message.key() or b"").payload.id
                    carried.deletes.append(Tombstone(id_, partition, offset, at))
                    continue
                row = decode(value).payload
                carried.messages.append(Message(row.id, row.version, partition, offset, at))
    finally:
        consumer.close()
    return carried

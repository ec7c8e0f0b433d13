"""Topics made, changed and deleted while something is measured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does not say that these are its own
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_SECONDS = 30
POLL_SECONDS = 0.1


def create(brokers: str, topic: str, partitions: int) -> None:
    """Make a topic, and wait until its partitions can be read and written.

    Raises:
        StackError: they cannot within half a minute.
    """
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(WAIT_SECONDS)
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "benchmarks"})
    end = time.monotonic() + WAIT_SECONDS
    try:
        for number in range(partitions):
            while True:
                try:
                    consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=WAIT_SECONDS)
                except KafkaException as error:
                    # a partition that is new has no leader for a moment
                    if time.monotonic() > end:
                        raise StackError(f"topic {topic}: {error.args[0].str()}") from error
                    time.sleep(POLL_SECONDS)
                else:
                    break
    finally:
        consumer.close()


def configure(brokers: str, topic: str, properties: Mapping[str, str]) -> None:
    """Set properties of a topic; its others stay."""
    changes = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in properties.items()
    ]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=changes)
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.incremental_alter_configs([resource])[resource].result(WAIT_SECONDS)


def delete(brokers: str, topic: str) -> None:
    """Forget a topic and what is in it."""
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.delete_topics([topic])[topic].result(WAIT_SECONDS)

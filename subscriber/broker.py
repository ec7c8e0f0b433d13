"""How the Kafka client is set up, and what its errors mean."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError

if TYPE_CHECKING:
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

# librdkafka's measure of how long it took: no news
_AFTER: Final = re.compile(r" \(after \d+ms in state \w+\)")


def configuration(settings: Settings, pipeline: Pipeline) -> dict[str, Any]:
    """Of the consumer, but for whom it tells what."""
    session_ms = int(settings.session_timeout_seconds * 1000)
    return {
        **settings.kafka(),
        "client.id": client_id(pipeline),
        "group.id": pipeline.group,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        # our offsets are the database's; one that is not in the topic is a loss to be told of
        "auto.offset.reset": "error",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": max(100, session_ms // 4),
        "enable.partition.eof": True,
        # what may wait in memory, and how soon to fetch again after that was full
        "queued.max.messages.kbytes": 4096,
        "fetch.max.bytes": 4_194_304,
        "fetch.queue.backoff.ms": 10,
        "fetch.error.backoff.ms": 100,
        "reconnect.backoff.max.ms": 2000,
        "topic.metadata.refresh.interval.ms": 30_000,
        # how soon a topic that did not exist is found
        "topic.metadata.propagation.max.ms": 0,
        "statistics.interval.ms": 1000,
    }


def client_id(pipeline: Pipeline) -> str:
    """Who we are to Kafka; subscribers of one group share its rows only if they are the same here."""
    return f"subscriber-{pipeline.name}-{pipeline.target.schema_}.{pipeline.target.table}"


def words(error: KafkaError) -> str:
    """What an error says, alike each time it happens."""
    return _AFTER.sub("", error.str())


def all_down(said: str, speaks: str, *, let_in: bool) -> str:
    """What is told when no broker answers; one that let us in before speaks our protocol, which `speaks` names."""
    return f"Kafka: {said}" if let_in else f"Kafka: {said}, or do not speak {speaks}"


def refusal(code: int, said: str) -> str | None:
    """What to change, if what librdkafka says is more than an outage."""
    # "Local" is what happens on our side, such as a connection that breaks
    if code == KafkaError._AUTHENTICATION and "Local: " not in said:
        names = ("USERNAME", "PASSWORD", "SASL_MECHANISM", "SECURITY_PROTOCOL")
        return f"Kafka does not let us in: {said} ({', '.join(f'KAFKA_{name}' for name in names)})"
    if "certificate verify failed" in said:
        return (
            f"Kafka: the certificate of {said.partition(': ')[0]} is not trusted: KAFKA_SSL_CA_LOCATION must hold its "
            f"authority, and KAFKA_BOOTSTRAP_SERVERS and the broker's advertised address be the name in it"
        )
    return None


def quiet_logger() -> logging.Logger:
    """What librdkafka would write to standard error; what matters of it comes as errors."""
    logger = logging.getLogger("librdkafka")
    logger.setLevel(logging.CRITICAL)
    return logger

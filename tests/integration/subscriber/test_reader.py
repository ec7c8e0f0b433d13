"""The reader on the real broker: whatever happens between assignment and reading, no row is skipped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import structlog
from confluent_kafka import Consumer

from subscriber.batch import Tenures
from subscriber.health import Health
from subscriber.membership import Membership
from subscriber.metrics import Metrics, Registry
from subscriber.pipeline_file import load_pipeline
from subscriber.reader import Reader
from subscriber.settings import Settings as SubscriberSettings
from tests.stream import PipelineFile, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.settings import Settings

ROWS = 20_000


class KnownPositions:
    """Stored offsets that are there at once, as on a database that is fast."""

    def __init__(self, partitions: int) -> None:
        self.offsets = dict.fromkeys(range(partitions), 0)

    def positions(self) -> dict[int, int]:
        return self.offsets

    def begin(self, offsets: dict[int, int]) -> None:
        raise AssertionError(f"every partition is known, {offsets} too")


@pytest.fixture
def reader(
    settings: Settings, pipeline: PipelineFile, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    pipeline.text += "\n[batch]\nmax_rows = 100\n"
    pipeline.write()
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    reader = Reader(
        SubscriberSettings(),
        load_pipeline(pipeline.path),
        Tenures(),
        store=KnownPositions(topic.partitions),
        drain=lambda _: None,
        metrics=Metrics(Registry(), "p"),
        health=Health(structlog.get_logger()),
    )
    yield reader
    reader.close()


@pytest.mark.parametrize("holds", [0, 3])
def test_a_backlog_is_read_without_a_gap(topic: Topic, reader: Reader, holds: int) -> None:
    # given a backlog that takes longer to read than any late answer to what was asked before
    topic.write(flower(i) for i in range(ROWS))

    offsets: dict[int, list[int]] = {partition: [] for partition in range(topic.partitions)}
    end = time.monotonic() + 30
    while sum(map(len, offsets.values())) < ROWS and time.monotonic() < end:
        # not waiting: what is asked of the broker is not answered yet when the positions are known
        batch = reader.read(0)
        if batch is None:
            continue
        for record in batch.records:
            offsets[record.partition()].append(record.offset())
        time.sleep(0.01)
        # the first hold comes right after the assignment, before every partition has begun
        if holds:
            reader.hold(0.1)
            holds -= 1

    for partition, read in offsets.items():
        assert read == list(range(ROWS // topic.partitions)), f"partition {partition}"


def test_a_client_that_falls_out_of_its_group_is_replaced(
    topic: Topic, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given rows read
    topic.write((flower(i) for i in range(100)), partition=0)
    wait_until("a partition", lambda: reader.read(0.1) and reader.assigned)
    first, member = reader._consumer, Membership.told

    # when the client says that it is out of its group, for too long
    monkeypatch.setattr("subscriber.membership.LOST_SECONDS", 0.5)
    out = '{"cgrp": {"join_state": "wait-unassign-to-complete"}}'
    monkeypatch.setattr(Membership, "told", lambda self, _, now: member(self, out, now))
    wait_until("another client", lambda: reader.read(0.1) is None and reader._consumer is not first)
    monkeypatch.undo()

    # then another client reads on, from where the rows are stored
    offsets: list[int] = []

    def read() -> bool:
        batch = reader.read(0.1)
        offsets.extend(record.offset() for record in (batch.records if batch else []))
        return len(offsets) == 100

    wait_until("every row again", read)
    assert offsets == list(range(100))
    assert reader._health.snapshot()["partitions"] == list(range(topic.partitions))


def test_partitions_that_go_during_a_hold_flow_when_they_come_back(
    settings: Settings, topic: Topic, reader: Reader
) -> None:
    # given rows of every partition read, and a hold
    topic.write(flower(i) for i in range(ROWS))
    seen: set[int] = set()

    def read() -> bool:
        batch = reader.read(0.1)
        seen.update(batch.spans if batch else [])
        return len(seen) == topic.partitions

    wait_until("rows of every partition", read)
    other = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "group.id": topic.name,
            "partition.assignment.strategy": "cooperative-sticky",
        }
    )
    other.subscribe([topic.name])

    def shared() -> bool:
        reader.hold(0.05)
        other.poll(0.05)
        return len(other.assignment()) == topic.partitions // 2

    # when another takes some of them meanwhile, and leaves
    wait_until("another's share", shared)
    other.close()
    seen.clear()

    # then they are read again
    wait_until("rows of every partition again", read)

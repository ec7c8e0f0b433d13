"""Nobody waits for ever for what is frozen, be it a subscriber, the broker or the target database."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from stack.process import Server
from tests.faults import FaultyApi
from tests.runs import as_processes
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.settings import Settings
    from tests.servers import Servers

    Subscribe = Callable[..., SubscriberProcess]

ALL = [0, 1, 2, 3]
# shorter than the broker's own session, whose end would take the topics' leaders away for a moment
STOP_SECONDS = 3


def owned(process: SubscriberProcess) -> list[int]:
    partitions: list[int] = process.health().get("partitions", [])
    return partitions


@contextmanager
def frozen(server: object) -> Iterator[None]:
    """Every process of the server stands still; its sockets stay open."""
    assert isinstance(server, Server)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def stop_seconds(process: SubscriberProcess) -> float:
    """How long the process takes to end once it is told to, and that it ends well."""
    began = time.monotonic()
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    return time.monotonic() - began


@pytest.mark.parametrize("joins", ["before", "afterwards"])
@pytest.mark.parametrize(
    "lock",
    [
        pytest.param("lock table {table} in share mode", id="copy"),
        pytest.param("select from stream_offset where pipeline = '{name}' for update", id="claim"),
    ],
)
def test_a_subscriber_frozen_in_its_transaction_does_not_block_its_heir(
    lock: str,
    joins: str,
    topic: Topic,
    pipeline: PipelineFile,
    settings: Settings,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    # given a subscriber that copies its rows, or claims their offsets, where another session holds a lock
    topic.write(flower(i) for i in range(4))
    zombie = subscribe()
    pipeline.wait_for(target, 4)
    heirs = [subscribe()] if joins == "before" else []
    wait_until("all partitions", lambda: sorted(p for s in (zombie, *heirs) for p in owned(s)) == ALL)
    waiting = "select pid from pg_stat_activity where application_name = %s and wait_event_type = 'Lock'"
    with psycopg.connect(settings.target_dsn()) as other:
        other.execute(lock.format(table=pipeline.table, name=pipeline.name))
        topic.write((flower(i) for i in range(4, 1000)), partition=owned(zombie)[0])
        wait_until("a blocked store", lambda: target.execute(waiting, [f"subscriber {pipeline.name}"]).fetchone())
        # when it freezes there and the lock is gone, so that its transaction stays open
        zombie.send(signal.SIGSTOP)
    heir = heirs[0] if heirs else subscribe()
    # then another stores its rows
    wait_until("the heir has them all", lambda: owned(heir) == ALL)
    pipeline.wait_for(target, 1000)
    # and it stores none of them again
    zombie.send(signal.SIGCONT)
    wait_until("it is back", lambda: len(owned(zombie)) == 2)
    topic.write(flower(i) for i in range(1000, 1100))
    pipeline.wait_for(target, 1100)
    pipeline.assert_exactly_once(target, range(1100))


@as_processes
def test_a_stop_while_the_broker_is_frozen_ends_in_time(
    stack: Servers, topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    topic.write([flower(0)])
    process = subscribe(STOP_SECONDS=str(STOP_SECONDS))
    pipeline.wait_for(target, 1)
    with frozen(stack.broker):
        assert stop_seconds(process) < STOP_SECONDS + 3
    # then another goes on where it stopped
    topic.write([flower(1)])
    subscribe()
    pipeline.wait_for(target, 2)
    pipeline.assert_exactly_once(target, range(2))


@as_processes
def test_a_stop_while_the_target_database_is_frozen_ends_in_time(
    stack: Servers,
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> None:
    pipeline.use(faulty_api.address)
    topic.write([flower(0)])
    process = subscribe(STOP_SECONDS=str(STOP_SECONDS))
    pipeline.wait_for(target, 1)
    with frozen(stack.target):
        # given a batch on its way into the database, and two behind it
        for i in (1, 2, 3):
            topic.write([flower(i)])
            wait_until("its prediction", lambda: faulty_api.requests_seen == i + 1)  # noqa: B023 (called at once)
        assert stop_seconds(process) < STOP_SECONDS + 3
    # then the database is left with all of a batch or nothing
    assert sum(pipeline.offsets(target).values()) == pipeline.count(target)
    subscribe()
    pipeline.wait_for(target, 4)
    pipeline.assert_exactly_once(target, range(4))

"""Several subscribers share a topic; whatever happens to one of them, each row is stored once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import psycopg
import pytest

from subscriber.batch import Batch, Span
from subscriber.errors import Fenced
from subscriber.pipeline_file import load_pipeline
from subscriber.store import Store
from tests.faults import FaultyApi
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.settings import Settings

    Subscribe = Callable[..., SubscriberProcess]

ROWS = 20_000


def owned(process: SubscriberProcess) -> list[int]:
    partitions: list[int] = process.health().get("partitions", [])
    return partitions


def test_two_subscribers_share_the_partitions_and_one_is_killed(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    first, second = subscribe(), subscribe()
    wait_until("two partitions each", lambda: len(owned(first)) == len(owned(second)) == 2)
    topic.write(flower(i) for i in range(ROWS))
    pipeline.wait_for(target, 1)
    first.kill()
    wait_until("the other has them all", lambda: owned(second) == [0, 1, 2, 3])
    topic.write(flower(i) for i in range(ROWS, ROWS + 100))
    pipeline.wait_for(target, ROWS + 100)
    pipeline.assert_exactly_once(target, range(ROWS + 100))


def test_one_subscriber_is_frozen_past_its_session_and_thawed(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    pipeline.use(faulty_api.address)
    zombie = subscribe()
    wait_until("all partitions", lambda: owned(zombie) == [0, 1, 2, 3])
    # given a batch in the zombie's hand: asked of the model, not stored
    faulty_api.gate.clear()
    topic.write(flower(i) for i in range(1000))
    wait_until("a batch in hand", lambda: faulty_api.requests_seen == 1)
    zombie.send(signal.SIGSTOP)
    # when Kafka has given its partitions to another
    heir = subscribe()
    wait_until("the other has them all", lambda: owned(heir) == [0, 1, 2, 3])
    faulty_api.gate.set()
    pipeline.wait_for(target, 1000)
    # then what the zombie still holds is not stored
    zombie.send(signal.SIGCONT)
    wait_until("the zombie is back", lambda: len(owned(zombie)) == 2)
    topic.write(flower(i) for i in range(1000, 1100))
    pipeline.wait_for(target, 1100)
    pipeline.assert_exactly_once(target, range(1100))


def test_a_subscriber_is_killed_again_and_again(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    # small batches, so that each life stores some and leaves some
    pipeline.text += "\n[batch]\nmax_rows = 200\n"
    pipeline.write()
    topic.write(flower(i) for i in range(ROWS))
    for _ in range(3):
        before = pipeline.count(target)
        process = subscribe(SESSION_TIMEOUT_SECONDS="1")
        pipeline.wait_for(target, before + 1)
        process.kill()
    subscribe(SESSION_TIMEOUT_SECONDS="1")
    pipeline.wait_for(target, ROWS)
    pipeline.assert_exactly_once(target, range(ROWS))


class StoredRecord:
    """A message as far as the store looks at it."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset


class StoredRow:
    key = 1
    timestamp = "2026-01-01T00:00:00Z"


def batch(start: int, end: int) -> Batch:
    records = [StoredRecord(i) for i in range(start, end)]
    rows = [StoredRow() for _ in records]
    return Batch({0: Span(start, end, 1)}, records, rows, [(2,)] * len(rows), ["v"] * len(rows))  # type: ignore[arg-type]


@pytest.fixture
def subscriber_dsn(settings: Settings) -> str:
    dsn = settings.target_dsn().replace(settings.target_user, settings.subscriber_user)
    return dsn.replace(settings.target_password.get_secret_value(), settings.subscriber_password.get_secret_value())


def test_the_store_tells_when_the_server_has_the_rows_to_work_on(
    subscriber_dsn: str, pipeline: PipelineFile, target: psycopg.Connection
) -> None:
    stored: list[int] = []
    store = Store(subscriber_dsn, load_pipeline(pipeline.path), lambda: stored.append(pipeline.count(target)))
    store.prepare()
    store.begin({0: 0})
    store.commit(batch(0, 3))
    assert stored == [0]
    assert pipeline.count(target) == 3
    store.close()


def test_the_store_refuses_an_owner_that_was_overtaken(
    subscriber_dsn: str, pipeline: PipelineFile, target: psycopg.Connection
) -> None:
    described = load_pipeline(pipeline.path)
    owner, zombie = Store(subscriber_dsn, described), Store(subscriber_dsn, described)
    owner.prepare()
    owner.begin({0: 0})
    assert owner.positions() == zombie.positions() == {0: 0}

    owner.commit(batch(0, 3))
    with pytest.raises(Fenced) as fenced:
        zombie.commit(batch(0, 5))
    assert fenced.value.partitions == {0}
    assert pipeline.count(target) == 3
    assert zombie.positions() == {0: 3}
    owner.commit(batch(3, 4))
    assert pipeline.count(target) == 4
    owner.close()
    zombie.close()

"""Whatever happens to owners, commits, the model and the target, each message has its outcome once.

Subscribers of a group move step by step, as hypothesis draws it, over a topic that is kept in memory and tables of the
real target. `--hypothesis-profile long` goes on for minutes.
"""

from __future__ import annotations

import functools
import itertools
import random
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import patch

import psycopg
import pytest
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from subscriber.errors import ModelFailed, TooSlow, Transient
from subscriber.settings import Settings as SubscriberSettings
from subscriber.store import Store
from tests.integration.subscriber.offsets.books import Books, offsets
from tests.integration.subscriber.offsets.ledger import check
from tests.integration.subscriber.offsets.log import Log, LogConsumer
from tests.integration.subscriber.offsets.messages import (
    KNOWN_VERSION,
    PARTITIONS,
    UNKNOWN_VERSION,
    Form,
    Kind,
    Policy,
    Sketch,
    pipeline,
)
from tests.integration.subscriber.offsets.stages import Fault, Model, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Servers

WORKERS = 2
numbers = itertools.count()
KINDS: list[Kind] = [*6 * ["good"], "invalid", "nameless", "refused", "crashing", "empty", "unfit"]  # type: ignore[list-item]
VERSIONS = [None, None, KNOWN_VERSION, UNKNOWN_VERSION]
FORMS: list[Form] = [*8 * ["row"], *2 * ["array", "tombstone", "gap"], "delete", "garbage", "unfit delete", "no key"]  # type: ignore[list-item]
kinds = st.sampled_from(KINDS)
mostly = st.sampled_from([True, True, True, True, False])
versions = st.sampled_from(VERSIONS)
forms = st.sampled_from(FORMS)
# no more rows to a batch than could make the subscriber suspect the model
rows = st.lists(st.tuples(kinds, st.integers(0, 1), versions), min_size=1, max_size=2).map(tuple)
sketches = st.builds(Sketch, forms, rows, st.integers(0, 2))
workers = st.integers(0, WORKERS - 1)
places = st.integers(0, PARTITIONS - 1)

actions = st.sampled_from(["flow", "flow", "flow", "read", "read", "predict", "store"])
steps = st.lists(st.tuples(workers, actions, st.integers(1, 8), mostly, mostly), min_size=2, max_size=6)


# its types allow no arguments by name
as_rule: Any = rule


def event(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule: something happens, and the stages go on for some steps."""

    def decorate(happen: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(happen)
        def run(machine: OffsetsAndBatches, then: list[tuple[int, str, int, bool, bool]], **given: Any) -> None:
            happen(machine, **given)
            for step in then:
                machine.go_on(*step)

        decorated: Callable[..., None] = as_rule(then=steps, **drawn)(run)
        return decorated

    return decorate


@dataclass(frozen=True)
class Target:
    """How to reach the target database: as the subscriber does, and as the superuser."""

    settings: SubscriberSettings
    superuser: psycopg.Connection[Any]


class OffsetsAndBatches(RuleBasedStateMachine):
    def __init__(self, target: Target, policy: Policy) -> None:
        super().__init__()
        self.target = target
        self.policy = policy
        self.workers: list[Worker] = []
        self.last: dict[int, int] = {}

    @initialize(
        lows=st.lists(st.integers(0, 2), min_size=1, max_size=PARTITIONS - 1),
        max_rows=st.integers(2, 4),
        max_bytes=st.sampled_from([200, 4096]),
        start=st.sampled_from(["earliest", "earliest", "latest"]),
        seed=st.integers(0, 2**16),
    )
    def begin(self, lows: list[int], max_rows: int, max_bytes: int, start: str, seed: int) -> None:
        self.start(lows, max_rows=max_rows, max_bytes=max_bytes, start=start)
        # so many rows are too much to be drawn one by one
        drawn = random.Random(seed)  # noqa: S311 (rows)
        for _ in range(30):
            row = drawn.choice(KINDS), drawn.randrange(2), drawn.choice(VERSIONS)
            self._write(drawn.randrange(PARTITIONS), [Sketch(drawn.choice(FORMS), (row,), drawn.randrange(3))])

    def start(self, lows: list[int], *, max_rows: int, max_bytes: int, start: str) -> None:
        """Begin with a subscriber for each share of the partitions, and nothing to read."""
        name = f"offsets-{next(numbers)}"
        self.pipeline = pipeline(name, self.policy, max_rows=max_rows, max_bytes=max_bytes, start=start)
        self.log = Log(lows)
        self.books = Books(self.target.superuser, name)
        self.workers = [self._worker() for _ in range(WORKERS)]
        for partition in range(len(lows)):
            self.log.move(partition, self.workers[partition % WORKERS].consumer, "revoke")
        if start == "latest":
            for worker in self.workers:
                worker.read(0)

    # ---- the topic

    @event(place=places, some=st.lists(sketches, min_size=3, max_size=10))
    def write(self, place: int, some: list[Sketch]) -> None:
        self._write(place, some)

    @event(place=places, back=st.integers(1, 6))
    def compact(self, place: int, back: int) -> None:
        partition = self.log.partitions[self._partition(place)]
        if partition.low <= partition.high - back:
            partition.compact(partition.high - back)

    @precondition(lambda self: len(self.log.partitions) < PARTITIONS)
    @event(worker=workers)
    def add_partition(self, worker: int) -> None:
        self.log.add_partition()
        self.log.move(len(self.log.partitions) - 1, self.workers[worker].consumer, "revoke")

    # ---- the group

    @event(place=places, to=workers, how=st.sampled_from(["revoke", "lose"]))
    def rebalance(self, place: int, to: int, how: Literal["revoke", "lose"]) -> None:
        self.log.move(self._partition(place), self.workers[to].consumer, how)

    @event(place=places, room=st.integers(1, 8), batches=st.integers(1, 3), late=mostly)
    def overtake(self, place: int, room: int, batches: int, *, late: bool) -> None:
        """Have another read and store what the owner of a partition has in hand, and the owner come too late."""
        number = self._partition(place)
        owner, heir = self.workers if self.workers[0].consumer is self.log.owners[number] else self.workers[::-1]
        owner.read(room)
        self.log.move(number, heir.consumer, "lose")
        for _ in range(1 + batches):
            heir.flow(8)
        if late:
            owner.predicting.step()
            owner.storing.step()

    @event(worker=workers, heir=workers)
    def kill(self, worker: int, heir: int) -> None:
        self.workers[worker].end()
        self._replace(worker, heir)

    @event(worker=workers, heir=workers, drains=st.booleans())
    def stop(self, worker: int, heir: int, *, drains: bool) -> None:
        stopping = self.workers[worker]
        stopping.drains = drains
        stopping.reader.close()
        stopping.end()
        self._replace(worker, heir)

    # ---- model and target

    @event(worker=workers, trouble=st.sampled_from([Transient, TooSlow, ModelFailed]))
    def disturb_model(self, worker: int, trouble: type[Exception]) -> None:
        troubles = self.workers[worker].model.troubles
        # more crashes than tries would be the row's
        if sum(isinstance(other, ModelFailed) for other in troubles) < 2:
            troubles.append(trouble("passing"))

    @event(worker=workers, rows=st.integers(1, 8))
    def slow_model(self, worker: int, rows: int) -> None:
        self.workers[worker].model.in_time = rows

    @event(worker=workers, fault=st.sampled_from(Fault))
    def disturb_commit(self, worker: int, fault: Fault) -> None:
        # where deletes or receipts lock rows, who stands still is waited for, for seconds
        if fault is not Fault.FROZEN or self.policy is Policy.PLAIN:
            self.workers[worker].store.fault = fault

    @event(lost=st.integers(0, 3))
    def crash(self, lost: int) -> None:
        self.books.crash(lost)
        self.last = {}
        for worker in self.workers:
            worker.flow(8)

    @rule(then=st.lists(steps, min_size=1, max_size=3))
    def nothing(self, then: list[list[tuple[int, str, int, bool, bool]]]) -> None:
        for step in itertools.chain.from_iterable(then):
            self.go_on(*step)

    def go_on(self, number: int, action: str, room: int, hears: bool, reaches: bool) -> None:
        """Have a subscriber do a step; it may not hear of the group meanwhile, nor reach the stored offsets."""
        worker = self.workers[number]
        worker.consumer.hears, worker.store.away = hears, not reaches
        if action == "flow":
            worker.flow(room)
        elif action == "read":
            worker.read(room)
        else:
            (worker.predicting if action == "predict" else worker.storing).step()
        worker.consumer.hears, worker.store.away = True, False

    # ---- what is always so

    @invariant()
    def each_message_has_its_outcome(self) -> None:
        if not self.workers:
            return
        snapshot = self.books.read()
        check(self.log, self.policy, self.books.begins, snapshot)
        stored = offsets(snapshot)
        for partition, offset in self.last.items():
            assert stored[partition] >= offset, f"partition {partition} went back from {offset} to {stored[partition]}"
        self.last = stored

    def teardown(self) -> None:
        try:
            # after a failure there is nothing to wait for
            if sys.exc_info()[0] is None and self.workers:
                self._drain()
        finally:
            for worker in self.workers:
                worker.end()

    def _drain(self) -> None:
        """Once all is well, one subscriber comes to the end of the topic, and says so."""
        for worker in self.workers:
            worker.drains = True
            worker.store.fault = None
            worker.model.troubles.clear()
            worker.model.in_time = worker.model.most
        last = self.workers[0]
        for partition in range(len(self.log.partitions)):
            self.log.move(partition, last.consumer, "revoke")
        # what a crash took away is looked for once all has been quiet
        with patch("subscriber.settlement.SETTLED_SECONDS", 0.0):
            for _ in range(30 + sum(partition.high for partition in self.log.partitions)):
                for worker in self.workers:
                    worker.flow(8)
                if not any(worker.in_hand for worker in self.workers) and last.reader.assigned and self._all_stored():
                    break
            else:
                pytest.fail("the topic is not read to its end")
        self.each_message_has_its_outcome()
        for _ in range(2 * PARTITIONS):
            last.read(0)
        assert last.watched.metrics.lags() == dict.fromkeys(range(len(self.log.partitions)), 0)

    def _all_stored(self) -> bool:
        stored = offsets(self.books.read())
        return all(
            message.gone or message.offset() < stored.get(number, 0)
            for number, partition in enumerate(self.log.partitions)
            for message in partition.messages
        )

    def _write(self, place: int, some: list[Sketch]) -> None:
        number = self._partition(place)
        partition = self.log.partitions[number]
        for sketch in some:
            gap = sketch.form == "gap"
            partition.append(None if gap else sketch.at(number, partition.high, self.policy))

    def _partition(self, place: int) -> int:
        return place % len(self.log.partitions)

    def _worker(self) -> Worker:
        model = Model(self.pipeline.batch.max_rows)
        consumer = LogConsumer(self.log)
        return Worker(
            self.pipeline, self.target.settings, books=self.books, log=self.log, consumer=consumer, model=model
        )

    def _replace(self, worker: int, heir: int) -> None:
        """Start a subscriber in the place of one that is gone; its partitions are the heir's."""
        gone = self.workers[worker].consumer
        left = [partition for partition, owner in self.log.owners.items() if owner is gone]
        self.log.leave(gone)
        self.workers[worker] = self._worker()
        for partition in left:
            self.log.move(partition, self.workers[heir].consumer, "lose")


@pytest.fixture(scope="module")
def databases(stack: Servers) -> Iterator[Target]:
    if not stack.target.running:
        stack.target.restart()
    environment = {name.lower(): value for name, value in stack.settings.environment().items()}
    settings = SubscriberSettings.model_validate(environment)
    Store(
        settings.target_dsn(), pipeline("offsets", Policy.RECEIPTS, max_rows=1, max_bytes=1, start="earliest")
    ).prepare()
    with psycopg.connect(stack.target.superuser_dsn(stack.settings.target_database), autocommit=True) as connection:
        yield Target(settings, connection)


@pytest.fixture(autouse=True)
def _time_stands_still_but_for_a_second_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subscriber.reader.HOUSEKEEPING_SECONDS", 0.0)
    monkeypatch.setattr("subscriber.settlement.SETTLED_SECONDS", 3600.0)
    monkeypatch.setattr("subscriber.membership.LOST_SECONDS", 3600.0)
    monkeypatch.setattr("subscriber.precedence.MOST_SECONDS", 0.0)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("policy", Policy, ids=lambda policy: policy.value)
def test_each_message_has_its_outcome_once(databases: Target, policy: Policy) -> None:
    def machine() -> OffsetsAndBatches:
        return OffsetsAndBatches(databases, policy)

    of_any: Any = machine
    # each example is many commits
    run_state_machine_as_test(of_any, settings=profile(max_examples=max(1, profile().max_examples // 5)))


def test_a_delete_and_a_row_that_come_with_one_key_have_one_receipt(databases: Target) -> None:
    machine = OffsetsAndBatches(databases, Policy.RECEIPTS)
    machine.start([0, 0], max_rows=4, max_bytes=4096, start="earliest")
    machine._write(0, [Sketch("delete", (), 0)])
    machine._write(1, [Sketch("row", (("good", 0, None),), 0)])
    for worker in reversed(machine.workers):
        worker.flow(8)
        worker.flow(8)
    assert offsets(machine.books.read()) == {0: 1, 1: 1}

    machine.teardown()


def with_all_stored(databases: Target) -> OffsetsAndBatches:
    """The first worker's rows of one partition are all in the target."""
    machine = OffsetsAndBatches(databases, Policy.PLAIN)
    machine.start([0], max_rows=4, max_bytes=4096, start="earliest")
    machine._write(0, [Sketch("row", (("good", 0, None),), 0)] * 4)
    machine.workers[0].flow(8)
    machine.workers[0].flow(8)
    assert offsets(machine.books.read()) == {0: 4}
    return machine


def test_what_a_crash_undid_at_the_end_of_the_topic_comes_again(databases: Target) -> None:
    # given every row stored, and nothing more to come
    machine = with_all_stored(databases)

    # when the server comes back without them
    machine.books.crash(1)
    machine.last = {}

    # then they are predicted again
    machine.teardown()


def test_what_a_crash_undid_of_another_subscribers_rows_comes_again(databases: Target) -> None:
    # given every row stored, and the partition with another subscriber since
    machine = with_all_stored(databases)
    machine.log.move(0, machine.workers[1].consumer, "lose")
    for _ in range(2):
        for worker in machine.workers:
            worker.flow(8)
    assert machine.workers[1].reader.assigned

    # when the server comes back without them
    machine.books.crash(1)
    machine.last = {}

    # then the heir predicts them again
    machine.workers.reverse()
    machine.teardown()


def test_what_was_read_ahead_does_not_hide_what_a_crash_undid(databases: Target) -> None:
    # given rows of which three make a batch and a fourth is carried over, one batch stored and others read
    machine = OffsetsAndBatches(databases, Policy.PLAIN)
    machine.start([0], max_rows=4, max_bytes=200, start="earliest")
    worker = machine.workers[0]
    machine._write(0, [Sketch("row", (("good", 0, None),), 0)] * 16)
    worker.flow(8)
    worker.flow(8)
    assert offsets(machine.books.read()) == {0: 3}

    # when the server comes back without the batch, and the next is fenced
    machine.books.crash(1)
    machine.last = {}
    worker.flow(8)

    # then reading begins where the offset is again, and ends with every row
    machine.teardown()

"""Batches lose partitions without losing their order, and tenures end exactly the batches read under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from subscriber.batch import Batch, DeadLetter, Delete, Failed, Receipt, Span, Tenures, first_within
from tests.unit.subscriber.material import Message

partitions = st.integers(0, 5)
partition_sets = st.frozensets(partitions)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Give a batch at any stage: read, decoded, or predicted."""
    records: list[Any] = [Message(partition=draw(partitions), offset=i) for i in range(draw(st.integers(0, 20)))]
    stage = draw(st.sampled_from(["read", "decoded", "predicted"]))
    dead = [
        DeadLetter(Message(partition=draw(partitions), offset=100 + i), "cause", "detail")
        for i in range(draw(st.integers(0, 3)))
    ]
    everywhere = {record.partition() for record in (*records, *(letter.record for letter in dead))}
    return Batch(
        spans={partition: Span(0, 200, 1) for partition in everywhere},
        records=records,
        rows=[record.offset() for record in records] if stage != "read" else [],
        outputs=[(record.offset(),) for record in records] if stage == "predicted" else [],
        versions=[str(record.offset()) for record in records] if stage == "predicted" else [],
        dead=dead,
        deletes=[
            Delete(Message(partition=partition), None, "")
            for partition in (draw(st.lists(st.sampled_from(sorted(everywhere)), max_size=3)) if everywhere else [])
        ],
        failed=[Failed(letter.record, None, "cause", "detail") for letter in dead],
        receipts=[Receipt(record, str(record.offset()), 1) for record in records],
    )


@given(batch=batches(), gone=partition_sets)
def test_a_batch_without_some_partitions_holds_the_rest_in_order(batch: Batch, gone: frozenset[int]) -> None:
    rest = batch.without(gone)

    assert rest.records == [record for record in batch.records if record.partition() not in gone]
    assert rest.dead == [letter for letter in batch.dead if letter.record.partition() not in gone]
    assert rest.failed == [failed for failed in batch.failed if failed.record.partition() not in gone]
    assert rest.receipts == [receipt for receipt in batch.receipts if receipt.record.partition() not in gone]
    assert rest.deletes == [delete for delete in batch.deletes if delete.record.partition() not in gone]
    assert rest.spans == {partition: span for partition, span in batch.spans.items() if partition not in gone}
    offsets = [record.offset() for record in rest.records]
    assert rest.rows in ([], offsets)
    assert rest.outputs in ([], [(offset,) for offset in offsets])
    assert rest.versions in ([], [str(offset) for offset in offsets])
    assert [bool(batch.rows), bool(batch.outputs)] == [bool(rest.rows), bool(rest.outputs)] or not rest.records


@given(batch=batches())
def test_a_batch_without_no_partition_is_the_same(batch: Batch) -> None:
    assert batch.without(frozenset()) == batch


@given(batch=batches(), one=partition_sets, other=partition_sets)
def test_partitions_go_one_after_another_as_they_go_together(
    batch: Batch, one: frozenset[int], other: frozenset[int]
) -> None:
    assert batch.without(one).without(other) == batch.without(one | other)


@dataclass
class Reading:
    """A batch and, for each of its partitions, whether the tenure it was read under still lasts."""

    batch: Batch
    lasts: dict[int, bool]


class TenureMachine(RuleBasedStateMachine):
    """Partitions come and go while batches are on their way."""

    def __init__(self) -> None:
        super().__init__()
        self.tenures = Tenures()
        self.held: dict[int, int] = {}
        self.given: set[int] = set()
        self.readings: list[Reading] = []

    def _ended(self, gone: frozenset[int]) -> None:
        for reading in self.readings:
            for partition in gone & reading.lasts.keys():
                reading.lasts[partition] = False

    @rule(partition=partitions)
    def begin(self, partition: int) -> None:
        self._ended(frozenset([partition]))
        self.held[partition] = tenure = self.tenures.begin(partition)
        assert tenure not in self.given
        self.given.add(tenure)

    @rule(gone=partition_sets)
    def end(self, gone: frozenset[int]) -> None:
        self._ended(gone)
        self.tenures.end(gone)
        for partition in gone:
            self.held.pop(partition, None)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sets(st.sampled_from(sorted(self.held)), min_size=1))
        spans = {}
        for partition in chosen:
            tenure = self.tenures.current(partition)
            assert tenure is not None
            spans[partition] = Span(0, 1, tenure)
        self.readings.append(Reading(Batch(spans, []), dict.fromkeys(chosen, True)))

    @invariant()
    def held_partitions_are_known(self) -> None:
        assert self.tenures.held() == self.held.keys()
        assert {p: self.tenures.current(p) for p in range(6)} == {p: self.held.get(p) for p in range(6)}

    @invariant()
    def a_batch_speaks_for_a_partition_as_long_as_its_tenure_lasts(self) -> None:
        for reading in self.readings:
            over = {partition for partition, lasts in reading.lasts.items() if not lasts}
            assert self.tenures.over(reading.batch) == over


TestTenures = TenureMachine.TestCase
TestTenures.settings = settings(max_examples=50, stateful_step_count=30)


@given(sizes=st.lists(st.integers(0, 50)), most=st.integers(1, 100))
def test_the_first_sizes_within_a_limit_are_as_many_as_fit_and_one_at_least(sizes: list[int], most: int) -> None:
    count = first_within(sizes, most)

    assert count == 0 if not sizes else 1 <= count <= len(sizes)
    assert count <= 1 or sum(sizes[:count]) <= most
    assert count == len(sizes) or sum(sizes[: count + 1]) > most

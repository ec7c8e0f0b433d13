"""Lag never hides a row that is not stored, and is zero when there is none."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from subscriber.lag import Progress

PARTITION = 3


class PartitionMachine(RuleBasedStateMachine):
    """A partition of rows and transaction markers that is written, read and stored at different paces.

    The reader stands behind the last row it read, not behind the markers after it, as a consumer does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.progress = Progress()
        self.is_row: list[bool] = []
        self.position = 0
        self.stored = 0
        self.end_seen = 0
        self.progress.stored(PARTITION, 0)

    @rule(rows=st.integers(0, 3), marker=st.booleans())
    def write(self, rows: int, marker: bool) -> None:
        self.is_row += [True] * rows + [False] * marker

    @rule(count=st.integers(1, 4))
    def read(self, count: int) -> None:
        ahead = [offset for offset in range(self.position, len(self.is_row)) if self.is_row[offset]]
        for offset in ahead[:count]:
            self.position = offset + 1
        if len(ahead) <= count:
            self.end_seen = len(self.is_row)
            self.progress.end_seen(PARTITION, self.end_seen, self.position)

    @precondition(lambda self: self.stored < self.position)
    @rule(data=st.data())
    def store(self, data: st.DataObject) -> None:
        ends = [o + 1 for o in range(self.stored, self.position) if self.is_row[o]]
        self.stored = data.draw(st.sampled_from(ends))
        self.progress.stored(PARTITION, self.stored)

    @invariant()
    def lag_counts_every_row_that_is_not_stored(self) -> None:
        high = len(self.is_row)
        waiting = sum(self.is_row[self.stored :])
        lag = self.progress.lag(PARTITION, high)
        assert waiting <= lag <= high - self.stored
        if waiting == 0 and self.end_seen == high:
            assert lag == 0


TestProgress = PartitionMachine.TestCase
TestProgress.settings = settings(max_examples=50, stateful_step_count=30)


def test_markers_at_the_end_are_no_lag() -> None:
    # given ten rows and a marker behind them, all read
    progress = Progress()
    progress.stored(PARTITION, 4)
    progress.end_seen(PARTITION, 11, 10)
    assert progress.lag(PARTITION, 11) == 7

    # when the last row is stored
    progress.stored(PARTITION, 10)

    # then nothing lags, until something new is written
    assert progress.lag(PARTITION, 11) == 0
    assert progress.lag(PARTITION, 13) == 2


@given(high=st.integers(0, 100))
def test_a_partition_we_know_nothing_of_does_not_lag(high: int) -> None:
    assert Progress().lag(PARTITION, high) == 0


@given(stored=st.integers(0, 10), end=st.integers(0, 10), high=st.integers(0, 10))
def test_a_partition_that_was_let_go_is_forgotten(stored: int, end: int, high: int) -> None:
    progress = Progress()
    progress.stored(PARTITION, stored)
    progress.end_seen(PARTITION, end, min(stored, end))

    progress.forget(PARTITION)

    assert progress.lag(PARTITION, high) == 0
    progress.stored(PARTITION, 0)
    assert progress.lag(PARTITION, high) == high

"""The run keeps to its plan, on a clock that only its own waits and writes move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_generator.generator import Plan, Summary, run
from data_generator.rows import Columns
from data_generator.writer import Outcome


class World:
    """Clock, pause, source and writer in one; a write takes `write_seconds`."""

    table = "numbers"

    def __init__(
        self, write_seconds: float = 0.0, stop_at: float | None = None, last: Outcome = Outcome.STORED
    ) -> None:
        self.now = 100.0
        self.write_seconds = write_seconds
        self.stop_at = stop_at
        self.last = last
        self.written_at: list[float] = []
        self.sizes: list[int] = []

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        if self.stop_at is not None and self.now + seconds >= self.stop_at:
            self.now = self.stop_at
            return False
        self.now += seconds
        return True

    def take(self, count: int, elapsed_seconds: float) -> Columns:
        return [[elapsed_seconds] * count]

    def prepare(self) -> Outcome:
        return Outcome.STORED

    def write(self, rows: Columns) -> Outcome:
        self.written_at.append(self.now)
        self.sizes.append(len(rows[0]))
        self.now += self.write_seconds
        return self.last

    def run(self, plan: Plan) -> Summary:
        return run(
            source=self, writer=self, plan=plan, clock=self.clock, pause=self.pause, wrote=lambda _rows, _seconds: None
        )


@given(rows=st.integers(0, 500), batch=st.integers(1, 50), rate=st.floats(0, 1000))
def test_exactly_the_asked_rows_are_written(rows: int, batch: int, rate: float) -> None:
    world = World()

    summary = world.run(Plan(rate, batch, rows=rows))

    assert summary.rows == rows == sum(world.sizes)
    assert all(size <= batch for size in world.sizes)


def test_one_row_a_second_stays_on_the_second() -> None:
    world = World(write_seconds=0.3)

    world.run(Plan(1.0, 1, rows=5))

    assert world.written_at == pytest.approx([100, 101, 102, 103, 104])


def test_a_time_limit_ends_the_run_on_time() -> None:
    world = World()

    summary = world.run(Plan(10.0, 1, for_seconds=3.0))

    assert summary.rows == 30
    assert world.now == pytest.approx(103.0)


def test_a_time_limit_shorter_than_the_pace_does_not_wait_for_the_next_row() -> None:
    world = World()

    summary = world.run(Plan(0.01, 1, for_seconds=3.0))

    assert summary.rows == 1
    assert world.now == pytest.approx(103.0)


def test_a_stop_ends_the_run_between_batches() -> None:
    world = World(stop_at=102.5)

    assert world.run(Plan(1.0, 1)).rows == 3


def test_a_batch_that_may_be_stored_is_told_apart() -> None:
    summary = World(last=Outcome.UNKNOWN).run(Plan(1.0, 10))

    assert (summary.rows, summary.unknown) == (0, 10)
    assert World(last=Outcome.NOT_STORED).run(Plan(1.0, 10)).unknown == 0

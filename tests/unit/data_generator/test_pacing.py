"""The pace follows the start of the run, catches up gently and forgives long outages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_generator.pacing import CATCH_UP_FACTOR, LONGEST_DEBT_SECONDS, Schedule, default_batch

rates = st.floats(0.01, 10_000)
batches = st.integers(1, 100)
starts = st.floats(0, 1e6)


@given(rate=rates, batch=batches, start=starts, turns=st.integers(1, 200))
def test_an_undisturbed_run_never_drifts(rate: float, batch: int, start: float, turns: int) -> None:
    schedule = Schedule.start(rate, start)

    for _ in range(turns):
        due = schedule.due_seconds
        schedule = schedule.after(batch, due, due)

    assert schedule.due_seconds == pytest.approx(start + turns * batch / rate, rel=1e-9)


@given(rate=rates, batch=batches, delays=st.lists(st.floats(0, 1000), min_size=1, max_size=50))
def test_batches_are_never_closer_than_the_catch_up_pace(rate: float, batch: int, delays: list[float]) -> None:
    schedule = Schedule.start(rate, 0.0)
    gap = batch / (rate * CATCH_UP_FACTOR)

    for delay in delays:
        began = schedule.due_seconds
        schedule = schedule.after(batch, began, began + delay)
        assert schedule.due_seconds >= began + gap


@given(rate=rates, delays=st.lists(st.floats(0, 1000), min_size=1, max_size=50))
def test_no_more_than_the_longest_debt_is_caught_up(rate: float, delays: list[float]) -> None:
    schedule = Schedule.start(rate, 0.0)

    for delay in delays:
        began = max(schedule.due_seconds, 0.0)
        now = began + delay
        schedule = schedule.after(1, began, now)
        owed = now - (schedule.origin_seconds + schedule.rows / rate)
        assert owed <= LONGEST_DEBT_SECONDS * (1 + 1e-9)


def test_a_short_stall_is_made_up_for_completely() -> None:
    # given ten rows a second and a write that hangs for five seconds
    schedule = Schedule.start(10.0, 0.0).after(1, 0.0, 5.0)

    # when every later write is instant
    while schedule.due_seconds < 20.0:
        schedule = schedule.after(1, max(schedule.due_seconds, 5.0), max(schedule.due_seconds, 5.0))

    # then by the twentieth second all rows are there
    assert schedule.rows == 200


def test_without_a_pace_everything_is_due_at_once() -> None:
    schedule = Schedule.start(0.0, 7.0).after(1000, 7.0, 9.0)

    assert schedule.due_seconds == 7.0
    assert schedule.rows == 1000


@pytest.mark.parametrize(("rate", "rows"), [(0.0, 1000), (0.5, 1), (999.0, 1), (1000.0, 10), (20_000.0, 200)])
def test_default_batch(rate: float, rows: int) -> None:
    assert default_batch(rate) == rows

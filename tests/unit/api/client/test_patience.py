"""The client's waits grow, are bounded, and are never shorter than the API asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.client.patience import (
    FIRST_SECONDS,
    LONGEST_SECONDS,
    QUICK_LOOK_SECONDS,
    SLOW_LOOK_SECONDS,
    delay_seconds,
    look_seconds,
    retry_after_seconds,
)

failures = st.integers(1, 10_000)
jitters = st.floats(0, 1, exclude_max=True)


@given(failures=failures, jitter=jitters)
def test_the_wait_is_bounded_and_never_shrinks(failures: int, jitter: float) -> None:
    assert FIRST_SECONDS <= delay_seconds(failures, jitter) <= 1.5 * LONGEST_SECONDS
    assert delay_seconds(failures + 1, jitter) >= delay_seconds(failures, jitter)


@given(failures=failures, jitter=jitters, asked=st.floats(0, 3600))
def test_nobody_knocks_before_the_time_that_was_told(failures: int, jitter: float, asked: float) -> None:
    assert delay_seconds(failures, jitter, asked) >= asked


@given(st.floats(0, 1e6))
def test_looks_are_quick_at_first_and_a_second_apart_in_the_end(waited: float) -> None:
    assert QUICK_LOOK_SECONDS <= look_seconds(waited) <= SLOW_LOOK_SECONDS
    assert look_seconds(0) == QUICK_LOOK_SECONDS
    assert look_seconds(60) == SLOW_LOOK_SECONDS


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("", 0), ("3", 3), ("1.5", 1.5), ("-4", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0)],
)
def test_a_header_that_is_no_number_asks_for_nothing(header: str | None, seconds: float) -> None:
    assert retry_after_seconds(header) == seconds

"""The wait grows, is bounded, and is never longer than without jitter."""

from hypothesis import given
from hypothesis import strategies as st

from data_generator.backoff import FIRST_SECONDS, LONGEST_SECONDS, delay_seconds

failures = st.integers(1, 10_000)
jitters = st.floats(0, 1, exclude_max=True)


@given(failures=failures, jitter=jitters)
def test_the_wait_is_bounded(failures: int, jitter: float) -> None:
    assert FIRST_SECONDS / 2 <= delay_seconds(failures, jitter) <= LONGEST_SECONDS


@given(failures=failures, jitter=jitters)
def test_the_wait_never_shrinks_with_more_failures(failures: int, jitter: float) -> None:
    assert delay_seconds(failures + 1, jitter) >= delay_seconds(failures, jitter)


@given(failures=failures, jitter=jitters)
def test_jitter_takes_away_less_than_half(failures: int, jitter: float) -> None:
    whole = delay_seconds(failures, 0.0)

    assert whole / 2 <= delay_seconds(failures, jitter) <= whole

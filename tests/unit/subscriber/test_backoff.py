"""Delays grow with every try up to a bound, and are never shorter than what the server asked for."""

from hypothesis import given
from hypothesis import strategies as st

from subscriber.backoff import FIRST_SECONDS, LONGEST_ASKED_SECONDS, LONGEST_SECONDS, delay_seconds

attempts = st.integers(1, 10_000)
jitters = st.floats(0, 1)
asked = st.none() | st.floats(0, allow_nan=False)


@given(attempt=attempts, jitter=jitters, asked_seconds=asked)
def test_a_delay_is_bounded(attempt: int, jitter: float, asked_seconds: float | None) -> None:
    delay = delay_seconds(attempt, jitter, asked_seconds)

    assert FIRST_SECONDS / 2 <= delay <= max(LONGEST_SECONDS, LONGEST_ASKED_SECONDS)


@given(attempt=attempts, jitter=jitters)
def test_without_a_wish_of_the_server_our_own_bound_holds(attempt: int, jitter: float) -> None:
    assert delay_seconds(attempt, jitter) <= LONGEST_SECONDS


@given(attempt=attempts, jitter=jitters, asked_seconds=asked)
def test_a_later_try_never_waits_less(attempt: int, jitter: float, asked_seconds: float | None) -> None:
    assert delay_seconds(attempt + 1, jitter, asked_seconds) >= delay_seconds(attempt, jitter, asked_seconds)


@given(jitter=jitters)
def test_delays_double_until_the_bound_is_near(jitter: float) -> None:
    for attempt in range(1, 6):
        assert delay_seconds(attempt + 1, jitter) == 2 * delay_seconds(attempt, jitter)


@given(attempt=attempts)
def test_jitter_spreads_over_half_of_the_delay(attempt: int) -> None:
    assert delay_seconds(attempt, 0.0) * 2 == delay_seconds(attempt, 1.0)


@given(attempt=attempts, jitter=jitters, asked_seconds=st.floats(0, LONGEST_ASKED_SECONDS))
def test_what_the_server_asks_for_is_waited_for(attempt: int, jitter: float, asked_seconds: float) -> None:
    delay = delay_seconds(attempt, jitter, asked_seconds)

    assert delay == max(asked_seconds, delay_seconds(attempt, jitter))


@given(attempt=attempts, jitter=jitters, asked_seconds=st.floats(LONGEST_ASKED_SECONDS, allow_nan=False))
def test_a_mistaken_header_does_not_stop_us_for_long(attempt: int, jitter: float, asked_seconds: float) -> None:
    assert delay_seconds(attempt, jitter, asked_seconds) == LONGEST_ASKED_SECONDS

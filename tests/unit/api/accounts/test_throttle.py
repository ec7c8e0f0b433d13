import math

from hypothesis import given
from hypothesis import strategies as st

from api.accounts.throttle import Bound, Failures, wait_seconds

bounds = st.builds(Bound, tries=st.integers(1, 1000), seconds=st.integers(1, 3600))


@given(bounds, st.integers(0, 2000), st.floats(0, 3600))
def test_one_waits_once_the_bound_is_reached_and_no_longer_than_its_window(
    bound: Bound, count: int, oldest: float
) -> None:
    wait = wait_seconds(bound, Failures(count, min(oldest, bound.seconds)))
    assert (wait == 0) == (count < bound.tries)
    assert wait <= max(bound.seconds, 1)


@given(bounds, st.floats(0, 3600))
def test_after_the_wait_the_oldest_is_out_of_the_window(bound: Bound, oldest: float) -> None:
    oldest = min(oldest, bound.seconds)
    wait = wait_seconds(bound, Failures(bound.tries, oldest))
    assert oldest + wait >= bound.seconds or math.isclose(oldest + wait, bound.seconds)

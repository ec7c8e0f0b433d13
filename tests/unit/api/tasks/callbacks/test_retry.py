from hypothesis import given
from hypothesis import strategies as st

from api.tasks.callbacks.retry import LONGEST_WAIT_SECONDS, wait_seconds


def test_the_waits_grow_from_seconds_to_hours() -> None:
    assert [wait_seconds(tries) for tries in range(1, 8)] == [5, 20, 80, 320, 1280, 5120, 20480]


@given(st.integers(1, 10_000))
def test_no_wait_is_shorter_than_the_one_before_nor_longer_than_the_longest(tries: int) -> None:
    assert wait_seconds(tries) <= wait_seconds(tries + 1) <= LONGEST_WAIT_SECONDS

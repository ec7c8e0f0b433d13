"""When a callback that was not taken is tried again."""

FIRST_WAIT_SECONDS = 5.0
GROWTH = 4.0
LONGEST_WAIT_SECONDS = 6 * 3600.0


def wait_seconds(tries: int) -> float:
    """How long to wait after so many tries, from 1: 5 s, 20 s, 80 s, … up to six hours."""
    # of more tries the power alone would not fit a float
    return min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * GROWTH ** min(tries - 1, 20))

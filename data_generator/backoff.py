"""How long to wait before a server is asked again."""

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0


def delay_seconds(failures: int, jitter: float) -> float:
    """The wait after the nth failure in a row: doubling from 0.1 s up to 5 s, then shortened by up to half.

    The jitter keeps several generators from knocking all at once on a server that has just come back.

    Args:
        failures: in a row so far, 1 or more.
        jitter: uniform in [0, 1); 0 gives the whole delay.
    """
    doublings = min(failures - 1, 16)
    return min(FIRST_SECONDS * 2.0**doublings, LONGEST_SECONDS) * (1.0 - jitter / 2.0)

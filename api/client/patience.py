"""How long to wait before the API is asked again, and before a task is looked at again."""

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 10.0
QUICK_LOOK_SECONDS = 0.2
SLOW_LOOK_SECONDS = 1.0


def delay_seconds(failures: int, jitter: float, retry_after_seconds: float = 0.0) -> float:
    """The wait after the nth failure in a row: doubling from 0.2 s up to 10 s, and never shorter than it was told.

    Args:
        failures: in a row so far, 1 or more.
        jitter: uniform in [0, 1); lengthens the wait by up to half, so that clients do not knock all at once.
        retry_after_seconds: what the API asked for.
    """
    doublings = min(failures - 1, 16)
    wait = max(min(FIRST_SECONDS * 2.0**doublings, LONGEST_SECONDS), retry_after_seconds)
    return wait * (1.0 + jitter / 2.0)


def look_seconds(waited_seconds: float) -> float:
    """The time between two looks at a task: short at first, since most tasks are; a second for those that take long."""
    return min(max(QUICK_LOOK_SECONDS, waited_seconds / 10), SLOW_LOOK_SECONDS)


def retry_after_seconds(header: str | None) -> float:
    """The seconds of a `Retry-After` header; none of one that is missing or a date."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0

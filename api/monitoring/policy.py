"""When answers are written, kept or spilled: functions of their input alone."""

from enum import Enum, auto

RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0)


class Destination(Enum):
    """Where the answers in memory go now."""

    DATABASE = auto()
    FILE = auto()
    MEMORY = auto()


def destination(
    *, connected: bool, age_seconds: float, queued: int, limit: int, patience_seconds: float
) -> Destination:
    """Where `queued` answers go, the oldest of which has waited `age_seconds`, when `limit` fit in memory.

    A database that is away for a moment is waited for; the file takes over before half of the memory is used.
    """
    if connected:
        return Destination.DATABASE
    if age_seconds >= patience_seconds or queued * 2 >= limit:
        return Destination.FILE
    return Destination.MEMORY


def retry_delay(failures: int) -> float:
    """Seconds until the next try to connect, after so many failures in a row (at least one)."""
    return RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1]

"""When the store is tried again: functions of their input alone."""

RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


def retry_delay(failures: int, chance: float) -> float:
    """Seconds until the next try, after so many failures in a row (at least one).

    `chance`, from 0 to 1, spreads the tries of several processes over the second half of the delay.
    """
    return RETRY_SECONDS[min(failures, len(RETRY_SECONDS)) - 1] * (0.5 + chance / 2)

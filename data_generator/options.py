"""Numbers that no run can mean, which the command line refuses."""

import math

from data_generator.errors import SettingError


def check_pace(rate: float, for_seconds: float | None, things: str = "rows") -> None:
    """Refuse a pace or a time that is none.

    Raises:
        SettingError: with the option and what it takes.
    """
    if not math.isfinite(rate):
        raise SettingError(f"--rate {rate}: must be a number of {things} a second, 0 for as fast as possible")
    if for_seconds is not None and not (math.isfinite(for_seconds) and for_seconds > 0):
        raise SettingError(f"--for {for_seconds}: must be a number of seconds above 0")


def check_drift(drift: float) -> None:
    """Refuse a drift of rows that is none.

    Raises:
        SettingError: with the option and what it takes.
    """
    if not math.isfinite(drift):
        raise SettingError(f"--drift {drift}: must be a number of standard deviations a minute")

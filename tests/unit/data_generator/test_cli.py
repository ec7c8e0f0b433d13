"""Options that mean nothing are refused with a reason."""

import math

import pytest

from data_generator.cli import check
from data_generator.errors import SettingError


@pytest.mark.parametrize(
    ("rate", "for_seconds", "drift", "option"),
    [
        (math.inf, None, 0.0, "--rate"),
        (math.nan, None, 0.0, "--rate"),
        (1.0, 0.0, 0.0, "--for"),
        (1.0, -1.0, 0.0, "--for"),
        (1.0, math.nan, 0.0, "--for"),
        (1.0, None, math.inf, "--drift"),
    ],
)
def test_meaningless_numbers_are_refused(rate: float, for_seconds: float | None, drift: float, option: str) -> None:
    with pytest.raises(SettingError, match=option):
        check(rate, for_seconds, drift)


def test_meaningful_numbers_pass() -> None:
    check(0.0, 0.5, -1.0)

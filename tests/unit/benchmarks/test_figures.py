"""What is told of repeated measurements."""

from __future__ import annotations

import pytest

from benchmarks.figures import medians, pace, quantiles, spread
from stack.errors import StackError


def test_quantiles_of_a_hundred_and_one_values_are_the_values_themselves() -> None:
    assert quantiles(range(101)) == pytest.approx((50, 95, 99))


def test_spread_names_the_lowest_and_the_highest() -> None:
    assert spread([1200.4, 900.0, 1500.0]) == "900 to 1,500"


def test_a_pace_counts_from_the_first_moment_to_the_last() -> None:
    # 50 rows a transaction, a hundredth of a second apart
    assert pace([transaction / 100 for transaction in range(101) for _ in range(50)]) == pytest.approx(5000)


def test_rows_of_one_moment_have_no_pace() -> None:
    with pytest.raises(StackError, match="2 rows were written at one moment"):
        pace([1.0, 1.0])


def test_medians_of_what_some_situations_lack() -> None:
    found = medians("CPU", {"alone": [{"API": 1.0}, {"API": 3.0}], "both": [{"API": 4.0, "sink": 0.5}]})
    assert found.columns == ["CPU", "alone", "both"]
    assert found.rows == [["API", "2.0", "4.0"], ["sink", "-", "0.5"]]

"""At which pace rows must be written."""

from __future__ import annotations

import pytest

from benchmarks.freshness import check_pace
from stack.errors import StackError


def test_a_pace_may_be_missed_by_two_percent() -> None:
    check_pace(4901.0, 5000)


def test_another_pace_than_the_one_that_was_asked_for_is_refused() -> None:
    with pytest.raises(StackError, match=r"wrote 4,800\.0 of 5,000 rows/s, 96%"):
        check_pace(4800.0, 5000)

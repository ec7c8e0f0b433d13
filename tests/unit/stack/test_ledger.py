"""The ledger agrees with the slow way of counting, on any books."""

from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from stack.ledger import Ledger, compare

ids = st.integers(-3, 12)
classes = st.none() | st.integers(0, 2)
source = st.dictionaries(ids, classes, max_size=12)
# predictions, dead letters, newest class; a result has at least one of the first two
outcome = st.tuples(st.integers(0, 3), st.integers(0, 3), classes).filter(lambda o: o[0] + o[1] > 0)
target = st.dictionaries(ids, outcome, max_size=12)


def compared(rows: dict[int, int | None], results: dict[int, tuple[int, int, int | None]]) -> Ledger:
    return compare(sorted(rows.items()), sorted((i, *result) for i, result in results.items()))


def counted(rows: dict[int, int | None], results: dict[int, tuple[int, int, int | None]]) -> Ledger:
    """Count the same by looking up every id."""
    nothing = (0, 0, None)
    found = {i: results.get(i, nothing) for i in rows}
    strangers = [results[i] for i in results.keys() - rows.keys()]
    return Ledger(
        rows=len(rows),
        predicted=sum(predictions > 0 for predictions, _, _ in found.values()),
        dead=sum(predictions == 0 and letters > 0 for predictions, letters, _ in found.values()),
        lost=sum(predictions + letters == 0 for predictions, letters, _ in found.values()),
        duplicated=sum(max(0, predictions + letters - 1) for predictions, letters, _ in found.values())
        + sum(predictions + letters for predictions, letters, _ in strangers),
        right=sum(predictions > 0 and newest == rows[i] for i, (predictions, _, newest) in found.items()),
    )


@given(rows=source, results=target)
@example(rows={}, results={1: (1, 0, 0)})
@example(rows={2: 0}, results={1: (1, 0, 0), 3: (0, 1, None)})
def test_walking_side_by_side_finds_what_looking_up_finds(
    rows: dict[int, int | None], results: dict[int, tuple[int, int, int | None]]
) -> None:
    assert compared(rows, results) == counted(rows, results)


@given(rows=source)
def test_one_result_a_row_balances(rows: dict[int, int | None]) -> None:
    results = {i: (1, 0, truth) if i % 3 else (0, 1, None) for i, truth in rows.items()}

    ledger = compared(rows, results)

    assert ledger.balanced
    assert ledger.predicted + ledger.dead == len(rows)
    assert math.isnan(ledger.accuracy) if ledger.predicted == 0 else ledger.accuracy == 1.0


@given(rows=source, results=target)
def test_only_one_result_for_every_row_and_nothing_else_balances(
    rows: dict[int, int | None], results: dict[int, tuple[int, int, int | None]]
) -> None:
    each_has_one = rows.keys() == results.keys() and all(p + d == 1 for p, d, _ in results.values())

    assert compared(rows, results).balanced == each_has_one


def test_accuracy_is_over_what_was_predicted() -> None:
    ledger = compared({1: 0, 2: 1, 3: 2, 4: 0}, {1: (1, 0, 0), 2: (1, 0, 2), 3: (0, 1, None)})

    assert (ledger.accuracy, ledger.lost) == (0.5, 1)

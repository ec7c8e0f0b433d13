"""How far answers have moved from what their model was trained on: functions of counts alone."""

import math
from collections.abc import Sequence
from enum import StrEnum

# A share under this counts as this, so that an empty bin leaves the index finite; Evidently does the same.
SMALLEST_SHARE = 0.0001
# N. Siddiqi, "Credit Risk Scorecards", 2006: under the first nothing has changed, from the second on much has.
MODERATE_PSI = 0.1
SIGNIFICANT_PSI = 0.25


class Verdict(StrEnum):
    """What an index says."""

    STABLE = "stable"
    MODERATE = "moderate"
    DRIFTED = "drifted"
    TOO_FEW = "too few rows"


def population_stability_index(expected: Sequence[int], actual: Sequence[int]) -> float | None:
    """Compare counts in the same bins: the sum of (a - e) ln(a / e) over the shares e and a.

    Zero when the shares are equal, positive otherwise; shares under 0.0001 count as that, so bins that differ below it
    are equal. None where one side has no rows.
    """
    rows_expected, rows_actual = sum(expected), sum(actual)
    if not rows_expected or not rows_actual:
        return None
    total = 0.0
    for expected_rows, actual_rows in zip(expected, actual, strict=True):
        e = max(expected_rows / rows_expected, SMALLEST_SHARE)
        a = max(actual_rows / rows_actual, SMALLEST_SHARE)
        total += (a - e) * math.log(a / e)
    return total


def noise(bins: int, expected_rows: int, actual_rows: int) -> float:
    """The index that chance alone gives on average, with so many bins and rows and nothing changed.

    B. Yurdakul, "Statistical Properties of Population Stability Index", 2018: the index divided by (1/N + 1/M) has
    about a chi-squared distribution with one degree of freedom less than there are bins.
    """
    return (bins - 1) * (1 / expected_rows + 1 / actual_rows)


def verdict(expected: Sequence[int], actual: Sequence[int]) -> Verdict:
    """What the index of these counts says; nothing, where chance alone would give half the lower threshold."""
    psi = population_stability_index(expected, actual)
    # a bin that both sides leave empty tells nothing
    bins = sum(1 for e, a in zip(expected, actual, strict=True) if e or a)
    if psi is None or noise(bins, sum(expected), sum(actual)) > MODERATE_PSI / 2:
        return Verdict.TOO_FEW
    if psi >= SIGNIFICANT_PSI:
        return Verdict.DRIFTED
    return Verdict.MODERATE if psi >= MODERATE_PSI else Verdict.STABLE

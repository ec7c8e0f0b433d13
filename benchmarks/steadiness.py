"""Whether what is sampled over a long run stays as it is."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scipy.stats import theilslopes  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTES_AN_HOUR: Final = 60.0
# what a slope is called certain by: so likely is it that the true one lies within its bounds
CONFIDENCE: Final = 0.95
# a run that is shorter tells more of how servers begin than of what they would do for days
LEAST_MINUTES: Final = 20.0
STRETCHES: Final = 12


@dataclass(frozen=True)
class Bound:
    """What a series may do, in its own unit; None is whatever it does."""

    per_hour: float | None = None
    """How much it may grow in an hour."""
    share_per_hour: float | None = None
    """The same as a share of its median."""
    most: float | None = None
    """What no sample may be above."""


@dataclass(frozen=True)
class Steadiness:
    """What a series did, and what of it is beyond its bound, in words; empty if nothing is."""

    median: float
    most: float
    per_hour: float
    faults: tuple[str, ...]


def judge(minutes: Sequence[float], values: Sequence[float], bound: Bound) -> Steadiness:
    """Hold a series against its bound.

    It grows by the Theil-Sen slope of the medians of twelve stretches of equal length: neither memory that rises from
    one collection of garbage to the next nor a sample that is far off moves it. It grows too much if the slope is above
    what the bound allows, and certainly above zero; of less than twenty minutes no slope is judged.

    Args:
        minutes: of each sample, ascending and evenly spaced; two at least.
        values: of each sample, what warms up left out.
    """
    median, most = statistics.median(values), max(values)
    slope, _, low, _ = theilslopes(medians(values), [at / MINUTES_AN_HOUR for at in medians(minutes)], CONFIDENCE)
    allowed = bound.per_hour if bound.share_per_hour is None else bound.share_per_hour * abs(median)
    faults = []
    if allowed is not None and minutes[-1] - minutes[0] >= LEAST_MINUTES and slope > allowed and low > 0:
        faults.append(f"grows by {slope:,.1f} an hour, and may by {allowed:,.1f}")
    if bound.most is not None and most > bound.most:
        faults.append(f"is {most:,.1f} at most, and may be {bound.most:,.1f}")
    return Steadiness(median, most, float(slope), tuple(faults))


def medians(values: Sequence[float]) -> list[float]:
    """The median of each stretch; of few values, each is a stretch of its own."""
    length = max(1, len(values) // STRETCHES)
    return [statistics.median(values[at : at + length]) for at in range(0, len(values) - length + 1, length)]

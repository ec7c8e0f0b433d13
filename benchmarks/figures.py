"""What is told of repeated measurements."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.results import Table
from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MISSING = "-"


def quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th percentile of at least two values."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def spread(values: Sequence[float]) -> str:
    """The lowest and the highest of values, as whole numbers."""
    return f"{min(values):,.0f} to {max(values):,.0f}"


def pace(times: Sequence[float]) -> float:
    """Rows a second between the first and the last moment at which rows were written, those of the first left out.

    Args:
        times: a Unix time in seconds for each row; rows of one transaction have the same.

    Raises:
        StackError: all rows were written at one moment.
    """
    first, last = min(times), max(times)
    if last == first:
        raise StackError(f"{len(times)} rows were written at one moment: take more rows")
    return sum(time > first for time in times) / (last - first)


def medians(heading: str, situations: Mapping[str, Sequence[Mapping[str, float]]], title: str = "") -> Table:
    """A line for each name, a column for each situation: the median of its repetitions."""
    names = dict.fromkeys(name for found in situations.values() for values in found for name in values)

    def cell(found: Sequence[Mapping[str, float]], name: str) -> str:
        values = [each[name] for each in found if name in each]
        return f"{statistics.median(values):.1f}" if values else MISSING

    rows = [[name, *(cell(found, name) for found in situations.values())] for name in names]
    return Table([heading, *situations], rows, title)

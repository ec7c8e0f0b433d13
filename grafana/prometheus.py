"""PromQL of the dashboards: `labels` are a selector without its braces, empty for every series."""

from __future__ import annotations

from typing import Final

RATE: Final = "$__rate_interval"


def rate(metric: str, labels: str = "", by: str = "") -> str:
    """The metric's increase a second, summed over all who export it."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{labels}}}[{RATE}]))"


def increase(metric: str, labels: str = "", by: str = "", window: str = "$__range") -> str:
    return f"sum{f' by ({by})' if by else ''} (increase({metric}{{{labels}}}[{window}]))"


def quantile(q: float, histogram: str, labels: str = "", by: str = "") -> str:
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, {rate(f'{histogram}_bucket', labels, groups)})"


def mean(histogram: str, labels: str = "", by: str = "") -> str:
    return f"{rate(f'{histogram}_sum', labels, by)} / {rate(f'{histogram}_count', labels, by)}"

"""A chart as an SVG file, by matplotlib, which is in the environment of the benchmarks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import Chart, Series


def plot(chart: Chart, path: Path) -> None:
    """Draw the chart: the same figures give the same file."""
    import matplotlib as mpl  # noqa: PLC0415 (the tests have no matplotlib)
    from matplotlib import pyplot  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "stream-serving", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
    if any(isinstance(point.x, str) for series in chart.series for point in series.points):
        _bars(chart, axes)
    else:
        _lines(chart, axes)
    if len(chart.series) > 1:
        axes.legend()
    axes.set_title(chart.title)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def _bars(chart: Chart, axes: Any) -> None:
    for series in chart.series:
        bars = axes.barh(
            [p.x for p in series.points], [p.y for p in series.points], xerr=_spread(series), label=series.name
        )
        axes.bar_label(bars, [f"{p.y:,.0f}" for p in series.points], padding=4)
    axes.invert_yaxis()
    axes.set(xlabel=chart.y, xscale="log" if chart.log_y else "linear")
    axes.margins(x=0.2)


def _lines(chart: Chart, axes: Any) -> None:
    for series in chart.series:
        axes.errorbar(
            [p.x for p in series.points],
            [p.y for p in series.points],
            yerr=_spread(series),
            marker="o",
            capsize=3,
            label=series.name,
        )
    axes.set(xlabel=chart.x, ylabel=chart.y)
    axes.set(xscale="log" if chart.log_x else "linear", yscale="log" if chart.log_y else "linear")
    if not chart.log_y:
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def _spread(series: Series) -> list[list[float]]:
    """How far the lowest and the highest of each point are from it."""
    return [
        [p.y - (p.y if p.low is None else p.low) for p in series.points],
        [(p.y if p.high is None else p.high) - p.y for p in series.points],
    ]

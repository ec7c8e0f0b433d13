"""Puts what was measured into docs/benchmarks.md: `python -m benchmarks.report`, in the environment of the plots.

Between `<!-- measured: NAME -->` and `<!-- /measured -->` stand the tables and plots of benchmarks/results/NAME.json.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.plots import plot
from benchmarks.results import Result, Table, kept

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PLOTS = "benchmarks"
PLACE = re.compile(r"(<!-- measured: ([a-z-]+) -->\n).*?(<!-- /measured -->)", re.DOTALL)


class MissingPlaceError(Exception):
    """A result has no place in the document."""


def filled(document: str, results: Iterable[Result]) -> str:
    """The document with each result in its place; what was not measured leaves its place empty.

    Raises:
        MissingPlaceError: a result has no place.
    """
    by_name = {result.name: shown(result) for result in results}
    if homeless := sorted(set(by_name) - {place[2] for place in PLACE.finditer(document)}):
        raise MissingPlaceError(f"there is no <!-- measured: {homeless[0]} --> in it")
    return PLACE.sub(lambda place: f"{place[1]}{by_name.get(place[2], '')}{place[3]}", document)


def shown(result: Result) -> str:
    """A result as Markdown."""
    parts = [_table(table) for table in result.tables]
    parts += [f"![{chart.title}]({PLOTS}/{plot_name(result, i)})\n" for i, chart in enumerate(result.charts)]
    parts += [f"{note}\n" for note in result.notes]
    parts.append(f"`{result.command}`, {result.measured}, version {result.version}: {result.machine}.\n")
    return "\n" + "\n".join(parts) + "\n"


def plot_name(result: Result, number: int) -> str:
    return f"{result.name}{f'-{number + 1}' if number else ''}.svg"


def _table(table: Table) -> str:
    lines = [f"**{table.title}**", ""] if table.title else []
    lines.append(f"| {' | '.join(table.columns)} |")
    lines.append("|---|" + "---:|" * (len(table.columns) - 1))
    lines += [f"| {' | '.join(row)} |" for row in table.rows]
    return "\n".join(lines) + "\n"


def main() -> int:
    results = kept()
    try:
        text = filled(DOCUMENT.read_text(), results)
    except MissingPlaceError as error:
        print(f"error: {DOCUMENT.name}: {error}", file=sys.stderr)
        return 1
    folder = DOCUMENT.parent / PLOTS
    folder.mkdir(exist_ok=True)
    for result in results:
        for number, chart in enumerate(result.charts):
            plot(chart, folder / plot_name(result, number))
    DOCUMENT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

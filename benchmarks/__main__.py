"""Measures what docs/benchmarks.md shows: `make bench`, or `python -m benchmarks peers freshness --rounds 5`.

Each benchmark starts servers of its own, and what it finds is kept in benchmarks/results/.
"""

from __future__ import annotations

import dataclasses
import inspect
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks import end_to_end, freshness, growth, limits, one_row, side_by_side
from stack.errors import StackError
from stack.progress import Progress
from stack.servers import report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.results import Result


class Benchmark(StrEnum):
    """What can be measured, in the order of the document; `measure` of each module tells how, and its defaults."""

    PEERS = "peers"
    LIMITS = "limits"
    FRESHNESS = "freshness"
    END_TO_END = "end-to-end"
    GROWTH = "growth"
    ONE_ROW = "one-row"


MEASURE: dict[Benchmark, Callable[..., Result]] = {
    Benchmark.PEERS: side_by_side.measure,
    Benchmark.LIMITS: limits.measure,
    Benchmark.FRESHNESS: freshness.measure,
    Benchmark.END_TO_END: end_to_end.measure,
    Benchmark.GROWTH: growth.measure,
    Benchmark.ONE_ROW: one_row.measure,
}


def main(
    names: Annotated[list[Benchmark] | None, typer.Argument(help="What to measure; everything by default.")] = None,
    *,
    rounds: Annotated[int | None, typer.Option(min=1, help="How often each is measured.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="How many rows each time.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long each time.")] = None,
    rates: Annotated[str | None, typer.Option(help="Of freshness: rows a second, as 1,200.")] = None,
    millions: Annotated[str | None, typer.Option(help="Of growth: rows that are there, as 1,10,50.")] = None,
    contenders: Annotated[str | None, typer.Option(help=f"Of peers: some of {side_by_side.NAMES}.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep what is found in benchmarks/results/.")] = True,
) -> None:
    """Measure, on this machine, and keep what is found; status 1 if something could not be measured."""
    given = {
        "rounds": rounds,
        "rows": rows,
        "seconds": seconds,
        "rates": rates,
        "millions": millions,
        "contenders": contenders,
    }
    sizes = {option: value for option, value in given.items() if value is not None}
    progress = Progress(Console(stderr=True))
    failed = False
    try:
        asked = {name: arguments(name, sizes) for name in names or list(Benchmark)}
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error
    for name, chosen in asked.items():
        progress.say(f"measuring {name}")
        try:
            found = dataclasses.replace(MEASURE[name](progress, **chosen), command=command(name, sizes))
        except StackError as error:
            # the others are measured all the same
            report(error)
            failed = True
            continue
        if keep:
            found.keep()
        print(*found.tables, *found.notes, sep="\n\n", flush=True)
    raise typer.Exit(failed)


def arguments(name: Benchmark, sizes: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say, as `measure` of a benchmark takes it.

    Raises:
        StackError: it has no such size, or an option is not what it should be.
    """
    if foreign := sizes.keys() - inspect.signature(MEASURE[name]).parameters.keys():
        raise StackError(f"--{min(foreign)}: {name} has no such size")
    read: dict[str, Callable[[Any], Any]] = {
        "rates": lambda text: [int(rate) for rate in numbers("--rates", text)],
        "millions": lambda text: numbers("--millions", text),
        "contenders": side_by_side.chosen,
    }
    return {option: read.get(option, lambda value: value)(value) for option, value in sizes.items()}


def numbers(option: str, text: str) -> list[float]:
    """Numbers with commas between them.

    Raises:
        StackError: they are no numbers, or do not ascend.
    """
    try:
        found = [float(number) for number in text.split(",")]
    except ValueError:
        found = []
    if not found or found != sorted(set(found)) or found[0] <= 0:
        raise StackError(f"{option} {text}: not ascending numbers with commas between them")
    return found


def command(name: Benchmark, sizes: Mapping[str, Any]) -> str:
    """What measures it again."""
    options = "".join(f" --{option} {value}" for option, value in sizes.items())
    return f'make bench ARGS="{name}{options}"' if options else f"make bench ARGS={name}"


if __name__ == "__main__":
    typer.run(main)

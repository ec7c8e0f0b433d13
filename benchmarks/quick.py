"""The subscriber beside the plain loop, within three minutes: `make bench-quick`.

Prints ratios, a line each: they hang less on the machine than rates do.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.contenders.roster import OURS, PLAIN_LOOP
from benchmarks.running import Running
from benchmarks.side_by_side import median, raced
from stack.errors import StackError
from stack.progress import Progress
from stack.servers import report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.race import Run

LOOP_SECONDS = 10.0
OURS_SECONDS = 30.0


def ratios(ours: Sequence[Run], loop: Sequence[Run]) -> list[str]:
    """How many times the plain loop the subscriber is, in rows a second and in rows a CPU second of all processes."""
    fast, slow = median(ours), median(loop)
    cheap, dear = cpu(ours), cpu(loop)
    return [
        f"speed: ratio={fast / slow:.0f} subscriber_rows_per_s={fast:.0f} plain_loop_rows_per_s={slow:.0f}",
        f"cpu: ratio={dear / cheap:.0f} subscriber_s_per_million={cheap:.1f} plain_loop_s_per_million={dear:.0f}",
    ]


def cpu(runs: Sequence[Run]) -> float:
    """CPU seconds a million rows of all processes, at the median of the runs."""
    return statistics.median(sum(run.cpu.values()) for run in runs)


def main(
    rows: Annotated[int, typer.Option(help="Rows in the topic.")] = 200_000,
    repetitions: Annotated[int, typer.Option(help="Runs of each.", min=1)] = 2,
) -> None:
    """Print how many times the plain loop the subscriber is, on this machine."""
    ours, loop = replace(OURS, seconds=OURS_SECONDS), replace(PLAIN_LOOP, seconds=LOOP_SECONDS)
    running = Running(Progress(Console(stderr=True)))
    try:
        with running.started(connectors=False):
            runs = raced(running, rows, repetitions, [ours, loop])
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error
    print("\n".join(ratios(runs[ours.name], runs[loop.name])), flush=True)


if __name__ == "__main__":
    typer.run(main)

"""The subscriber beside the plain loop and its peers, in one run: `make bench ARGS=peers`.

All read the same topic from its beginning, ask the same API and store into tables of the same columns and indexes in
the same database, one contender at a time, in another order each round.
"""

from __future__ import annotations

import statistics
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from benchmarks import topic
from benchmarks.contenders.roster import ALL, OURS, PLAIN_LOOP, installed
from benchmarks.race import Race, Run
from benchmarks.results import Chart, Point, Result, Series, Table
from benchmarks.running import Running
from benchmarks.spark_jars import REQUIREMENTS, pinned
from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders.roster import Contender
    from stack.progress import Progress

RACED = "bench"
# as the connector makes its topic
PARTITIONS = 4
COLUMNS = ["", "rows/s, median", "lowest to highest", "times the plain loop", "rows stored", "memory, MB"]
NAMES = ",".join(contender.name for contender in ALL)
Runs = dict[str, list[Run]]
T = TypeVar("T")


def measure(
    progress: Progress,
    *,
    rows: int = 1_000_000,
    rounds: int = 3,
    contenders: Sequence[Contender] = ALL,
) -> Result:
    """What `raced` measures, as tables and a chart.

    Raises:
        StackError: see `raced`.
    """
    running = Running(progress)
    with running.started(connectors=False):
        return result(contenders, raced(running, rows, rounds, contenders), rows, rounds)


def raced(running: Running, rows: int, rounds: int, contenders: Sequence[Contender], name: str = RACED) -> Runs:
    """Fill a topic, warm up with the subscriber alone, then run all of them in each round; the runs of each by name.

    Args:
        name: of the topic, with which the names of tables and groups begin.

    Raises:
        StackError: a contender does not run, or stores other rows than the subscriber does.
    """
    if any(contender.peer for contender in contenders) and not installed():
        raise StackError("there is no environment of the peers: `make bench` installs it")
    topic.fill(running.settings.kafka_bootstrap_servers, name, rows, PARTITIONS)
    race = Race(running, name, rows)
    runs: Runs = {contender.name: [] for contender in contenders}
    try:
        running.progress.say("warming up")
        race.run(OURS, 0)
        for number in range(1, rounds + 1):
            for contender in order(contenders, number):
                run = race.run(contender, number)
                runs[contender.name].append(run)
                running.progress.say(f"{number}. {contender.title}: {run.rows_a_second:,.0f} rows/s")
    finally:
        race.close()
    return runs


def order(those: Sequence[T], number: int) -> list[T]:
    """Each round begins with another one, so that none always follows the same."""
    start = number % len(those)
    first, *rest = [*those[start:], *those[:start]]
    return [first, *(rest if number % 2 else rest[::-1])]


def median(runs: Sequence[Run]) -> float:
    return statistics.median(run.rows_a_second for run in runs)


def result(contenders: Sequence[Contender], runs: Runs, rows: int, rounds: int) -> Result:
    """The figures of all runs."""
    ranked = sorted(contenders, key=lambda contender: -median(runs[contender.name]))
    loop = median(runs[PLAIN_LOOP.name]) if runs.get(PLAIN_LOOP.name) else float("nan")
    parts = list(runs[ranked[0].name][0].cpu)
    speed, cost, points = [], [], []
    for contender in ranked:
        own = runs[contender.name]
        rates = [run.rows_a_second for run in own]
        middle, low, high = median(own), min(rates), max(rates)
        speed.append(
            [
                contender.title,
                f"{middle:,.0f}",
                f"{low:,.0f} to {high:,.0f}",
                f"{middle / loop:,.1f}" if loop == loop else "",  # noqa: PLR0124 (nan is not itself)
                f"{statistics.median(run.rows for run in own):,.0f}",
                f"{statistics.median(run.peak_mb for run in own):,.0f}",
            ]
        )
        seconds = [statistics.median(run.cpu[part] for run in own) for part in parts]
        cost.append([contender.title, *(f"{value:,.1f}" for value in [*seconds, sum(seconds)])])
        points.append(Point(contender.title, middle, low, high))
    return Result(
        name="peers",
        command="make bench ARGS=peers",
        tables=[
            Table(COLUMNS, speed),
            Table(["", *parts, "all"], cost, "CPU seconds a million rows"),
        ],
        charts=[Chart("Rows stored a second", "", "rows/s", [Series("rows/s", points)])],
        notes=notes(rows, rounds),
    )


def notes(rows: int, rounds: int) -> list[str]:
    """How the figures came about."""
    theirs, ours = pinned(REQUIREMENTS.read_text(), "confluent-kafka"), version("confluent-kafka")
    return [
        f"{rows:,} rows of iris_data in {PARTITIONS} partitions, as the connector writes them; median of "
        f"{rounds} runs each, in turns, after a run to warm up. A run counts from the first row stored to "
        f"the last: all rows, or what is stored within {PLAIN_LOOP.seconds:.0f} s (the plain loop) or "
        f"{OURS.seconds:.0f} s.",
        "Each run has a table of its own, with the columns and indexes of iris_prediction. After each, every row was "
        "there once, and its prediction was the subscriber's.",
        f"FastStream and Quix Streams read by confluent-kafka {theirs}, the subscriber by {ours}.",
        "Memory is the most that the contender's processes held together at a look each second.",
        "As documented: written as the documentation of the library has it, with its own decoder, and rows stored by "
        "COPY one at a time. Tuned by hand: a decoder that skips the schema of each message, and one text for COPY. "
        "Spark parses in the JVM and is stored by one text.",
    ]


def chosen(names: str) -> list[Contender]:
    """The contenders of these names.

    Raises:
        StackError: there is no such contender.
    """
    wanted = [name.strip() for name in names.split(",")]
    if unknown := set(wanted) - {contender.name for contender in ALL}:
        raise StackError(f"--contenders: there is no {', '.join(sorted(unknown))}; there are {NAMES}")
    return [contender for contender in ALL if contender.name in wanted]

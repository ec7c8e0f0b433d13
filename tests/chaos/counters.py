"""How far a subscriber's counters may differ from the tables, and not by a row more.

Two things part them. A commit whose answer was lost is in the tables and was not counted. A crash of the target takes
away commits that were counted, because nobody waits for the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tests.chaos.journal import Done

# the log is written three times wal_writer_delay (0.2 s) after a commit at the latest; the machine may be busy
UNWRITTEN_SECONDS: Final = 2.0
# a commit in hand when its connection broke is about so old, at most
IN_HAND_SECONDS: Final = 5.0
# its connection breaks once for each of these, and one commit is in hand at a time
BREAKS: Final = ("kill", "restart", "reset", "cut")
SHOWN: Final = 10


class Sample(NamedTuple):
    """What a subscriber had counted at a moment (epoch seconds), by result."""

    at: float
    counted: Mapping[str, int]


class Commit(NamedTuple):
    """What one transaction of a subscriber left in the tables, by result."""

    at: float
    rows: Mapping[str, int]


class Doubt(NamedTuple):
    """By which numbers of rows the tables may have more than was counted, and by how many at most less."""

    uncounted: frozenset[int]
    taken: int


def doubt(result: str, done: Sequence[Done], commits: Sequence[Commit], samples: Sequence[Sample]) -> Doubt:
    """By how much the counter of a result may be off, given the faults and what was seen meanwhile.

    Each break leaves none or one of the commits about it uncounted, and that wholly.
    """
    uncounted = {0}
    taken = 0
    for one in done:
        if one.fault.target != "target" or one.fault.kind not in BREAKS:
            continue
        about = {c.rows.get(result, 0) for c in commits if one.began - IN_HAND_SECONDS <= c.at <= one.ended}
        uncounted |= {before + rows for before in uncounted for rows in about}
        if one.fault.kind == "kill":
            taken += _counted_about(result, one.began, samples)
    return Doubt(frozenset(uncounted), taken)


def _counted_about(result: str, crash: float, samples: Iterable[Sample]) -> int:
    """How many rows were counted shortly before a crash."""
    before = after = 0
    for sample in samples:
        after = sample.counted.get(result, 0)
        if sample.at <= crash - UNWRITTEN_SECONDS:
            before = after
        if sample.at > crash + 1:
            break
    return after - before


def miscounted(name: str, counted: Mapping[str, tuple[int, int]], doubts: Mapping[str, Doubt]) -> list[str]:
    """Where a subscriber's counters (first) and the tables (second) differ by more rows than are in doubt."""
    said = []
    for result, (told, there) in counted.items():
        uncounted, taken = doubts[result]
        if not any(0 <= told - (there - rows) <= taken for rows in uncounted):
            said.append(
                f"{name} counted {told} rows {result}, and the table has {there} of it, of which {_listed(uncounted)} "
                f"may not have been counted, and up to {taken} were taken away"
            )
        elif not told:
            said.append(f"{name} counted no row {result}")
    return said


def _listed(numbers: Collection[int]) -> str:
    shown = [str(number) for number in sorted(numbers)]
    return " or ".join(shown if len(shown) <= SHOWN else [*shown[:SHOWN], f"one of {len(shown) - SHOWN} more numbers"])

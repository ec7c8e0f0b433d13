"""What is sampled in a long run, within which bounds, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.results import Chart, Point, Result, Series, Table
from benchmarks.steadiness import LEAST_MINUTES, Bound, Steadiness, judge

if TYPE_CHECKING:
    from collections.abc import Mapping

MEBIBYTE: Final = 1024**2
SAMPLE_SECONDS: Final = 10.0
# before it nothing is judged: caches fill, and the Java servers take the heap that they were given
SETTLE_SHARE: Final = 0.2
# of the pace that is asked for
LEAST_PACE: Final = 0.98
MEMORY, THREADS, FILES = "memory, MiB", "threads", "files"
INSERTED, LAG, AGE, DISK = "rows inserted", "lag, rows", "insert to prediction, ms", "disk, MiB"
WAL, OFFSETS = "log held by the slot, MiB", "bytes of stream_offset"
TABLE, INDEXES = "bytes of table a prediction", "bytes of indexes a prediction"
COPIED_ROW = "bytes of table and indexes a copied row"
OURS: Final = ("subscriber", "model API")
# of our services, and of the others' servers, whose caches fill and which open a file for each gigabyte of a table
BOUNDS: Final = {
    True: {MEMORY: Bound(per_hour=4), THREADS: Bound(per_hour=1), FILES: Bound(per_hour=1)},
    False: {MEMORY: Bound(per_hour=16), THREADS: Bound(per_hour=2), FILES: Bound(per_hour=20)},
}
# rows of so many seconds may wait, and rows of one second more each hour
LAG_SECONDS: Final = 10
HELD: Final = {
    AGE: Bound(share_per_hour=0.25, most=10_000),
    # Debezium tells the slot once a minute how far it is
    WAL: Bound(per_hour=64, most=1024),
    OFFSETS: Bound(most=MEBIBYTE),
    TABLE: Bound(share_per_hour=0.05),
    INDEXES: Bound(share_per_hour=0.05),
    COPIED_ROW: Bound(share_per_hour=0.1),
}


def bound(name: str, rate: float) -> Bound:
    """What a series may do at so many rows a second; the predictions are kept, so that the disk fills."""
    server, _, kind = name.partition(": ")
    if kind:
        return BOUNDS[server in OURS][kind]
    if name == LAG:
        return Bound(per_hour=rate, most=LAG_SECONDS * rate)
    return HELD.get(name, Bound())


@dataclass
class Samples:
    """What was seen: the minutes, and by name a value for each."""

    minutes: list[float] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, minutes: float, seen: Mapping[str, float]) -> None:
        self.minutes.append(minutes)
        for name, value in seen.items():
            self.values.setdefault(name, []).append(value)

    def steadiness(self, name: str, rate: float) -> Steadiness:
        """What became of a series after the warm-up."""
        start = int(len(self.minutes) * SETTLE_SHARE)
        return judge(self.minutes[start:], self.values[name][start:], bound(name, rate))

    def rows_a_second(self) -> float:
        """At which rows were inserted."""
        rows, minutes = self.values[INSERTED], self.minutes
        return (rows[-1] - rows[0]) / (minutes[-1] - minutes[0]) / 60

    def faults(self, rate: float) -> list[str]:
        """What was not as it should be."""
        found = [f"{name} {fault}" for name in self.values for fault in self.steadiness(name, rate).faults]
        if self.rows_a_second() < LEAST_PACE * rate:
            found.append(f"only {self.rows_a_second():,.1f} of {rate:,} rows a second were inserted")
        return found


def result(samples: Samples, minutes: float, rate: int, changed_percent: float) -> Result:
    """Two tables, of the servers and of what they hold, and charts."""
    servers = list(dict.fromkeys(name.split(": ")[0] for name in samples.values if ": " in name))
    kinds = (MEMORY, THREADS, FILES)
    table = Table(
        ["median, and growth an hour", *kinds],
        [[server, *(_moved(samples.steadiness(f"{server}: {kind}", rate)) for kind in kinds)] for server in servers],
    )
    rest = Table(
        ["", "median", "most", "growth an hour", "beyond its bound"],
        [
            [
                name,
                *(f"{found.median:,.1f}", f"{found.most:,.1f}", f"{found.per_hour:+,.1f}"),
                "yes" if found.faults else "no",
            ]
            for name, found in ((n, samples.steadiness(n, rate)) for n in samples.values if ": " not in n)
            if name != INSERTED
        ],
    )
    memory = [Series(server, _points(samples, f"{server}: {MEMORY}")) for server in servers]
    charts = [
        Chart("Memory of each server", "minutes", "MiB", memory, log_y=True),
        Chart(
            "Insert to prediction",
            "minutes",
            "ms",
            [Series("insert to prediction", _points(samples, AGE))],
        ),
    ]
    faults = samples.faults(rate)
    notes = [
        f"{minutes:g} minutes; {samples.rows_a_second():,.0f} of {rate:,} rows a second were inserted, "
        f"{changed_percent:g} % as many updated and {changed_percent:g} % as many deleted; a sample each "
        f"{SAMPLE_SECONDS:g} s. The first fifth is not judged"
        + ("." if minutes * (1 - SETTLE_SHARE) > LEAST_MINUTES else ", and no growth of so short a run."),
        f"Beyond their bounds: {'; '.join(faults)}." if faults else "Nothing was beyond its bound.",
    ]
    return Result("soak", f"make soak ARGS=--minutes={minutes:g}", [table, rest], charts, notes)


def _moved(found: Steadiness) -> str:
    return f"{found.median:,.0f}, {found.per_hour:+,.1f}{' (!)' if found.faults else ''}"


def _points(samples: Samples, name: str) -> list[Point]:
    return [Point(round(at, 2), value) for at, value in zip(samples.minutes, samples.values[name], strict=True)]

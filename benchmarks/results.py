"""What a benchmark measured, kept as a file, from which the document's tables and plots are made.

Nothing but the standard library: the report runs in the environment of the plots.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
# what benchmarks write: the results of one do not make those of the next another version's
WRITTEN = ("benchmarks/results", "docs/benchmarks", "docs/benchmarks.md")
GIBIBYTE = 1024**3


@dataclass(frozen=True)
class Machine:
    """Where something was measured."""

    processor: str
    cores: int
    memory_gib: int
    system: str
    python: str

    def __str__(self) -> str:
        cores = f"{self.cores} core" + "s" * (self.cores != 1)
        return f"{cores} of {self.processor}, {self.memory_gib} GiB, {self.system}, Python {self.python}"


def this_machine() -> Machine:
    """This machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0))
    return Machine(_processor(), cores, round(memory / GIBIBYTE), platform.system(), platform.python_version())


def this_version(folder: Path = Path(__file__).parent) -> str:
    """The commit that is measured, with a plus sign if files differ from it that benchmarks do not write."""
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    others = [f":(top,exclude){path}" for path in WRITTEN]
    changed = _git(folder, "status", "--porcelain", "--", ":(top)", *others)
    return f"{commit}{'+' if changed else ''}" if commit else "unknown"


def _git(folder: Path, *arguments: str) -> str:
    said = subprocess.run(  # noqa: S603 (nothing of it comes from outside)
        ["git", *arguments],  # noqa: S607 (wherever git is)
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() if said.returncode == 0 else ""


def this_day() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


@dataclass(frozen=True)
class Table:
    """Cells as they are shown; the first column names the row."""

    columns: list[str]
    rows: list[list[str]]
    title: str = ""

    def __str__(self) -> str:
        return "\n".join([self.title, *(" | ".join(cells) for cells in [self.columns, *self.rows])])


@dataclass(frozen=True)
class Point:
    """A median, and the lowest and highest of its repetitions."""

    x: float | str
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    name: str
    points: list[Point]


@dataclass(frozen=True)
class Chart:
    """Lines over numbers, or bars over names: the x of all points are of one type."""

    title: str
    x: str
    y: str
    series: list[Series]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Result:
    """What one benchmark found; `command` measures it again, `notes` are sentences beneath its tables."""

    name: str
    command: str
    tables: list[Table]
    charts: list[Chart] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    machine: Machine = field(default_factory=this_machine)
    version: str = field(default_factory=this_version)
    measured: str = field(default_factory=this_day)

    def keep(self) -> Path:
        """Write it to the results' folder, over an earlier one of its name."""
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{self.name}.json"
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")
        return path


def kept(folder: Path = FOLDER) -> list[Result]:
    """All results of the folder, by name."""
    return [_result(json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]


def _result(read: dict[str, Any]) -> Result:
    charts = [
        Chart(**{**chart, "series": [Series(s["name"], [Point(**p) for p in s["points"]]) for s in chart["series"]]})
        for chart in read["charts"]
    ]
    tables = [Table(**table) for table in read["tables"]]
    return Result(**{**read, "tables": tables, "charts": charts, "machine": Machine(**read["machine"])})

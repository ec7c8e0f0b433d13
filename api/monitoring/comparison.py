"""The answers of a time beside what their model was trained on, as read from the monitoring database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from itertools import groupby
from typing import Any

import psycopg

from api.monitoring.drift import Verdict, population_stability_index, verdict

_SQL = resources.files("api.monitoring") / "sql"


@dataclass(frozen=True)
class Bin:
    """One bin of a distribution: rows now, among them values that training never saw, and training's rows."""

    label: str
    rows: int
    unseen: int
    reference_rows: int


@dataclass(frozen=True)
class Compared:
    """One feature or answer of one model version in one window."""

    window_start: datetime
    model_version: str
    kind: str
    name: str
    bins: tuple[Bin, ...]

    @property
    def rows(self) -> int:
        return sum(b.rows for b in self.bins)

    @property
    def psi(self) -> float | None:
        return population_stability_index(*self._counts())

    @property
    def unseen_share(self) -> float:
        """From 0 to 1: numbers beyond training's least and greatest, categories that it did not have."""
        return sum(b.unseen for b in self.bins) / self.rows

    @property
    def verdict(self) -> Verdict:
        return verdict(*self._counts())

    def _counts(self) -> tuple[list[int], list[int]]:
        return [b.reference_rows for b in self.bins], [b.rows for b in self.bins]


@dataclass(frozen=True)
class Span:
    """A time, in windows of one width; `rows` answers at most are looked at in each."""

    since: datetime
    until: datetime
    width: timedelta
    rows: int


def compared(connection: psycopg.Connection, span: Span) -> list[Compared]:
    """Every feature and answer, in order of window, version, kind (features last) and name.

    Raises:
        psycopg.Error: the database is away, or not migrated.
    """
    rows = connection.execute(_statement("compared"), vars(span)).fetchall()
    return list(_grouped(rows))


def without_reference(connection: psycopg.Connection, span: Span) -> dict[str, int]:
    """How many of the answers are of a version whose reference is unknown, by version.

    Raises:
        psycopg.Error: as `compared`.
    """
    return dict(connection.execute(_statement("without_reference"), vars(span)).fetchall())


def _grouped(rows: list[tuple[Any, ...]]) -> Iterator[Compared]:
    for (start, version, kind, name), bins in groupby(rows, key=lambda row: row[:4]):
        yield Compared(start, version, kind, name, tuple(Bin(*row[4:]) for row in bins))


def _statement(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()

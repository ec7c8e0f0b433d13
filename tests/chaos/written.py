"""What was committed in the source: the one side of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Change(NamedTuple):
    """One version of one row: its class, or the cause of the dead letter that it is to become. `at`: epoch seconds.

    `endless` is its timestamp where that is an infinite one.
    """

    id: int
    version: int
    expected: int | None
    at: float
    cause: str | None = None
    endless: str | None = None


@dataclass
class Written:
    """Every change that was committed, and how many transactions were undone.

    `bad` counts the changes that are to become dead letters; `deleted` has the last version of each row that is gone.
    """

    changes: list[Change] = field(default_factory=list)
    bad: int = 0
    deleted: dict[int, int] = field(default_factory=dict)
    undone: int = 0
    in_doubt: int = 0
    """Commits whose answer was lost, and that were asked for afterwards."""

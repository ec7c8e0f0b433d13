"""In which order the results of a row were stored: dead letters and predictions alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.ledger import Result


@dataclass
class _Newest:
    """Of one row: the newest version of the transactions before, and of each kind of the one that is looked at."""

    commit: int
    before: int = 0
    within: dict[bool, int] = field(default_factory=dict)


class Order:
    """Asked of each result, those of one row in the order of their transactions and of their places within these."""

    def __init__(self) -> None:
        self._newest: dict[int, _Newest] = {}

    def ahead(self, result: Result) -> int | None:
        """The newer version of the row that was stored before this result; None if it came in order.

        A transaction copies all its predictions before its dead letters: between these it has no order.
        """
        newest = self._newest.setdefault(result.id, _Newest(result.commit))
        if result.commit != newest.commit:
            newest.before = max(newest.before, *newest.within.values())
            newest.commit, newest.within = result.commit, {}
        stored = max(newest.before, newest.within.get(result.dead, 0))
        newest.within[result.dead] = max(result.version, newest.within.get(result.dead, 0))
        return stored if stored > result.version else None

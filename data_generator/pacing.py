"""The pace: when the next batch is due, computed from the start of the run so that it never drifts.

After a stall the missed rows are caught up at twice the rate, not in one burst. Rows missed for longer than a minute
are dropped from the schedule: a generator stands for live traffic, and no outage may double that of the hours after.
"""

from dataclasses import dataclass, replace
from typing import Self

CATCH_UP_FACTOR = 2.0
LONGEST_DEBT_SECONDS = 60.0

# A transaction a row costs the disk one flush each; from a thousand rows/s it pays to share them.
SINGLE_ROWS_BELOW_RATE = 1000
UNPACED_BATCH = 1000


@dataclass(frozen=True)
class Schedule:
    """Row n of the schedule is due at `origin_seconds + n / rate`. All times are on one monotonic clock, in seconds."""

    rate: float
    """Rows a second; 0 means that every row is due at once."""
    origin_seconds: float
    not_before_seconds: float
    """Earlier than this the next batch would exceed the catch-up pace."""
    rows: int = 0
    """Written since the start."""

    @classmethod
    def start(cls, rate: float, now_seconds: float) -> Self:
        return cls(rate, origin_seconds=now_seconds, not_before_seconds=now_seconds)

    @property
    def due_seconds(self) -> float:
        """When the next batch may be written."""
        if not self.rate:
            return self.not_before_seconds
        return max(self.origin_seconds + self.rows / self.rate, self.not_before_seconds)

    def after(self, count: int, began_seconds: float, now_seconds: float) -> Self:
        """The schedule once `count` rows, whose write began at `began_seconds`, are stored at `now_seconds`."""
        rows = self.rows + count
        if not self.rate:
            return replace(self, rows=rows)
        debt_seconds = now_seconds - (self.origin_seconds + rows / self.rate)
        forgiven_seconds = max(0.0, debt_seconds - LONGEST_DEBT_SECONDS)
        return replace(
            self,
            rows=rows,
            origin_seconds=self.origin_seconds + forgiven_seconds,
            not_before_seconds=began_seconds + count / (self.rate * CATCH_UP_FACTOR),
        )


def default_batch(rate: float) -> int:
    """Rows a transaction: one below 1,000 rows/s, from there a hundredth of a second's worth, 1,000 without a pace."""
    if not rate:
        return UNPACED_BATCH
    return 1 if rate < SINGLE_ROWS_BELOW_RATE else round(rate / 100)

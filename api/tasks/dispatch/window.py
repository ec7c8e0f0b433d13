"""How many rows may be on their way to a model at a time."""

from dataclasses import dataclass, replace
from statistics import median

# of what is allowed, below which the window was not what held rows back
FULL = 0.8
GROWTH, SHRINKAGE = 1.5, 0.7


@dataclass(frozen=True)
class Window:
    """Rows that may be on their way at once, adapted so that each chunk is about `target_seconds` on its way.

    It follows the model's pace without knowing it (Little's law: rows on their way = rows a second x seconds on the
    way), as a sender of TCP segments does: it grows while answers come early and it is used up, and shrinks when they
    come late.
    """

    rows: int
    least: int
    most: int
    target_seconds: float

    def after(self, flights_seconds: list[float], used_rows: int) -> "Window":
        """The window after these chunks have come back, `used_rows` having been on their way at most."""
        if not flights_seconds:
            return self
        flight = median(flights_seconds)
        rows: float = self.rows
        if flight > 1.5 * self.target_seconds:
            rows *= SHRINKAGE
        elif flight < self.target_seconds and used_rows >= FULL * self.rows:
            rows *= GROWTH
        return replace(self, rows=max(self.least, min(self.most, int(rows))))


@dataclass
class Pace:
    """The window of one model, and what came back since it was last adapted.

    It is adapted once in the time that rows are on their way: before, what comes back was sent under an older window.
    """

    window: Window
    flights_seconds: list[float]
    used_rows: int
    adapted_at: float

    def came_back(self, flights_seconds: list[float], used_rows: int, now: float) -> None:
        """Note chunks that have come back, at a time in seconds of any clock that does not jump."""
        self.flights_seconds += flights_seconds
        self.used_rows = max(self.used_rows, used_rows)
        if now - self.adapted_at >= median(self.flights_seconds):
            self.window = self.window.after(self.flights_seconds, self.used_rows)
            self.flights_seconds, self.used_rows, self.adapted_at = [], 0, now

"""How many rows may be on their way to a model at a time."""

from dataclasses import dataclass, replace

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
        """The window after these chunks have come back, `used_rows` having been on their way with them."""
        if not flights_seconds:
            return self
        flight = sorted(flights_seconds)[len(flights_seconds) // 2]
        rows: float = self.rows
        if flight > 1.5 * self.target_seconds:
            rows *= SHRINKAGE
        elif flight < self.target_seconds and used_rows >= FULL * self.rows:
            rows *= GROWTH
        return replace(self, rows=max(self.least, min(self.most, int(rows))))

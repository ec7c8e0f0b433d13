"""How fast rows are scored, over the last looks."""

from collections import deque

LOOKS = 20
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


class Pace:
    """Rows a second over the last twenty looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=LOOKS)

    def look(self, seconds: float, rows: int) -> None:
        """Note that so many rows were finished at this time, in seconds of any clock that only moves on."""
        self._looks.append((seconds, rows))

    @property
    def rows_a_second(self) -> float:
        """0 until there are two looks."""
        if len(self._looks) < 2:  # noqa: PLR2004 (a rate is between two)
            return 0.0
        (then, before), (now, after) = self._looks[0], self._looks[-1]
        return max(0, after - before) / (now - then) if now > then else 0.0

    def seconds_left(self, rows: int) -> float | None:
        """The time that so many rows more will take at this pace; None while nothing moves."""
        return rows / self.rows_a_second if self.rows_a_second else None


def duration(seconds: float) -> str:
    """A time in the largest unit of which there are two."""
    for unit, length in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"

"""What a look at a pipeline's world has found, a line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Level = Literal["ok", "warn", "wrong"]


@dataclass(frozen=True)
class Finding:
    """`what` is the thing looked at, in a word or a key of the pipeline file."""

    level: Level
    what: str
    said: str

    def __str__(self) -> str:
        return f"{self.level:<6}{self.what:<20} {self.said}"


class Findings:
    """Tells each finding as it comes, and remembers whether something is wrong."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.wrong_count = 0

    def ok(self, what: str, said: str) -> None:
        self._add(Finding("ok", what, said))

    def warn(self, what: str, said: str) -> None:
        """Something that may be meant, or that only some rows will suffer from."""
        self._add(Finding("warn", what, said))

    def wrong(self, what: str, said: str) -> None:
        """Something that keeps rows from being predicted."""
        self.wrong_count += 1
        self._add(Finding("wrong", what, said))

    def show(self, text: str) -> None:
        """Lines that belong to the finding before."""
        for line in text.splitlines():
            self._tell(f"      {line}")

    def _add(self, finding: Finding) -> None:
        first, *rest = str(finding).splitlines()
        self._tell(first)
        for line in rest:
            self.show(line)

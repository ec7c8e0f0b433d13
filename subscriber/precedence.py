"""Which stage computes first where all share one interpreter."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# a batch's rows are on their way within a hundredth of this; a server that hangs must not hold up the others
MOST_SECONDS: Final = 0.1


class Precedence:
    """One stage's right to compute while the others stand aside, until what it has for a server is sent.

    The target database is the stage that takes longest, and does nothing between two batches. What is computed then
    holds up the stream; what is computed while the server works does not.
    """

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Go first within the block, or up to `give_back` in it."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def give_back(self) -> None:
        """Let the others go on: a server works now."""
        self._free.set()

    def stand_aside(self) -> None:
        """Wait while another goes first, for a moment at most."""
        self._free.wait(MOST_SECONDS)

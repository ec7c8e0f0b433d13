"""Which stored offsets a crash of the target may still take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# a commit that a crash of the target may take away is younger: three times its wal_writer_delay (0.2 s)
SETTLED_SECONDS: Final = 1.5


class Settlement:
    """The stored offset of each partition until the target has kept it for a while. Times are monotonic, in seconds.

    A target that crashes forgets its last commits. While rows come the next commit finds out, by being fenced; where
    none come, nobody would, unless the offsets are compared once nothing was stored for a while.
    """

    def __init__(self) -> None:
        self._offsets: dict[int, int] = {}
        self._since = 0.0

    def stored(self, partition: int, next_offset: int, now: float) -> None:
        """Note a commit, ours or that of whoever had the partition before us."""
        self._offsets[partition] = next_offset
        self._since = now

    def forget(self, partition: int) -> None:
        self._offsets.pop(partition, None)

    def postpone(self, now: float) -> None:
        """Wait once more: the target could not be asked."""
        self._since = now

    def due(self, now: float) -> dict[int, int]:
        """The offsets to compare with those that the target holds; none while the last of them is too young."""
        return dict(self._offsets) if now >= self._since + SETTLED_SECONDS else {}

    def settle(self, due: Mapping[int, int], held: Mapping[int, int]) -> frozenset[int]:
        """The partitions of which the target `held` less than was `due`; what changed meanwhile stays open."""
        same = {partition for partition, offset in due.items() if self._offsets.get(partition) == offset}
        for partition in same:
            del self._offsets[partition]
        return frozenset(partition for partition in same if held.get(partition, 0) < due[partition])

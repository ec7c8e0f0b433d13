"""How far the stored rows are behind the topic."""

from __future__ import annotations


class Progress:
    """Stored offset and seen end of each partition.

    In a topic written by transactions the last offsets are markers, not rows: a partition that is read to its end
    still stands before them. Its lag counts as zero once every row before the end is stored.
    """

    def __init__(self) -> None:
        self._stored: dict[int, int] = {}
        self._end: dict[int, tuple[int, int]] = {}

    def stored(self, partition: int, next_offset: int) -> None:
        self._stored[partition] = next_offset

    def end_seen(self, partition: int, end: int, position: int) -> None:
        """The reader, having read up to `position`, met the end of the partition at `end`."""
        self._end[partition] = (end, position)

    def forget(self, partition: int) -> None:
        self._stored.pop(partition, None)
        self._end.pop(partition, None)

    def lag(self, partition: int, high: int) -> int:
        """Offsets between what is stored and the topic's end `high`."""
        stored = self._stored.get(partition, high)
        end, position = self._end.get(partition, (0, 0))
        if stored >= position:
            stored = max(stored, end)
        return max(0, high - stored)

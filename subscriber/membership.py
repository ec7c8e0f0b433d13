"""Whether our Kafka client is a member of its consumer group, as its statistics say."""

from __future__ import annotations

from typing import Final

import msgspec

# a rebalance takes seconds. A client that stays out for longer, though the broker answers, does not come back by itself
LOST_SECONDS: Final = 60.0
_MEMBER: Final = "steady"


class _Group(msgspec.Struct):
    join_state: str


class _Statistics(msgspec.Struct):
    """What we need of librdkafka's statistics (its STATISTICS.md)."""

    cgrp: _Group | None = None


class Membership:
    """Since when the client has been out of its group, and nothing told why. Times are monotonic, in seconds."""

    def __init__(self, now: float) -> None:
        self.member = False
        self.state = "init"
        self._out_since = now

    def told(self, statistics: str, now: float) -> None:
        """Hear librdkafka's statistics, JSON."""
        group = msgspec.json.decode(statistics, type=_Statistics).cgrp
        if group is None:
            return
        if self.member and group.join_state != _MEMBER:
            self._out_since = now
        self.state = group.join_state
        self.member = self.state == _MEMBER

    def excused(self, now: float) -> None:
        """Hear of a reason to be out: no broker answers, or there is no such topic."""
        self._out_since = max(self._out_since, now)

    def lost(self, now: float) -> bool:
        """Whether it has been out for too long without a reason."""
        return not self.member and now - self._out_since >= LOST_SECONDS

"""Whether faults took effect: a fault that nothing was seen of proves nothing."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from tests.chaos.ledger import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.chaos.journal import Done

SEEN_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.05


def lasting(seconds: float, seen: Callable[[], int], patience_seconds: float = SEEN_SECONDS) -> int:
    """Let a fault last so many seconds, and so many more at most until it is seen; how often it was."""
    time.sleep(seconds)
    end = time.monotonic() + patience_seconds
    while not (count := seen()) and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
    return count


def words(count: int, what: str) -> str:
    """An effect in words; empty if there was none."""
    return f"{count} {what}" if count else ""


def missed(done: Sequence[Done]) -> list[Wrong]:
    """The kinds of which no fault took effect; that nothing was injected, if so."""
    if not done:
        return [Wrong("no fault was injected", time.time())]
    injected = Counter(one.fault.kind for one in done)
    effective = Counter(one.fault.kind for one in done if one.effect)
    last = {one.fault.kind: one.began for one in done}
    return [
        Wrong(f"{kind}: none of {count} took effect", last[kind])
        for kind, count in injected.items()
        if not effective[kind]
    ]

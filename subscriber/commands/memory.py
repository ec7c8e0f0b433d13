"""How a process that is to see millions of rows looks after its memory and shares its time."""

from __future__ import annotations

import gc
import sys
from typing import Final

# a stage that a server has answered waits so long at most for the one that computes
SWITCH_SECONDS: Final = 0.001


def settle() -> None:
    """Tell the collector what stays, and have the stages take turns more often than every 5 ms, as they do by default.

    Millions of rows cause many collections, none of which need look at what stays. A batch waits for its servers a
    dozen times on its way, and as often for its turn.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(SWITCH_SECONDS)

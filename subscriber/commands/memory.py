"""How a process that is to see millions of rows looks after its memory."""

from __future__ import annotations

import gc


def settle() -> None:
    """Tell the collector what stays: millions of rows cause many collections, none of which need look at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)

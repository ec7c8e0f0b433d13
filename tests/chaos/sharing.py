"""Whether the subscribers share all partitions between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def unshared(held: Mapping[str, Sequence[int]], partitions: int) -> list[str]:
    """What is wrong with the partitions that the subscribers' consoles show; of those there are so many, from 0 on."""
    said = [f"{name} holds no partition" for name, own in held.items() if not own]
    owners: defaultdict[int, list[str]] = defaultdict(list)
    for name, own in held.items():
        for partition in own:
            owners[partition].append(name)
    said += [f"partition {p} is held by {' and '.join(names)}" for p, names in sorted(owners.items()) if len(names) > 1]
    said += [f"partition {p} is held by no subscriber" for p in range(partitions) if p not in owners]
    return said

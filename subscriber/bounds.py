"""Where a replay begins and ends: an offset, an offset a partition, or a time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from subscriber.errors import WrongSetting
from subscriber.times import point_in_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from subscriber.topic import Ends

_OFFSET: Final = re.compile(r"\d{1,18}")
_OFFSETS: Final = re.compile(r"\d{1,9}:\d{1,18}(,\d{1,9}:\d{1,18})*")


@dataclass(frozen=True)
class Bound:
    """One of them is set; `offsets` has those of the partitions that are named."""

    offset: int | None = None
    offsets: Mapping[int, int] = field(default_factory=dict)
    time: datetime | None = None


def read_bound(text: str, now: datetime, option: str) -> Bound:
    """`earliest`, `1200`, `0:1200,3:950`, or a time.

    Raises:
        WrongSetting: it is none of them; names the option.
    """
    if text == "earliest":
        return Bound(offset=0)
    if _OFFSET.fullmatch(text):
        return Bound(offset=int(text))
    if _OFFSETS.fullmatch(text):
        pairs = [pair.split(":") for pair in text.split(",")]
        return Bound(offsets={int(partition): int(offset) for partition, offset in pairs})
    return Bound(time=point_in_time(text, now, option))


def spans(
    begin: Bound, end: Bound | None, ends: Ends, at: Callable[[datetime], Mapping[int, int]]
) -> dict[int, tuple[int, int]]:
    """The offsets [first, end) of each partition; both alike where there is nothing to do.

    Where `begin` names partitions, the others are left out; where `end` does, the others go to their end.

    Args:
        begin: where to begin.
        end: where to end, if not at the topic's end.
        ends: the first offset of each partition that is there, and the one after the last.
        at: the first offset of each partition at a time.

    Raises:
        WrongSetting: a partition that is named is not there, or nothing at all lies between the bounds.
    """
    unknown = sorted({*begin.offsets, *(end.offsets if end else ())} - ends.keys())
    if unknown:
        raise WrongSetting(f"--from, --to: the topic has no partition {', '.join(map(str, unknown))}")
    highs = {p: high for p, (_, high) in ends.items()}
    firsts = _offsets(begin, highs, at)
    lasts = _offsets(end, highs, at) if end else highs
    found = {}
    for p, (low, high) in ends.items():
        last = min(max(lasts.get(p, high), low), high)
        found[p] = (min(max(firsts.get(p, high), low), last), last)
    if all(first == last for first, last in found.values()):
        raise WrongSetting("--from, --to: no offset of the topic lies between them")
    return found


def _offsets(
    bound: Bound, partitions: Mapping[int, int], at: Callable[[datetime], Mapping[int, int]]
) -> Mapping[int, int]:
    if bound.time is not None:
        return at(bound.time)
    if bound.offset is not None:
        return dict.fromkeys(partitions, bound.offset)
    return bound.offsets

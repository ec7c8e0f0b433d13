from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from subscriber.bounds import Bound, read_bound, spans
from subscriber.errors import WrongSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 6, 1, tzinfo=UTC)
# partition 0 has lost its first 10 offsets to retention, partition 1 is empty
ENDS = {0: (10, 100), 1: (0, 0), 2: (0, 50)}


def at(time: datetime) -> Mapping[int, int]:
    return {0: time.day, 1: 0, 2: time.day}


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("earliest", Bound(offset=0)),
        ("1200", Bound(offset=1200)),
        ("0:1200,3:950", Bound(offsets={0: 1200, 3: 950})),
        ("2026-01-31", Bound(time=datetime(2026, 1, 31, tzinfo=UTC))),
    ],
)
def test_a_bound_is_read(text: str, bound: Bound) -> None:
    assert read_bound(text, NOW, "--from") == bound


@pytest.mark.parametrize("text", ["", "latest", "-1", "0:", "0:1,", "a:1", "1" * 30])
def test_what_is_no_bound_names_the_option(text: str) -> None:
    with pytest.raises(WrongSetting, match=r"^--from: "):
        read_bound(text, NOW, "--from")


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [
        ("earliest", None, {0: (10, 100), 1: (0, 0), 2: (0, 50)}),
        ("60", None, {0: (60, 100), 1: (0, 0), 2: (50, 50)}),
        ("20", "30", {0: (20, 30), 1: (0, 0), 2: (20, 30)}),
        ("20", "900", {0: (20, 100), 1: (0, 0), 2: (20, 50)}),
        # a partition that is not named is left out, or goes to its end
        ("2:20", None, {0: (100, 100), 1: (0, 0), 2: (20, 50)}),
        ("20", "2:30", {0: (20, 100), 1: (0, 0), 2: (20, 30)}),
        # an end before what is there still
        ("0", "5", {0: (10, 10), 1: (0, 0), 2: (0, 5)}),
        ("2026-01-12", "2026-01-20", {0: (12, 20), 1: (0, 0), 2: (12, 20)}),
    ],
)
def test_each_partition_has_its_span(begin: str, end: str | None, found: dict[int, tuple[int, int]]) -> None:
    last = read_bound(end, NOW, "--to") if end else None

    assert spans(read_bound(begin, NOW, "--from"), last, ENDS, at) == found


@pytest.mark.parametrize(("begin", "end"), [("100", None), ("50", "50"), ("2026-01-20", "2026-01-12"), ("1:0", None)])
def test_bounds_with_nothing_between_them_are_refused(begin: str, end: str | None) -> None:
    last = read_bound(end, NOW, "--to") if end else None

    with pytest.raises(WrongSetting, match="no offset of the topic lies between them"):
        spans(read_bound(begin, NOW, "--from"), last, ENDS, at)


def test_a_partition_that_is_not_there_is_named() -> None:
    with pytest.raises(WrongSetting, match="no partition 3, 4"):
        spans(Bound(offsets={0: 20, 3: 1}), Bound(offsets={4: 1}), ENDS, at)

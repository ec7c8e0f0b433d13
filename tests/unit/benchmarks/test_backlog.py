"""When subscribers that work a backlog off may be timed."""

from __future__ import annotations

import pytest

from benchmarks.backlog import shared


def test_partitions_are_shared_when_each_holds_some_and_together_all() -> None:
    assert shared([[0, 2], [1, 3]], 4)


@pytest.mark.parametrize(
    "held",
    [
        pytest.param([[0, 1, 2, 3], []], id="one holds none"),
        pytest.param([[0, 2], [1]], id="one is nobody's"),
        pytest.param([[0, 1, 2], [2, 3]], id="one is changing hands"),
    ],
)
def test_partitions_are_not_shared_while(held: list[list[int]]) -> None:
    assert not shared(held, 4)

"""What is wrong with the partitions that subscribers hold."""

from __future__ import annotations

import pytest

from tests.chaos.sharing import unshared


def test_subscribers_that_share_all_partitions() -> None:
    assert unshared({"a": [0, 3], "b": [1], "c": [2]}, 4) == []


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"a": [0, 1], "b": []}, ["b holds no partition"]),
        ({"a": [0, 1], "b": [1]}, ["partition 1 is held by a and b"]),
        ({"a": [0], "b": []}, ["b holds no partition", "partition 1 is held by no subscriber"]),
    ],
    ids=["one stays out", "two of one", "one of nobody"],
)
def test_subscribers_that_do_not(held: dict[str, list[int]], said: list[str]) -> None:
    assert unshared(held, 2) == said

"""What the comparison of deletes finds."""

from __future__ import annotations

import pytest

from tests.chaos.deletes import Tombstone, misplaced
from tests.chaos.ledger import Message

DELETED = {1: 2}
MESSAGES = [Message(1, 1, 0, 5, 10), Message(1, 2, 0, 7, 11), Message(2, 1, 0, 9, 11)]
DELETE = Tombstone(1, 0, 8, 12)


def test_a_delete_after_all_versions_of_its_row() -> None:
    assert misplaced(DELETED, [DELETE], MESSAGES, 20) == []


@pytest.mark.parametrize(
    ("tombstones", "said", "at"),
    [
        ([], "deleted, but no delete in the topic: row 1 version 2", 20),
        ([DELETE, DELETE._replace(offset=9, at=13)], "in the topic again: delete of row 1", 13),
        ([DELETE, Tombstone(2, 0, 10, 13)], "in the topic, but never committed: delete of row 2", 13),
        ([DELETE._replace(offset=6)], "in the topic beside or after its delete at offset 6: row 1 version 2", 11),
    ],
    ids=["lost", "twice", "of a row that is there", "before the last version"],
)
def test_a_delete_that_is_wrong(tombstones: list[Tombstone], said: str, at: float) -> None:
    (wrong,) = misplaced(DELETED, tombstones, MESSAGES, 20)
    assert wrong.what.startswith(said)
    assert wrong.at == at


def test_a_row_in_another_partition_than_its_delete() -> None:
    (wrong,) = misplaced(DELETED, [DELETE], [Message(1, 1, 1, 3, 10)], 20)
    assert "beside or after its delete" in wrong.what

"""The rows before the boundary, as a condition on them."""

import pytest

from connectors.publication import before, operations


@pytest.mark.parametrize(
    ("skipped", "published"),
    [
        ("none", "insert, update, delete, truncate"),
        ("t", "insert, update, delete"),
        ("u,d,t", "insert"),
        ("t, d", "insert, update"),
    ],
)
def test_what_is_skipped_is_not_published(skipped: str, published: str) -> None:
    assert operations(skipped) == published


def test_what_a_snapshot_sees_was_written_below_its_ceiling_by_what_had_ended() -> None:
    assert before("10:20:") == "xmin::text::bigint < 20"
    assert before("10:20:12,15") == "xmin::text::bigint < 20 AND xmin::text::bigint NOT IN (12, 15)"


def test_once_the_numbers_of_transactions_repeat_nothing_is_told_apart() -> None:
    assert before(f"10:{2**32 - 1}:") is not None
    assert before(f"10:{2**32}:") is None

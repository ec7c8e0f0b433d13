"""When stored offsets are compared with the target's, and what has gone from it."""

from __future__ import annotations

from subscriber.settlement import SETTLED_SECONDS, Settlement


def test_offsets_are_compared_once_nothing_was_stored_for_a_while() -> None:
    settlement = Settlement()
    assert settlement.due(1000.0) == {}
    settlement.stored(0, 5, 1000.0)
    settlement.stored(1, 7, 1001.0)
    assert settlement.due(1001.0 + SETTLED_SECONDS - 0.1) == {}
    assert settlement.due(1001.0 + SETTLED_SECONDS) == {0: 5, 1: 7}


def test_what_the_target_has_lost_is_told_once() -> None:
    settlement = Settlement()
    for partition in range(3):
        settlement.stored(partition, 5, 1000.0)
    due = settlement.due(2000.0)
    assert settlement.settle(due, {0: 5, 1: 4}) == {1, 2}
    assert settlement.due(3000.0) == {}


def test_what_changed_while_the_target_was_asked_stays_open() -> None:
    settlement = Settlement()
    for partition in range(3):
        settlement.stored(partition, 5, 1000.0)
    due = settlement.due(2000.0)
    settlement.stored(1, 9, 2000.0)
    settlement.forget(2)
    assert settlement.settle(due, {0: 5}) == frozenset()
    assert settlement.due(2000.0 + SETTLED_SECONDS) == {1: 9}


def test_a_target_that_cannot_be_asked_is_asked_later() -> None:
    settlement = Settlement()
    settlement.stored(0, 5, 1000.0)
    settlement.postpone(1001.0)
    assert settlement.due(1000.0 + SETTLED_SECONDS) == {}
    assert settlement.due(1001.0 + SETTLED_SECONDS) == {0: 5}

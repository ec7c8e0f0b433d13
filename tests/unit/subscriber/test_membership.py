"""When a Kafka client counts as having fallen out of its group."""

from __future__ import annotations

import json

from subscriber.membership import LOST_SECONDS, Membership


def told(membership: Membership, join_state: str, now: float) -> None:
    membership.told(json.dumps({"name": "c#consumer-1", "cgrp": {"state": "up", "join_state": join_state}}), now)


def test_a_client_that_never_becomes_a_member_is_lost_after_a_while() -> None:
    membership = Membership(100.0)
    told(membership, "wait-join", 101.0)
    assert not membership.member
    assert not membership.lost(100.0 + LOST_SECONDS - 1)
    assert membership.lost(100.0 + LOST_SECONDS)
    assert membership.state == "wait-join"


def test_a_member_is_not_lost_however_long_it_is_one() -> None:
    membership = Membership(0.0)
    told(membership, "steady", 1.0)
    assert membership.member
    assert not membership.lost(1000.0)


def test_the_time_begins_when_it_leaves() -> None:
    membership = Membership(0.0)
    told(membership, "steady", 1.0)
    told(membership, "wait-unassign-to-complete", 1000.0)
    told(membership, "wait-unassign-to-complete", 1030.0)
    assert not membership.lost(1000.0 + LOST_SECONDS - 1)
    assert membership.lost(1000.0 + LOST_SECONDS)


def test_a_broker_that_is_away_is_a_reason_to_be_out() -> None:
    membership = Membership(0.0)
    told(membership, "wait-join", 1.0)
    membership.excused(500.0)
    assert not membership.lost(500.0 + LOST_SECONDS - 1)
    assert membership.lost(500.0 + LOST_SECONDS)


def test_statistics_without_a_group_tell_nothing() -> None:
    membership = Membership(0.0)
    told(membership, "steady", 1.0)
    membership.told(json.dumps({"name": "c#consumer-1"}), 2.0)
    assert membership.member

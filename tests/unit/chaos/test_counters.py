"""By how much a subscriber's counters may differ from the tables."""

from __future__ import annotations

import pytest

from tests.chaos.counters import Commit, Doubt, Sample, doubt, miscounted
from tests.chaos.journal import Done
from tests.chaos.plan import Fault

COMMITS = [Commit(90, {"predicted": 500}), Commit(99, {"predicted": 40, "dead": 2}), Commit(100, {"predicted": 7})]
SAMPLES = [
    Sample(at, {"predicted": counted, "dead": 0}) for at, counted in ((96, 10), (97.5, 20), (99.9, 60), (102, 61))
]


NONE = Doubt(frozenset({0}), 0)


def done(kind: str, target: str) -> Done:
    return Done(Fault(0, 0, kind, target, 0.0, 2.0), 100.0, 102.0, "seen")


@pytest.mark.parametrize(
    ("fault", "may"),
    [
        (done("kill", "target"), Doubt(frozenset({0, 40, 7}), 41)),
        (done("restart", "target"), Doubt(frozenset({0, 40, 7}), 0)),
        (done("cut", "target"), Doubt(frozenset({0, 40, 7}), 0)),
        (done("stall", "target"), NONE),
        (done("kill", "api"), NONE),
    ],
    ids=lambda value: f"{value.fault.kind} {value.fault.target}" if isinstance(value, Done) else "",
)
def test_what_a_fault_leaves_in_doubt(fault: Done, may: Doubt) -> None:
    assert doubt("predicted", [fault], COMMITS, SAMPLES) == may


def test_each_break_leaves_one_commit_in_doubt() -> None:
    assert doubt("dead", [done("cut", "target"), done("reset", "target")], COMMITS, SAMPLES) == Doubt(
        frozenset({0, 2, 4}), 0
    )


@pytest.mark.parametrize(
    ("told", "right"), [(89, False), (90, True), (95, True), (96, False), (100, True), (105, True), (106, False)]
)
def test_counters_may_differ_by_what_is_in_doubt(told: int, right: bool) -> None:
    said = miscounted("subscriber-0", {"predicted": (told, 100)}, {"predicted": Doubt(frozenset({0, 10}), 5)})
    assert (said == []) == right


def test_counters_differ_by_nothing_without_a_doubt() -> None:
    counted = {"predicted": (99, 100), "dead": (5, 5)}
    (said,) = miscounted("subscriber-0", counted, dict.fromkeys(counted, NONE))
    assert said.startswith("subscriber-0 counted 99 rows predicted, and the table has 100 of it")


def test_a_counter_that_counts_nothing() -> None:
    assert miscounted("subscriber-0", {"dead": (0, 0)}, {"dead": Doubt(frozenset({0, 9}), 9)}) == [
        "subscriber-0 counted no row dead"
    ]

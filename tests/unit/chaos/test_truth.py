"""Which outages a subscriber should have told, and what has leaked."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.chaos.errors import Stuck
from tests.chaos.held import Held, leaked
from tests.chaos.journal import Done
from tests.chaos.ledger import Wrong
from tests.chaos.members import Member
from tests.chaos.plan import Fault
from tests.chaos.truth import Said, Watch, flows, silent, unjudged


def done(kind: str, target: str, began: float, ended: float) -> Done:
    return Done(Fault(0, 0, kind, target, 0.0, ended - began), began, ended, "seen")


def said(*ready: bool) -> list[Said]:
    """What a subscriber said at 101, 102, … seconds."""
    return [Said(101.0 + i, 0, value) for i, value in enumerate(ready)]


OUTAGES = [
    ("kill", "target", 3),
    ("restart", "broker", 3),
    ("freeze", "api", 4),
    ("stall", "target", 4),
    ("disk-full", "target", 3),
]


@pytest.mark.parametrize(("kind", "target", "seconds"), OUTAGES)
def test_an_outage_that_a_subscriber_told(kind: str, target: str, seconds: float) -> None:
    assert silent([done(kind, target, 100, 100 + seconds)], said(True, False, True)) == ({kind: 1}, [])


@pytest.mark.parametrize(("kind", "target", "seconds"), OUTAGES)
def test_an_outage_that_nobody_told(kind: str, target: str, seconds: float) -> None:
    judged, (wrong,) = silent([done(kind, target, 100, 100 + seconds)], said(True, True, True))
    assert judged == {kind: 1}
    assert f"{kind} {target}: away for {seconds:.1f} s" in wrong.what
    assert wrong.at == 100


@pytest.mark.parametrize(
    "faults",
    [
        [done("restart", "target", 100, 101)],
        [done("freeze", "target", 100, 103.9)],
        [done("restart", "source", 100, 104)],
        [done("stall", "broker", 100, 104)],
        [done("restart", "target", 100, 104)._replace(effect="")],
        [done("restart", "api", 100, 104), done("restart", "connect", 90, 95)],
        [done("restart", "api", 100, 125), done("latency", "connect-source", 101, 113)],
        [done("restart", "api", 100, 104), done("latency", "connect-source", 102, 105)],
    ],
    ids=[
        "short",
        "frozen for a moment",
        "upstream",
        "a broker that is silent",
        "without effect",
        "no rows before",
        "no rows for most of it",
        "no rows beside it",
    ],
)
def test_an_outage_that_need_not_show(faults: list[Done]) -> None:
    assert silent(faults, said(True, True)) == ({}, [])


def test_one_of_each_kind_must_have_been_judged() -> None:
    faults = [done("kill", "api", 100, 104), done("freeze", "api", 110, 112), done("429", "api", 120, 124)]
    (wrong,) = unjudged(faults, {"kill": 1})
    assert wrong == Wrong("freeze: no outage could be judged by what the subscribers said", 110)
    assert unjudged(faults, {"kill": 1, "freeze": 1}) == []


@pytest.mark.parametrize(("ready", "busy", "flowing"), [(True, 0.3, True), (True, 2.0, False), (False, 0.0, False)])
def test_rows_flow_where_a_subscriber_is_ready_and_no_stage_waits(ready: bool, busy: float, flowing: bool) -> None:
    answer = {"ready": ready, "pipelines": {"chaos": {"busy": [{"stage": "store", "seconds": busy}]}}}
    assert flows(answer) == flowing


class Odd(Member):
    """A subscriber that answers something else."""

    running = True

    def __init__(self) -> None:
        self.asked, self.number = threading.Event(), 0

    def says(self) -> dict[str, Any]:
        self.asked.set()
        return {"ready": True}


def test_a_watch_that_fails_is_noticed() -> None:
    odd = Odd()
    watch = Watch([odd])
    watch.check()
    watch.start()
    assert odd.asked.wait(10)
    with pytest.raises(Stuck, match="KeyError"):
        watch.stop()


def test_the_part_of_an_outage_in_which_rows_came_is_judged() -> None:
    faults = [done("kill", "api", 100, 130), done("kill", "connect", 99, 110)]
    # the fault beside it hides the outage up to 120
    assert silent(faults, [Said(115, 0, True), Said(125, 0, False)]) == ({"kill": 1}, [])
    judged, wrong = silent(faults, [Said(115, 0, False), Said(125, 0, True)])
    assert (judged, len(wrong)) == ({"kill": 1}, 1)


def test_what_grew_by_more_than_comes_and_goes_has_leaked() -> None:
    before = Held({"target member_0": 2}, {"subscriber-0": 10}, {"subscriber-0": 20})
    assert leaked(before, Held({"target member_0": 3}, {"subscriber-0": 11}, {"subscriber-0": 24})) == []
    after = Held({"target member_0": 9, "target member_3": 1}, {"subscriber-0": 40}, {"subscriber-0": 90})
    assert [line.partition(",")[0] for line in leaked(before, after)] == [
        "connections to target member_0: 9",
        "connections to target member_3: 1",
        "threads of subscriber-0: 40",
        "files of subscriber-0: 90",
    ]

"""The faults of a run are a function of its seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.kinds import JUDGED, KINDS, TOLD_SECONDS
from tests.chaos.plan import IMMORTAL_KINDS, plan, rounds

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(1, 60), st.integers(1, 60))
def test_a_shorter_plan_is_the_beginning_of_a_longer_one_of_the_same_seed(seed: int, one: int, other: int) -> None:
    shorter, longer = sorted((one, other))
    assert plan(seed, longer)[:shorter] == plan(seed, shorter)


@given(SEEDS)
def test_every_kind_comes_before_any_comes_again(seed: int) -> None:
    assert {fault.kind for fault in plan(seed, len(KINDS))} == {kind.name for kind in KINDS}


@given(SEEDS)
def test_each_fault_befalls_whom_its_kind_names_and_lasts_as_long_as_it_says(seed: int) -> None:
    kinds = {kind.name: kind for kind in KINDS}
    for fault in plan(seed, 200)[len(JUDGED) :]:
        kind = kinds[fault.kind]
        assert fault.target.partition("-")[0] in {target.partition("-")[0] for target in kind.targets}
        assert kind.seconds[0] - 0.01 <= fault.seconds <= kind.seconds[1] + 0.01
        if fault.target == "subscriber-0":
            assert fault.kind in IMMORTAL_KINDS


@given(SEEDS)
def test_a_run_begins_with_absences_that_must_be_told_each_alone(seed: int) -> None:
    kinds = {kind.name: kind for kind in KINDS}
    first = plan(seed, len(JUDGED) + 1)
    assert {fault.kind for fault in first[:-1]} == set(JUDGED)
    assert [fault.round for fault in first] == list(range(len(first)))
    for fault in first[:-1]:
        assert fault.target in kinds[fault.kind].told
        assert kinds[fault.kind].told_after < TOLD_SECONDS[0] <= fault.seconds <= TOLD_SECONDS[1]


@given(SEEDS)
def test_the_rounds_are_the_plan(seed: int) -> None:
    planned = plan(seed, 100)
    assert [fault for faults in rounds(planned) for fault in faults] == planned


def test_another_seed_gives_other_faults() -> None:
    assert plan(1, 50) != plan(2, 50)

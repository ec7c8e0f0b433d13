"""What of a long run is beyond its bound."""

from __future__ import annotations

import random

import pytest

from benchmarks.sampled import INSERTED, LAG, MEMORY, WAL, Samples, bound
from benchmarks.steadiness import Bound, judge

# an hour, a sample each ten seconds
MINUTES = [second / 60 for second in range(10, 3610, 10)]
COLLECTED = [400.0 + 60 * (sample % 30) / 30 for sample in range(len(MINUTES))]


def rising(values: list[float], per_hour: float) -> list[float]:
    return [value + per_hour * at / 60 for at, value in zip(MINUTES, values, strict=True)]


@pytest.mark.parametrize("per_hour", [5.0, 13.0])
def test_memory_that_leaks_a_few_mebibytes_an_hour_between_collections_is_told(per_hour: float) -> None:
    noise = random.Random(1)  # noqa: S311
    found = judge(MINUTES, rising([value + noise.gauss(0, 2) for value in COLLECTED], per_hour), Bound(per_hour=4))
    assert found.per_hour == pytest.approx(per_hour, abs=1)
    assert found.faults[0].startswith("grows by ")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([100.0] * 360, id="constant"),
        pytest.param(COLLECTED, id="memory between collections"),
        pytest.param([100.0] * 359 + [9000.0], id="one sample far off"),
        pytest.param(rising(COLLECTED, -50), id="falling"),
        pytest.param(rising(COLLECTED, 3), id="less than it may"),
    ],
)
def test_what_does_not_grow_is_not_told(values: list[float]) -> None:
    assert judge(MINUTES, values, Bound(per_hour=4)).faults == ()


def test_growth_may_be_bounded_by_a_share() -> None:
    values = rising([100.0] * 360, 6)
    assert judge(MINUTES, values, Bound(share_per_hour=0.07)).faults == ()
    assert judge(MINUTES, values, Bound(share_per_hour=0.05)).faults == ("grows by 6.0 an hour, and may by 5.2",)


def test_no_sample_may_be_above_the_most() -> None:
    found = judge(MINUTES, [10.0] * 359 + [21.0], Bound(most=20))
    assert found.faults == ("is 21.0 at most, and may be 20.0",)


def test_of_a_short_run_no_growth_is_judged() -> None:
    assert judge(MINUTES[:60], rising(COLLECTED, 5000)[:60], Bound(per_hour=4)).faults == ()


def test_our_services_may_grow_less_than_servers_with_caches_to_fill() -> None:
    ours, others = bound(f"subscriber: {MEMORY}", 100), bound(f"Kafka: {MEMORY}", 100)
    assert ours.per_hour is not None
    assert others.per_hour is not None
    assert ours.per_hour < others.per_hour < 20
    assert bound(LAG, 100).most == 1000
    assert bound(WAL, 100).most == 1024


def test_rows_that_were_not_inserted_are_a_fault() -> None:
    samples = Samples()
    for at in MINUTES:
        samples.add(at, {INSERTED: 97 * 60 * at, LAG: 5.0})
    assert samples.faults(97) == []
    assert samples.faults(100) == ["only 97.0 of 100 rows a second were inserted"]

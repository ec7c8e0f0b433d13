"""The command line of the benchmarks."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import MEASURE, Benchmark, arguments, command, numbers
from benchmarks.contenders.roster import OURS, PLAIN_LOOP
from stack.errors import StackError


def test_options_are_what_measure_takes() -> None:
    assert arguments(Benchmark.GROWTH, {"rounds": 1, "rows": 1000, "millions": "1,10,50"}) == {
        "rounds": 1,
        "rows": 1000,
        "millions": [1, 10, 50],
    }
    assert arguments(Benchmark.FRESHNESS, {"seconds": 2.0, "rates": "1,200"}) == {"seconds": 2.0, "rates": [1, 200]}
    chosen = arguments(Benchmark.PEERS, {"contenders": "plain-loop,subscriber"})
    assert chosen == {"contenders": [OURS, PLAIN_LOOP]}
    assert all(arguments(name, {"rounds": 1}) == {"rounds": 1} for name in MEASURE)


def test_a_size_that_a_benchmark_has_not_is_refused() -> None:
    with pytest.raises(StackError, match="--millions: one-row has no such size"):
        arguments(Benchmark.ONE_ROW, {"millions": "1"})


@pytest.mark.parametrize("text", ["10,1", "1,many", "", "0,1", "1,1"])
def test_numbers_that_do_not_ascend_are_refused(text: str) -> None:
    with pytest.raises(StackError, match=f"--millions {text}: not ascending numbers"):
        numbers("--millions", text)


def test_a_result_names_the_command_with_its_sizes() -> None:
    assert command(Benchmark.GROWTH, {}) == "make bench ARGS=growth"
    assert command(Benchmark.GROWTH, {"millions": "1,50"}) == 'make bench ARGS="growth --millions 1,50"'

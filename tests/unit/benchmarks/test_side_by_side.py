"""What is made of the runs of a comparison."""

from __future__ import annotations

import math

import pytest

from benchmarks.contenders.roster import ALL, OURS, PIPELINE, PLAIN_LOOP, pipeline, table_sql
from benchmarks.quick import ratios
from benchmarks.race import Run, rate
from benchmarks.side_by_side import chosen, order, result
from stack.errors import StackError
from subscriber.pipeline_file import load_pipeline


def run(rate: float, cpu: float = 1.0) -> Run:
    return Run(1000, rate, {"contender": cpu, "API": cpu}, 50.0)


def test_a_rate_counts_from_the_first_rows_seen_to_the_last_change() -> None:
    assert rate([(10.0, 500), (10.5, 500), (11.0, 900), (12.0, 1500), (20.0, 1500)]) == (1000, 500.0)


def test_rows_that_all_came_at_once_have_no_rate() -> None:
    rows, a_second = rate([(10.0, 500), (11.0, 500)])
    assert rows == 0
    assert math.isnan(a_second)


def test_the_rows_are_ranked_with_their_spread_and_their_ratio_to_the_plain_loop() -> None:
    found = result(
        [PLAIN_LOOP, OURS],
        {PLAIN_LOOP.name: [run(200), run(100), run(300)], OURS.name: [run(90_000), run(100_000), run(110_000)]},
        rows=1000,
        rounds=3,
    )
    speed, cost = found.tables
    assert speed.rows[0][:4] == [OURS.title, "100,000", "90,000 to 110,000", "500.0"]
    assert speed.rows[1][:4] == [PLAIN_LOOP.title, "200", "100 to 300", "1.0"]
    assert cost.rows[0] == [OURS.title, "1.0", "1.0", "2.0"]
    (points,) = (series.points for series in found.charts[0].series)
    assert [(point.y, point.low, point.high) for point in points] == [(100_000, 90_000, 110_000), (200, 100, 300)]


def test_every_round_runs_each_once_and_begins_with_another() -> None:
    rounds = [order(ALL, number) for number in range(1, 4)]
    assert all(set(a_round) == set(ALL) for a_round in rounds)
    assert len({a_round[0] for a_round in rounds}) == len(rounds)


def test_an_unknown_contender_is_named() -> None:
    with pytest.raises(StackError, match=r"there is no storm; there are subscriber,plain-loop"):
        chosen("subscriber,storm")


def test_ratios_of_speed_and_of_cpu() -> None:
    speed, cpu = ratios([run(90_000, 2.0)], [run(200, 800.0)])
    assert speed.startswith("speed: ratio=450 subscriber_rows_per_s=90000 plain_loop_rows_per_s=200")
    assert cpu.startswith("cpu: ratio=400 ")


def test_the_subscriber_runs_the_shipped_pipeline_but_for_its_names(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("API_URL", "http://127.0.0.1:8000")
    file = tmp_path / "own.toml"
    file.write_text(pipeline(PIPELINE.read_text(), "bench-iris_data", "bench_1"))
    shipped, own = (load_pipeline(path).model_dump() for path in (PIPELINE, file))
    named = {"name": "bench_1", "topic": "bench-iris_data", "group": "bench_1", "create_sql": None}
    target = {**shipped["target"], "table": "bench_1", "create": None}
    assert own == {**shipped, **{key: value for key, value in named.items() if key in shipped}, "target": target}


def test_the_table_of_a_run_has_the_indexes_of_predictions_under_its_own_name() -> None:
    made = table_sql("bench_1")
    assert "iris_prediction" not in made
    assert "bench_1_source_id on bench_1 (source_id, id desc)" in made

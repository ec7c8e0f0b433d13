"""Subscribers that work rows off together, on real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.backlog import backlog

if TYPE_CHECKING:
    import psycopg

    from benchmarks.running import Running

ROWS = 20_000


def test_each_of_two_subscribers_has_its_part_of_the_rows_that_are_timed(
    running: Running, target: psycopg.Connection, name: str
) -> None:
    with backlog(running, name, partitions=4) as made:
        made.fill(1000)
        made.catch_up()
        worked = made.work_off(ROWS, subscribers=2)
        table = f"{name}_prediction"
        counted = target.execute(f"select count(*), count(distinct source_id) from {table}".encode()).fetchone()
    assert counted == (1000 + ROWS, 1000 + ROWS)
    assert worked.rows_per_second > 0
    assert len(worked.peak_mb) == 2
    assert min(worked.peak_mb) > 10
    assert list(worked.cpu) == ["subscribers", "API", "broker", "Postgres"]
    gone = target.execute("select to_regclass(%s)", [table]).fetchone()
    assert gone == (None,)

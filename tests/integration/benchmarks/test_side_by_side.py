"""A comparison in small, on real servers."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

import psycopg
import pytest

from benchmarks.contenders.roster import OURS, PEERS, PLAIN_LOOP, installed, table_sql
from benchmarks.quick import ratios
from benchmarks.race import Race
from benchmarks.running import Running
from benchmarks.side_by_side import raced
from stack.errors import StackError
from stack.process import Server
from tests.stream import wait_until

if TYPE_CHECKING:
    from pathlib import Path


# several batches of each contender
ROWS = 20_000


def test_the_subscriber_and_the_plain_loop_predict_the_same_rows_at_rates_of_their_own(
    running: Running, name: str
) -> None:
    ours, loop = OURS, replace(PLAIN_LOOP, seconds=2.0)
    runs = raced(running, ROWS, 1, [ours, loop], name)
    ((our_run,), (loop_run,)) = runs[ours.name], runs[loop.name]
    assert our_run.rows == ROWS
    assert 0 < loop_run.rows < ROWS
    assert set(our_run.cpu) == {"contender", "API", "broker", "Postgres"}
    assert all(seconds >= 0 for run in (our_run, loop_run) for seconds in run.cpu.values())
    assert loop_run.rows_a_second > 0
    assert ratios([our_run], [loop_run])[0].startswith("speed: ratio=")


@pytest.mark.parametrize(
    ("cheat", "told"),
    [
        ("delete from {0} where source_id = 7", "9 rows are stored, 9 of them different, 0 wrong"),
        (
            "insert into {0} (source_id, iris_class) select source_id, iris_class from {0} where source_id = 7",
            "11 rows",
        ),
        ("update {0} set iris_class = 2 where source_id = 7", "1 wrong"),
        ("update {0} set timestamp = now() where source_id = 7", "1 wrong"),
        ("update {0} set model_version = 'other' where source_id = 7", "1 wrong"),
    ],
)
def test_rows_that_are_missing_doubled_or_different_end_a_comparison(
    running: Running, target: psycopg.Connection, name: str, cheat: str, told: str
) -> None:
    reference, table = f"{name}_a", f"{name}_b"
    for made in (reference, table):
        target.execute(table_sql(made).encode())
        target.execute(
            f"insert into {made} (source_id, iris_class, timestamp, model_version)"
            " select i, 1, to_timestamp(i), 'v' from generate_series(1, 10) i"
        )
    race = Race(running, name, 10, reference)
    try:
        race.check(OURS, table, 10)
        target.execute(cheat.format(table).encode())
        with pytest.raises(StackError, match=told):
            race.check(OURS, table, 10)
    finally:
        race.close()


def test_every_peer_stores_the_rows_that_the_subscriber_stores(running: Running, name: str) -> None:
    if not installed():
        pytest.skip("there is no environment of the peers: `make bench` installs it")
    # those that are another row, doubled or missing would end it
    runs = raced(running, ROWS, 1, PEERS, name)
    assert {contender: run.rows for contender, (run,) in runs.items()} == {peer.name: ROWS for peer in PEERS}


def test_a_run_ends_when_every_connection_has_stored_its_rows(
    running: Running, target: psycopg.Connection, name: str, tmp_path: Path
) -> None:
    target.execute(table_sql(name).encode())
    insert = f"insert into {name} (source_id) select generate_series(%s::int, %s::int)"
    process = Server("sleeping", ["sleep", "60"], tmp_path, ready=lambda: True)
    race = Race(running, name, 10, name)
    with (
        psycopg.connect(running.settings.target_dsn()) as slow,
        psycopg.connect(running.settings.target_dsn()) as quick,
    ):
        slow.execute(insert, (1, 5))
        quick.execute(insert, (6, 10))
        quick.commit()
        found = []
        process.start()
        watching = Thread(target=lambda: found.append(race.watched(OURS, process, name)))
        watching.start()
        try:
            counting = f"select from pg_stat_activity where query = 'select count(*) from \"{name}\"'"
            wait_until("the rows are counted", lambda: target.execute(counting.encode()).rowcount)
            slow.commit()
            watching.join(10)
        finally:
            process.stop()
            race.close()
    assert [run.rows for run in found] == [10]

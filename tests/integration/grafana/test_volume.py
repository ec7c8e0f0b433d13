"""Every query of the dashboards and alerts at ten million rows: none reads a table from end to end."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from stack.settings import ROOT
from tests.unit.grafana.macros import Range, expand
from tests.unit.grafana.provisioned import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers
    from tests.unit.grafana.provisioned import Query

DATABASE = "grafana_volume"
ROWS = 10_000_000
LETTERS = 200_000
# as the stream makes them, 250 rows a second up to now: 75,000 in five minutes, all in eleven hours
STEP_MS = 4
# the most that a query counts; none may read more
MOST_ROWS = 100_000
LARGE = {"iris_prediction", "iris_data", "dead_letter"}

# the tables' own DDL, then: loaded without indexes and without a log, which is the quick way, and indexed after
DDL = [
    ROOT / path for path in ("subscriber/sql/schema.sql", "subscriber/pipelines/iris.sql", "connectors/sql/target.sql")
]
LOAD = {
    "iris_data": f"""
        insert into iris_data
        select i, moment, 5 + random(), 3 + random(), 1 + 4 * random(), 2 * random(), i % 3
        from generate_series(1, {ROWS}) as i,
          lateral (select now() - ({ROWS} - i) * interval '{STEP_MS} ms' as moment) as m""",
    "iris_prediction": f"""
        insert into iris_prediction (timestamp, iris_class, source_id, model_version, predicted_at)
        select moment, (i + (i % 50 = 0)::int) % 3, i, '0123456789ab', moment + interval '30 ms'
        from generate_series(1, {ROWS}) as i,
          lateral (select now() - ({ROWS} - i) * interval '{STEP_MS} ms' as moment) as m""",
    "dead_letter": f"""
        insert into dead_letter (pipeline, topic, partition, "offset", cause, detail, value, failed_at)
        select 'iris', 'postgres-source-iris_data', i % 4, i, 'malformed', 'not JSON', 'x',
          now() - ({LETTERS} - i) * interval '200 ms'
        from generate_series(1, {LETTERS}) as i""",
}


def load(dsn: str, table: str) -> None:
    """Fill one table, its indexes made anew after the rows."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set maintenance_work_mem = '512MB'")
        key = connection.execute(
            "select conname, pg_get_constraintdef(oid) from pg_constraint"
            " where contype = 'p' and conrelid = %s::regclass",
            [table],
        ).fetchone()
        assert key is not None
        indexes = connection.execute(
            "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index"
            " where indrelid = %s::regclass and not indisprimary",
            [table],
        ).fetchall()
        connection.execute(f"alter table {table} set unlogged".encode())
        connection.execute(f"alter table {table} drop constraint {key[0]}".encode())
        for name, _ in indexes:
            connection.execute(f"drop index {name}".encode())
        connection.execute(LOAD[table].encode())
        connection.execute(f"alter table {table} add constraint {key[0]} {key[1]}".encode())
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute(f"vacuum analyze {table}".encode())


@pytest.fixture(scope="module")
def volume(stack: Servers) -> Iterator[psycopg.Connection]:
    """A database with the target's tables and ten million rows, removed at the end."""
    dsn = stack.target.superuser_dsn(DATABASE)
    with psycopg.connect(stack.target.superuser_dsn("postgres"), autocommit=True) as server:
        drop = f"drop database if exists {DATABASE} with (force)".encode()
        server.execute(drop)
        server.execute(f"create database {DATABASE}".encode())
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                for path in DDL:
                    connection.execute(path.read_bytes())
                started = time.monotonic()
                with ThreadPoolExecutor(len(LOAD)) as pool:
                    list(pool.map(lambda table: load(dsn, table), LOAD))
                print(f"{ROWS:,} rows in each table, with indexes, in {time.monotonic() - started:.0f} s")
                yield connection
        finally:
            server.execute(drop)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("span", [timedelta(minutes=5), timedelta(hours=10)], ids=["5 minutes", "10 hours"])
@pytest.mark.parametrize("query", [q for q in sql() if q.datasource == "target"], ids=lambda query: query.name)
def test_no_table_is_read_from_end_to_end(query: Query, span: timedelta, volume: psycopg.Connection) -> None:
    (newest,) = volume.execute("select max(timestamp) from iris_data").fetchone() or (None,)
    statement = expand(query.text, Range.last(span, end=newest))

    ((found,),) = volume.execute(f"explain (analyze, format json) {statement}".encode()).fetchall()

    print(f"{query.name}, last {span}: {found[0]['Execution Time']:.0f} ms")
    for node in nodes(found[0]["Plan"]):
        if "Relation Name" in node and node["Relation Name"] in LARGE:
            assert node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, node
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            assert read * node["Actual Loops"] <= MOST_ROWS, node


def test_the_newest_prediction_of_a_row_is_found_by_index(volume: psycopg.Connection) -> None:
    statement = "explain (analyze, format json) select * from iris_prediction_latest where source_id = 4711"

    ((found,),) = volume.execute(statement).fetchall()

    (scan,) = (node for node in nodes(found[0]["Plan"]) if "Relation Name" in node)
    assert scan["Node Type"] == "Index Scan"
    assert scan["Index Name"] == "iris_prediction_source_id"

"""A table is added while another flows: no row of either is lost or comes twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from tests.integration.connectors.conftest import COLUMNS, TopicContent, Writer, ids
from tests.runs import as_processes
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.services import Services
    from stack.settings import Settings
    from tests.commands import Finished
    from tests.servers import Servers

pytestmark = as_processes
OLD_ROWS = 5000


def content(settings: Settings, topic: str) -> list[int]:
    """The ids of the rows in a topic, in order."""
    with closing(TopicContent(settings.kafka_bootstrap_servers, topic)) as found:
        return sorted(json.loads(key)["payload"]["id"] for key in found.read())


def topics(settings: Settings) -> set[str]:
    return set(AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers}).list_topics(timeout=10).topics)


def task_starts(stack: Servers) -> int:
    """How often the source's task has been started."""
    log = (stack.folder / "log" / "connect.log").read_text(errors="replace")
    return log.count("Starting PostgresConnectorTask")


def test_a_table_is_added_with_its_rows_while_both_are_written_to(
    stack: Servers, settings: Settings, source: psycopg.Connection, schema: str, connectors: Callable[..., Finished]
) -> None:
    # given a table that flows
    running, added = f"{schema}.running", f"{schema}.added"
    source.execute(f"create table {running} ({COLUMNS})")
    source.execute(f"insert into {running} (total) select i from generate_series(1, 10) as i")
    done = connectors("add", "--table", running)
    assert done.returncode == 0, done.stderr
    assert f"topic postgres-source-{schema}-running has the 10 rows" in done.stdout

    # when another one that has rows is added, and both are written to
    source.execute(f"create table {added} ({COLUMNS})")
    source.execute(f"insert into {added} (total) select i from generate_series(1, {OLD_ROWS}) as i")
    starts = task_starts(stack)
    assert starts
    writers = [Writer(settings.source_dsn(), table) for table in (running, added)]
    done = connectors("add", "--table", added)
    for writer in writers:
        writer.stop()

    # then it is told where the rows are, and the connector was not disturbed
    assert done.returncode == 0, done.stderr
    assert f"topic postgres-source-{schema}-added has the" in done.stdout
    assert task_starts(stack) == starts
    # and every row of both tables is there once
    for table in (running, added):
        wanted = ids(source, table)
        topic = f"postgres-source-{table.replace('.', '-')}"
        wait_until(f"rows of {table}", lambda topic=topic, wanted=wanted: len(content(settings, topic)) >= len(wanted))  # type: ignore[misc]
        assert content(settings, topic) == wanted
    assert len(ids(source, added)) > OLD_ROWS

    # and they are told, and neither registering again nor adding again changes anything
    assert f"{added}: published, topic postgres-source-{schema}-added" in connectors("status").stdout
    assert "is published already" in connectors("add", "--table", added).stdout
    source.execute(f"insert into {running} (total) values (1)")
    wait_until("the new row", lambda: content(settings, f"postgres-source-{schema}-running") == ids(source, running))
    assert content(settings, f"postgres-source-{schema}-added") == ids(source, added)

    # when the rows are asked for once more, each comes again
    done = connectors("add", "--table", running, "--again")
    assert done.returncode == 0, done.stderr
    assert content(settings, f"postgres-source-{schema}-running") == sorted(ids(source, running) * 2)

    # when a table is dropped from the stream, its new rows stay out
    assert connectors("drop", "--table", added).returncode == 0
    before = content(settings, f"postgres-source-{schema}-added")
    source.execute(f"insert into {added} (total) values (1)")
    source.execute(f"insert into {running} (total) values (1)")
    rows = len(ids(source, running)) * 2 - 1
    wait_until("the next row", lambda: len(content(settings, f"postgres-source-{schema}-running")) == rows)
    assert content(settings, f"postgres-source-{schema}-added") == before


def test_kafka_connect_dies_while_the_rows_are_sent_and_none_is_lost(
    stack: Servers, settings: Settings, source: psycopg.Connection, schema: str, connectors: Callable[..., Finished]
) -> None:
    # given a table whose rows are being sent, in chunks
    table, topic = f"{schema}.big", f"postgres-source-{schema}-big"
    source.execute(f"create table {table} ({COLUMNS})")
    source.execute(f"insert into {table} (total) select i from generate_series(1, 40000) as i")
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(connectors, "add", "--table", table)
        wait_until("the first rows", lambda: topic in topics(settings) and len(content(settings, topic)) > 2000)

        # when the worker dies and comes back
        stack.connect.kill()
        stack.connect.restart()

        # then the command has waited for it, and every row is there, few of them twice
        done = adding.result()
    assert done.returncode == 0, done.stdout + done.stderr
    found = content(settings, topic)
    assert sorted(set(found)) == ids(source, table)
    assert len(found) < 2 * len(set(found))


def test_what_was_added_is_not_lost_by_registering(
    services: Services,
    settings: Settings,
    source: psycopg.Connection,
    schema: str,
    connectors: Callable[..., Finished],
) -> None:
    # given an added table, and the connectors registered anew, as at each start
    table, topic = f"{schema}.orders", f"postgres-source-{schema}-orders"
    source.execute(f"create table {table} ({COLUMNS})")
    source.execute(f"insert into {table} (total) values (1)")
    assert connectors("add", "--table", table).returncode == 0
    services.run("iris-data", "data_generator", "--rows", "0")
    done = connectors("register")
    assert done.returncode == 0, done.stderr
    (added,) = [line for line in done.stdout.splitlines() if line.startswith("source: added before: ")]
    assert table in added

    # when a row is written, then it flows, and the one before comes once
    source.execute(f"insert into {table} (total) values (2)")
    wait_until("both rows", lambda: content(settings, topic) == ids(source, table))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("create table {table} (id int)", "has no primary key"),
        (f"create view {{table}} as select 1 as {'id'}", "is a view, which has no log"),
        ("create table {table} (id int primary key) partition by range (id)", "is partitioned; add its partitions"),
        ("create unlogged table {table} (id int primary key)", "is not a table that Postgres writes a log of"),
        ("create table {table} (id int primary key); alter table {table} replica identity nothing", "replica identity"),
        ("create table {table} (id int primary key); alter table {table} enable row level security", "row security"),
        ("select '{table}'", "there is no such table in sourcedatabase"),
    ],
)
def test_a_table_that_cannot_flow_is_refused(
    make: str, said: str, source: psycopg.Connection, schema: str, connectors: Callable[..., Finished]
) -> None:
    table = f"{schema}.orders"
    source.execute(make.format(table=table))

    done = connectors("add", "--table", table)

    assert done.returncode == 2, done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"connectors: {table}: ")
    assert said in line


def test_a_table_of_another_role_is_refused_and_flows_once_the_role_is_granted(
    stack: Servers, source: psycopg.Connection, schema: str, name: str, connectors: Callable[..., Finished]
) -> None:
    table, owner = f"{schema}.orders", f"{name}_owner"
    with psycopg.connect(stack.source.superuser_dsn(stack.settings.source_database), autocommit=True) as superuser:
        superuser.execute(f"create role {owner}")
        superuser.execute(f"create table {table} ({COLUMNS})")
        superuser.execute(f"alter table {table} owner to {owner}")

        done = connectors("add", "--table", table)
        assert done.returncode == 2
        assert f"belongs to {owner}, so sourceuser (SOURCE_USER) may not publish it" in done.stderr
        assert f"`grant {owner} to sourceuser` lets it" in done.stderr

        superuser.execute(f"grant {owner} to sourceuser")
        done = connectors("add", "--table", table)
        assert done.returncode == 0, done.stderr
        assert "its first row makes topic" in done.stdout
        superuser.execute(f"drop table {table}")
        superuser.execute(f"drop role {owner}")

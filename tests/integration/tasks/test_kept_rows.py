"""A task's rows in the databases: how they are read, and how they go."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg import sql
from sqlalchemy import text

from api.tasks.database import Databases
from api.tasks.dispatch.dispatcher import Dispatcher
from api.tasks.dispatch.metrics import DispatchMetrics
from api.tasks.errors import TasksAwayError, UnknownTaskError
from api.tasks.formats.format import Format
from api.tasks.formats.output import OutputColumn, write
from api.tasks.removal import Removal
from api.tasks.results import result, taken_in
from api.uuid7 import uuid7
from tests.accounts import add_account, task_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from stack.settings import Settings


class Kept:
    """Tasks of a model of the test's own, written to both databases by hand."""

    def __init__(self, settings: Settings, model: str) -> None:
        self.settings = task_settings(settings)
        self.model = model
        self.account = add_account(settings, model)
        self.source = psycopg.connect(self.settings.source_dsn(), autocommit=True)
        self.target = psycopg.connect(settings.target_dsn(), autocommit=True)
        self.owner = settings.subscriber_user

    def close(self) -> None:
        self.source.execute("delete from tasks.account where id = %s", [self.account])
        self.target.execute(sql.SQL("drop table if exists {}").format(self.table))
        self.source.close()
        self.target.close()

    @property
    def table(self) -> sql.Identifier:
        return sql.Identifier("tasks", self.model)

    def make_table(self, outputs: str) -> None:
        """A table of results, as a pipeline makes it."""
        self.target.execute(sql.SQL("set role {}").format(sql.Identifier(self.owner)))
        columns = "task uuid, row_number bigint, {}, model_version text, error text, primary key (task, row_number)"
        self.target.execute(
            sql.SQL("create table {} (").format(self.table) + sql.SQL(columns).format(sql.SQL(outputs)) + sql.SQL(")")
        )
        self.target.execute("reset role")

    def add(self, rows: list[dict[str, Any]], columns: list[str], *, chunk_rows: int = 1_000) -> UUID:
        """A task that is done, with these rows."""
        task_id = uuid7()
        self.source.execute(
            "insert into tasks.task (id, account, model, columns, rows_total, status, finished_at)"
            " values (%s, %s, %s, %s, %s, 'done', now())",
            [task_id, self.account, self.model, columns, len(rows)],
        )
        for number, first in enumerate(range(0, len(rows), chunk_rows)):
            part = rows[first : first + chunk_rows]
            self.source.execute(
                "insert into tasks.chunk (task, number, first_row, rows, payload, model, account, state)"
                " values (%s, %s, %s, %s, %s, %s, %s, 'finished')",
                [task_id, number, first + 1, len(part), json.dumps(part), self.model, self.account],
            )
        return task_id

    def add_results(self, task_id: UUID, count: int) -> None:
        """Results of a task's first rows, of an output `answer`."""
        insert = "insert into {} (task, row_number, answer) select %s, number, 1 from generate_series(1, %s) as number"
        self.target.execute(sql.SQL(insert).format(self.table), [task_id, count])

    def remove(self, task_id: UUID) -> None:
        """Let nobody see a task any more."""
        self.source.execute("update tasks.task set removed_at = now() where id = %s", [task_id])

    def count(self, task_id: UUID) -> int:
        """How many results a task has."""
        found = self.target.execute(sql.SQL("select count(*) from {} where task = %s").format(self.table), [task_id])
        return int(found.fetchone()[0])  # type: ignore[index]

    @asynccontextmanager
    async def databases(self) -> AsyncIterator[Databases]:
        databases = Databases(self.settings)
        databases.start()
        try:
            await databases.wait_ready()
            yield databases
        finally:
            await databases.close()

    def run(self, scenario: Callable[[Databases], Awaitable[None]]) -> None:
        async def with_databases() -> None:
            async with self.databases() as databases:
                await scenario(databases)

        asyncio.run(with_databases())


@pytest.fixture
def kept(settings: Settings, name: str) -> Iterator[Kept]:
    kept = Kept(settings, name)
    yield kept
    kept.close()


async def there() -> None:
    """The task is there."""


async def gone() -> None:
    raise UnknownTaskError


def test_an_input_that_is_removed_while_it_is_read_does_not_end_as_if_it_were_whole(kept: Kept) -> None:
    task_id = kept.add([{"a": 1}] * 10, ["a"], chunk_rows=1)

    async def scenario(databases: Databases) -> None:
        pages = taken_in(databases, task_id, ["a"], 10)
        await anext(pages)
        kept.source.execute("delete from tasks.task where id = %s", [task_id])
        with pytest.raises(UnknownTaskError):
            [_ async for _ in pages]

    kept.run(scenario)


def test_a_result_that_is_removed_while_it_is_read_is_not_filled_up_with_errors(kept: Kept) -> None:
    kept.make_table("answer int")
    task_id = kept.add([{"a": 1}] * 5_000, ["a"])
    kept.add_results(task_id, 4_000)

    async def scenario(databases: Databases) -> None:
        _, pages = await result(databases, task_id, kept.model, 5_000, there)
        rows = [row async for page in pages for row in page]
        assert [row[0] for row in rows] == list(range(1, 5_001))
        assert all(row[-1] for row in rows[4_000:])

        _, pages = await result(databases, task_id, kept.model, 5_000, gone)
        with pytest.raises(UnknownTaskError):
            [_ async for _ in pages]

    kept.run(scenario)


def test_a_few_short_rows_of_many_columns_are_given_in_small_pieces(kept: Kept) -> None:
    columns = [f"{number}{'n' * 900}" for number in range(900)]
    task_id = kept.add([{}] * 100, columns)

    async def scenario(databases: Databases) -> None:
        rows = taken_in(databases, task_id, columns, 100)
        pieces = [len(piece) async for piece in write(rows, [OutputColumn(n, "any") for n in columns], Format.NDJSON)]
        assert sum(pieces) > 80_000_000
        assert max(pieces) < 3_000_000

    kept.run(scenario)


def test_outputs_of_any_type_are_given_as_the_database_has_them_in_json(kept: Kept) -> None:
    kept.make_table("score numeric, at timestamptz, host inet, parts int[], notes jsonb")
    task_id = kept.add([{}], [])
    kept.target.execute(
        sql.SQL(
            "insert into {} values (%s, 1, 0.25, '2026-11-02 09:30:00+00', '10.0.0.1', '{{1,2}}', '{{\"a\": null}}')"
        ).format(kept.table),
        [task_id],
    )

    async def scenario(databases: Databases) -> None:
        for format_, expected in (
            (
                Format.NDJSON,
                b'{"row":1,"score":0.25,"at":"2026-11-02T09:30:00+00:00","host":"10.0.0.1","parts":[1,2],'
                b'"notes":{"a":null},"model_version":null,"error":null}\n',
            ),
            (
                Format.CSV,
                b"row,score,at,host,parts,notes,model_version,error\r\n"
                b'1,0.25,2026-11-02T09:30:00+00:00,10.0.0.1,"[1,2]","{""a"":null}",,\r\n',
            ),
        ):
            columns, pages = await result(databases, task_id, kept.model, 1, there)
            assert b"".join([piece async for piece in write(pages, columns, format_)]) == expected

    kept.run(scenario)


def test_a_task_that_cannot_be_removed_does_not_hold_up_the_others(kept: Kept, settings: Settings, name: str) -> None:
    kept.make_table("answer int")
    stuck, free = kept.add([{}] * 3, []), kept.add([{}] * 25_000, [])
    kept.add_results(free, 25_000)
    # of a table that the tasks' role may read and not delete from
    kept.source.execute("update tasks.task set model = %s where id = %s", [f"{name}closed", stuck])
    kept.target.execute(
        sql.SQL("create table tasks.{} (task uuid, row_number bigint)").format(sql.Identifier(f"{name}closed"))
    )
    for task_id in (stuck, free):
        kept.remove(task_id)

    async def scenario(databases: Databases) -> None:
        await Removal(databases, 30).remove_all()

    kept.run(scenario)

    left = kept.source.execute("select id from tasks.task where account = %s", [kept.account]).fetchall()
    kept.target.execute(sql.SQL("drop table tasks.{}").format(sql.Identifier(f"{name}closed")))
    assert left == [(stuck,)]
    assert kept.count(free) == 0


def test_a_removed_account_goes_with_its_last_task(kept: Kept) -> None:
    kept.remove(kept.add([{}], []))
    kept.source.execute("update tasks.account set removed_at = now() where id = %s", [kept.account])

    async def scenario(databases: Databases) -> None:
        await Removal(databases, 30).remove_all()

    kept.run(scenario)

    assert kept.source.execute("select from tasks.account where id = %s", [kept.account]).fetchone() is None


def test_a_task_that_is_being_cancelled_holds_up_no_other(kept: Kept) -> None:
    tasks = [kept.add([{}], []) for _ in range(2)]
    kept.source.execute("update tasks.task set status = 'queued', finished_at = null where id = any(%s)", [tasks])
    kept.source.execute("update tasks.chunk set state = 'waiting' where task = any(%s)", [tasks])

    async def scenario(databases: Databases) -> None:
        dispatcher = Dispatcher(databases, kept.settings, DispatchMetrics(CollectorRegistry()))
        with psycopg.connect(kept.settings.source_dsn()) as cancelling:
            cancelling.execute("select from tasks.task where id = %s for update", [tasks[0]])
            await asyncio.wait_for(dispatcher.cycle(), 4)
            query = "select state from tasks.chunk where task = any(%s) order by task"
            assert kept.source.execute(query, [tasks]).fetchall() == [("waiting",), ("released",)]
        await dispatcher.cycle()
        assert kept.source.execute(query, [tasks]).fetchall() == [("released",)] * 2

    kept.run(scenario)


def test_a_database_that_stands_still_is_told_of(kept: Kept) -> None:
    async def scenario(databases: Databases) -> None:
        with pytest.raises(TasksAwayError, match=r"within 0\.2 seconds"):
            async with databases.target(seconds=0.2) as target:
                await target.execute(text("select pg_sleep(30)"))

    kept.run(scenario)


def test_what_waits_is_found_without_walking_past_what_has_finished(kept: Kept) -> None:
    done, waiting = kept.add([{}], []), kept.add([{}], [])
    kept.source.execute(
        "insert into tasks.chunk (task, number, first_row, rows, payload, model, account, state)"
        " select task, number + step, 1, 1, payload, model, account,"
        " case task when %s then 'finished' else 'waiting' end"
        " from tasks.chunk, generate_series(1, 10000) as step where task in (%s, %s)",
        [done, done, waiting],
    )
    kept.source.execute("analyze tasks.chunk")
    query = (resources.files("api.tasks") / "sql" / "waiting.sql").read_text()

    assert (kept.model,) in kept.source.execute(query).fetchall()
    [[explained]] = kept.source.execute(f"explain (analyze, format json) {query}").fetchall()
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(explained[0]["Plan"])}
    assert sum(node["Actual Rows"] for node in nodes(explained[0]["Plan"])) < 100


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's steps."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)

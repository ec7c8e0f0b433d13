"""A task's rows, in their order: what came in and what came out, a page at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import sql
from sqlalchemy import select

from api.tasks.catalogue import result_columns
from api.tasks.database import Databases
from api.tasks.errors import UnknownTaskError
from api.tasks.formats.output import OutputColumn
from api.tasks.tables import SCHEMA, chunk

Rows = AsyncIterator[Sequence[Any]]
ROW = OutputColumn("row", "int")
# a page is made ready in some milliseconds of the event loop, in which nobody else is answered
PAGE_ROWS = 2_000
PAGE_CHUNKS = 2
PAGE = sql.SQL(
    "select {columns} from {table} where task = %(task)s and row_number > %(after)s order by row_number limit %(limit)s"
)
ITSELF, AS_JSON = sql.SQL("{}"), sql.SQL("to_json({})")
# each row bears every column's name, which a row of the input may lack: a chunk can become a thousand times as large
PIECE_NAME_CHARACTERS = 1024 * 1024
UNREAD = "its message could not be read; the dead letters tell why"


async def result(
    databases: Databases,
    task_id: UUID,
    model: str,
    rows_total: int | None,
    still_there: Callable[[], Awaitable[object]],
) -> tuple[list[OutputColumn], Rows]:
    """The columns of a result, and its rows; with `rows_total`, there is one of every row up to that.

    Each page is a query of its own, so that a slow reader holds up no transaction.

    Args:
        databases: where the rows are, in the target.
        task_id: of a task.
        model: the task's.
        rows_total: of the task.
        still_there: raises if the task is there no more; asked where rows are missing.

    Raises:
        TasksAwayError: the target database is away; also while rows are read.
    """
    async with databases.target() as target:
        columns = await result_columns(target, model)
    pages = _stored(databases, task_id, model, columns)
    return [ROW, *columns], pages if rows_total is None else _whole(pages, rows_total, len(columns), still_there)


async def _stored(databases: Databases, task_id: UUID, model: str, columns: Sequence[OutputColumn]) -> Rows:
    # of a type that is not known here, what the database makes of it in JSON
    values = [(AS_JSON if each.kind == "any" else ITSELF).format(sql.Identifier(each.name)) for each in columns]
    selected = sql.SQL(", ").join([sql.SQL("row_number"), *values])
    page = PAGE.format(columns=selected, table=sql.Identifier(SCHEMA, model))
    after = 0
    while True:
        async with databases.target() as target:
            # by the driver itself, which makes tuples in half the time
            driver: Any = (await target.get_raw_connection()).driver_connection
            async with driver.cursor(binary=True) as cursor:
                await cursor.execute(page, {"task": task_id, "after": after, "limit": PAGE_ROWS})
                rows = await cursor.fetchall()
        if rows:
            after = rows[-1][0]
            yield rows
        if len(rows) < PAGE_ROWS:
            return


async def _whole(pages: Rows, rows_total: int, outputs: int, still_there: Callable[[], Awaitable[object]]) -> Rows:
    """The pages, with a row for each that is not there."""
    following = 1
    async for page in pages:
        if page[-1][0] - following + 1 == len(page):
            yield page
        else:
            # they may have been removed an instant ago
            await still_there()
            filled: list[tuple[Any, ...]] = []
            for row in page:
                filled += [_unread(number, outputs) for number in range(following, row[0])]
                filled.append(row)
                following = row[0] + 1
            yield filled
        following = page[-1][0] + 1
    if following <= rows_total:
        await still_there()
    for first in range(following, rows_total + 1, PAGE_ROWS):
        yield [_unread(number, outputs) for number in range(first, min(first + PAGE_ROWS, rows_total + 1))]


def _unread(number: int, outputs: int) -> tuple[Any, ...]:
    return (number, *[None] * (outputs - 1), UNREAD)


async def taken_in(databases: Databases, task_id: UUID, columns: list[str], rows_total: int) -> Rows:
    """The rows as they came in.

    Raises:
        TasksAwayError: the source database is away.
        UnknownTaskError: the task was removed meanwhile.
    """
    after, given = -1, 0
    piece_rows = max(1, PIECE_NAME_CHARACTERS // (1 + sum(map(len, columns))))
    while True:
        page = select(chunk.c.number, chunk.c.payload).where(chunk.c.task == task_id, chunk.c.number > after)
        async with databases.source() as source:
            chunks = (await source.execute(page.order_by(chunk.c.number).limit(PAGE_CHUNKS))).all()
        for each in chunks:
            after = each.number
            rows = msgspec.json.decode(each.payload, type=list[dict[str, msgspec.Raw]])
            for first in range(0, len(rows), piece_rows):
                piece = rows[first : first + piece_rows]
                yield [tuple(row.get(name) for name in columns) for row in piece]
            given += len(rows)
        if len(chunks) < PAGE_CHUNKS:
            if given < rows_total:
                raise UnknownTaskError
            return

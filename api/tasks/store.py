"""Tasks in the source database: making, finding, listing, cancelling, removing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from api.tasks.errors import TaskStateError, UnknownTaskError
from api.tasks.schemas import Status, Task
from api.tasks.tables import chunk, task

SHOWN = [task.c[name] for name in Task.model_fields]
ENDED: tuple[Status, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Wanted:
    """A task to be made."""

    id: UUID
    account: int
    model: str
    version: str | None
    callback_url: str | None
    idempotency_key: str | None
    fingerprint: bytes


async def begin(connection: AsyncConnection, wanted: Wanted) -> bool:
    """Make a task that has no rows yet; False if there is one of the same account and key.

    Waits for a transaction that is making one of the same key.
    """
    row = {
        "id": wanted.id,
        "account": wanted.account,
        "model": wanted.model,
        "version": wanted.version,
        "idempotency_key": wanted.idempotency_key,
        "fingerprint": wanted.fingerprint,
        "callback_url": wanted.callback_url,
        "callback": "waiting" if wanted.callback_url else None,
        "columns": [],
        "rows_total": 0,
    }
    made = await connection.execute(
        upsert(task)
        .values(row)
        .on_conflict_do_nothing(index_elements=["account", "idempotency_key"])
        .returning(task.c.id)
    )
    return made.first() is not None


async def complete(connection: AsyncConnection, task_id: UUID, columns: Sequence[str], rows: int) -> Task:
    """Say what was read of a task's input; the task as it is now."""
    values = update(task).where(task.c.id == task_id).values(columns=list(columns), rows_total=rows)
    return _shown((await connection.execute(values.returning(*SHOWN))).one())


async def of_key(connection: AsyncConnection, account: int, key: str) -> tuple[Task, bytes] | None:
    """The task that was made with this key, and its fingerprint."""
    found = select(*SHOWN, task.c.fingerprint).where(task.c.account == account, task.c.idempotency_key == key)
    row = (await connection.execute(found)).first()
    return None if row is None else (_shown(row), bytes(row.fingerprint))


async def find(connection: AsyncConnection, account: int, task_id: UUID) -> Task:
    """One of an account's tasks.

    Raises:
        UnknownTaskError: there is none, or it is another's.
    """
    row = (await connection.execute(select(*SHOWN).where(*_own(account, task_id)))).first()
    if row is None:
        raise UnknownTaskError
    return _shown(row)


async def describe(connection: AsyncConnection, task_id: UUID) -> dict[str, Any] | None:
    """A task as JSON gives it; None if it is there no more."""
    row = (await connection.execute(select(*SHOWN).where(task.c.id == task_id, task.c.removed_at.is_(None)))).first()
    return None if row is None else _shown(row).model_dump(mode="json")


async def input_of(connection: AsyncConnection, account: int, task_id: UUID) -> tuple[list[str], int]:
    """The names of the input's columns, and how many rows it has.

    Raises:
        UnknownTaskError: as `find`.
    """
    found = (await connection.execute(select(task.c.columns, task.c.rows_total).where(*_own(account, task_id)))).first()
    if found is None:
        raise UnknownTaskError
    return found.columns, found.rows_total


async def page(
    connection: AsyncConnection,
    account: int,
    *,
    status: Status | None,
    model: str | None,
    before: UUID | None,
    limit: int,
) -> list[Task]:
    """An account's tasks, the newest first, from the one before `before` on."""
    wanted = [task.c.account == account, task.c.removed_at.is_(None)]
    if status is not None:
        wanted.append(task.c.status == status)
    if model is not None:
        wanted.append(task.c.model == model)
    if before is not None:
        wanted.append(task.c.id < before)
    rows = await connection.execute(select(*SHOWN).where(*wanted).order_by(task.c.id.desc()).limit(limit))
    return [_shown(row) for row in rows]


async def cancel(connection: AsyncConnection, account: int, task_id: UUID) -> None:
    """Send no more of a task's rows on their way; those that are come back.

    Raises:
        UnknownTaskError: as `find`.
        TaskStateError: it has ended.
    """
    status = await connection.scalar(select(task.c.status).where(*_own(account, task_id)).with_for_update())
    if status is None:
        raise UnknownTaskError
    if status in ENDED:
        raise TaskStateError(f"the task is {status} already")
    await _drop_waiting(connection, task_id)
    ended = update(task).where(task.c.id == task_id)
    await connection.execute(ended.values(status="cancelled", finished_at=func.clock_timestamp()))


async def remove(connection: AsyncConnection, account: int, task_id: UUID) -> None:
    """Cancel a task that has not ended, and let nobody see it any more; what there is of it goes a little later.

    Raises:
        UnknownTaskError: as `find`.
    """
    status = await connection.scalar(select(task.c.status).where(*_own(account, task_id)).with_for_update())
    if status is None:
        raise UnknownTaskError
    await _drop_waiting(connection, task_id)
    values: dict[str, Any] = {"removed_at": func.clock_timestamp(), "idempotency_key": None}
    if status not in ENDED:
        values |= {"status": "cancelled", "finished_at": func.clock_timestamp()}
    await connection.execute(update(task).where(task.c.id == task_id).values(values))


async def _drop_waiting(connection: AsyncConnection, task_id: UUID) -> None:
    waiting = update(chunk).where(chunk.c.task == task_id, chunk.c.state == "waiting")
    await connection.execute(waiting.values(state="cancelled"))


def _own(account: int, task_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return task.c.id == task_id, task.c.account == account, task.c.removed_at.is_(None)


def _shown(row: Any) -> Task:
    return Task.model_validate({name: getattr(row, name) for name in Task.model_fields})

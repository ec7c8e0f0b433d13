"""Tasks that were removed, or have been done for long, go for good, a part at a time."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, exists, func, select, update

from api.tasks.database import Databases
from api.tasks.errors import TasksAwayError
from api.tasks.tables import chunk, receipt, results, task

log = structlog.get_logger()

LOOK_SECONDS: Final = 10.0
BETWEEN_PARTS_SECONDS: Final = 0.05
PART_ROWS: Final = 10_000
# a second copy of a message may come as late as the topic keeps the first
RECEIPT_DAYS: Final = 14


class Removal:
    """Deletes results, then rows, so that no result is left that nobody knows of."""

    def __init__(self, databases: Databases, keep_days: float) -> None:
        self._databases = databases
        self._keep_days = keep_days
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at once: a task was removed."""
        self._woken.set()

    async def run(self) -> None:
        """Remove what is to be removed, until cancelled."""
        await self._databases.wait_ready()
        while True:
            try:
                await self._expire()
                while (found := await self._next()) is not None:
                    await self._remove(*found)
            except TasksAwayError:
                # the dispatcher tells of it
                pass
            except Exception:  # the others must not wait for ever because of one that nobody thought of
                log.exception("removing a task failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
            self._woken.clear()

    async def _expire(self) -> None:
        """Mark tasks that finished so long ago, and forget old receipts."""
        old = update(task).where(
            task.c.finished_at < func.now() - timedelta(days=self._keep_days), task.c.removed_at.is_(None)
        )
        async with self._databases.source() as source:
            await source.execute(old.values(removed_at=func.now(), idempotency_key=None))
        async with self._databases.target() as target:
            if await target.scalar(select(func.to_regclass(f"{receipt.schema}.{receipt.name}"))) is not None:
                keep = timedelta(days=self._keep_days + RECEIPT_DAYS)
                await target.execute(delete(receipt).where(receipt.c.stored_at < func.now() - keep))

    async def _next(self) -> tuple[UUID, str] | None:
        """A task to be removed, with its model; none of whose rows is on its way."""
        flying = exists().where(chunk.c.task == task.c.id, chunk.c.state == "released")
        found = select(task.c.id, task.c.model).where(task.c.removed_at.is_not(None), ~flying).limit(1)
        async with self._databases.source() as source:
            row = (await source.execute(found)).first()
        return None if row is None else (row.id, row.model)

    async def _remove(self, task_id: UUID, model: str) -> None:
        table = results(model)
        part = select(table.c.row_number).where(table.c.task == task_id).limit(PART_ROWS)
        while True:
            async with self._databases.target() as target:
                if await target.scalar(select(func.to_regclass(f'{table.schema}."{model}"'))) is None:
                    break
                gone = await target.execute(delete(table).where(table.c.task == task_id, table.c.row_number.in_(part)))
            if gone.rowcount < PART_ROWS:
                break
            await asyncio.sleep(BETWEEN_PARTS_SECONDS)
        async with self._databases.source() as source:
            await source.execute(delete(task).where(task.c.id == task_id))

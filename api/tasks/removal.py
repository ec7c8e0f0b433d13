"""Tasks that were removed, or have been done for long, go for good, a part at a time."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, exists, func, select, update

from api.accounts.store import forget_removed
from api.tasks.database import Databases
from api.tasks.errors import TasksAwayError
from api.tasks.tables import chunk, is_there, receipt, results, task

log = structlog.get_logger()

LOOK_SECONDS: Final = 10.0
BETWEEN_PARTS_SECONDS: Final = 0.05
PART_ROWS: Final = 10_000
# a second copy of a message may come as late as the topic keeps the first
RECEIPT_DAYS: Final = 14
# to find them all of them are read
FORGET_SECONDS: Final = 3600.0


class Removal:
    """Deletes results, then rows, so that no result is left that nobody knows of.

    What it deletes may take long, and nobody waits for it.
    """

    def __init__(self, databases: Databases, keep_days: float) -> None:
        self._databases = databases
        self._keep_days = keep_days
        self._woken = asyncio.Event()
        self._forget_at = 0.0

    def wake(self) -> None:
        """Look at once: a task was removed."""
        self._woken.set()

    async def run(self) -> None:
        """Remove what is to be removed, until cancelled."""
        await self._databases.wait_ready()
        while True:
            try:
                await self._expire()
                await self.remove_all()
                await self._forget()
            except TasksAwayError:
                # the dispatcher tells of it
                pass
            except Exception:  # it must not end because of one that nobody thought of
                log.exception("removing tasks failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
            self._woken.clear()

    async def remove_all(self) -> None:
        """Remove each task that is to go, and the accounts that have no task left; what fails waits for the next time.

        Raises:
            TasksAwayError: a database is away; some may have been removed.
        """
        failed: list[UUID] = []
        while (found := await self._next(failed)) is not None:
            try:
                await self._remove(*found)
            except TasksAwayError:
                raise
            except Exception:  # such as a table that may not be deleted from: the other tasks do not wait for it
                failed.append(found[0])
                log.exception("a task cannot be removed", task=str(found[0]), model=found[1])
        async with self._databases.source(seconds=None) as source:
            await forget_removed(source)

    async def _expire(self) -> None:
        """Mark tasks that finished so long ago."""
        old = update(task).where(
            task.c.finished_at < func.now() - timedelta(days=self._keep_days), task.c.removed_at.is_(None)
        )
        async with self._databases.source(seconds=None) as source:
            await source.execute(old.values(removed_at=func.now(), idempotency_key=None))

    async def _forget(self) -> None:
        """Forget old receipts, now and then."""
        now = asyncio.get_running_loop().time()
        if now < self._forget_at:
            return
        async with self._databases.target(seconds=None) as target:
            if await is_there(target, receipt):
                keep = timedelta(days=self._keep_days + RECEIPT_DAYS)
                await target.execute(delete(receipt).where(receipt.c.stored_at < func.now() - keep))
        self._forget_at = now + FORGET_SECONDS

    async def _next(self, failed: Sequence[UUID]) -> tuple[UUID, str, int] | None:
        """A task to be removed, none of whose rows is on its way; its model, and how many rows it has."""
        flying = exists().where(chunk.c.task == task.c.id, chunk.c.state == "released")
        to_go = (task.c.removed_at.is_not(None), ~flying, task.c.id.not_in(failed))
        found = select(task.c.id, task.c.model, task.c.rows_total).where(*to_go).limit(1)
        async with self._databases.source(seconds=None) as source:
            row = (await source.execute(found)).first()
        return None if row is None else (row.id, row.model, row.rows_total)

    async def _remove(self, task_id: UUID, model: str, rows_total: int) -> None:
        table = results(model)
        # by their numbers: who looks for what is left walks past all that has been deleted before
        for first in range(1, rows_total + 1, PART_ROWS):
            part = table.c.row_number.between(first, first + PART_ROWS - 1)
            async with self._databases.target(seconds=None) as target:
                if not await is_there(target, table):
                    break
                await target.execute(delete(table).where(table.c.task == task_id, part))
            if first + PART_ROWS <= rows_total:
                await asyncio.sleep(BETWEEN_PARTS_SECONDS)
        async with self._databases.source(seconds=None) as source:
            await source.execute(delete(task).where(task.c.id == task_id))

"""Tasks from beginning to end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.service import Service
from api.tasks import results, store
from api.tasks.callbacks.delivery import Delivery
from api.tasks.callbacks.resolution import check_url
from api.tasks.catalogue import Catalogue
from api.tasks.database import Databases
from api.tasks.dispatch.dispatcher import Dispatcher
from api.tasks.dispatch.metrics import DispatchMetrics
from api.tasks.errors import BusyError, FieldsError, NotReadyError, TaskStateError
from api.tasks.formats.format import Format
from api.tasks.formats.intake import Column, Intake, Limits, read
from api.tasks.formats.output import OutputColumn, write
from api.tasks.removal import Removal
from api.tasks.schemas import Status, Task
from api.tasks.settings import TaskSettings
from api.tasks.submission import Submission, remove_leftovers
from api.uuid7 import uuid7

MAX_KEY_LENGTH = 255
CLOSE_SECONDS = 1.0
COPY = (
    "copy tasks.chunk (task, number, first_row, rows, payload, model, account) from stdin"  # the rest has its defaults
)


class TaskService:
    """What the tasks' routes ask for."""

    def __init__(
        self, service: Service, databases: Databases, settings: TaskSettings, registry: CollectorRegistry
    ) -> None:
        self.settings = settings
        self.databases = databases
        self.catalogue = Catalogue(service, databases)
        self._metrics = DispatchMetrics(registry)
        self._dispatcher = Dispatcher(databases, settings, self._metrics)
        self._removal = Removal(databases, settings.tasks_keep_days)
        self._callbacks = Delivery(databases, settings, store.describe, registry)
        self._uploads: Counter[int] = Counter()
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work tasks off."""
        remove_leftovers()
        loops = (self._dispatcher.run(), self._removal.run(), self._callbacks.run())
        self._running = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """Stop; what is on its way goes on elsewhere, or at the next start."""
        for each in self._running:
            each.cancel()
        if not self._running:
            return
        _, waiting = await asyncio.wait(self._running, timeout=CLOSE_SECONDS)
        # for a database that does not answer; at the second time the driver lets go of the connection
        for each in waiting:
            each.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @contextmanager
    def upload(self, account: int) -> Iterator[None]:
        """Count an upload that is in hand.

        Raises:
            BusyError: there are as many as may be, or half as many of this account: who sends slowly does not keep the
                others out.
        """
        most = self.settings.tasks_max_uploads
        if self._uploads.total() >= most or self._uploads[account] >= -(-most // 2):
            raise BusyError(f"{self._uploads.total()} tasks are being taken in already, try again later")
        self._uploads[account] += 1
        try:
            yield
        finally:
            self._uploads[account] -= 1
            # forgets accounts of which nothing is in hand
            self._uploads = +self._uploads

    async def create(self, account: int, submission: Submission, idempotency_key: str | None) -> tuple[Task, bool]:
        """Make a task with all its rows, or find the one that was made with this key; and whether it was found.

        Raises:
            FieldsError, TooLargeError: the rows, the model or the key are not what can be taken; nothing is made.
            TaskStateError: a request with this key is in hand.
            TasksAwayError: a database is away; nothing is made.
        """
        _check_key(idempotency_key)
        if submission.callback_url is not None:
            await check_url(submission.callback_url, allow_private=self.settings.callback_allow_private)
        features = await self.catalogue.features(submission.model, submission.version)
        wanted = store.Wanted(
            id=uuid7(),
            account=account,
            model=submission.model,
            version=submission.version,
            callback_url=submission.callback_url,
            idempotency_key=idempotency_key,
            fingerprint=submission.fingerprint,
        )
        # it takes as long as the rows take
        async with self.databases.source(seconds=None) as source:
            try:
                made = await store.begin(source, wanted)
            except DBAPIError as error:
                if isinstance(error.orig, psycopg.errors.LockNotAvailable):
                    raise TaskStateError("a request with this Idempotency-Key is in hand") from error
                raise
            if not made:
                return await self._found(source, wanted), True
            task = await self._take_in(source, wanted, submission, features)
        self._metrics.made(task.model)
        self._dispatcher.wake()
        return task, False

    async def _found(self, source: AsyncConnection, wanted: store.Wanted) -> Task:
        found = await store.of_key(source, wanted.account, wanted.idempotency_key or "")
        if found is None:
            raise TaskStateError("the task of this Idempotency-Key was removed an instant ago")
        task, fingerprint = found
        if fingerprint != wanted.fingerprint:
            raise FieldsError(("Idempotency-Key", f"was used for another request, which made task {task.id}"))
        return task

    async def _take_in(
        self, source: AsyncConnection, wanted: store.Wanted, submission: Submission, features: list[Column]
    ) -> Task:
        """Write a task's rows in the transaction that is open."""
        limits = Limits(self.settings.tasks_chunk_rows, self.settings.tasks_chunk_bytes, self.settings.tasks_max_rows)
        intake: Intake = await asyncio.to_thread(
            read, submission.path, submission.format, features, task=wanted.id, version=wanted.version, limits=limits
        )
        chunks, rows = iter(intake), 0
        driver: Any = (await source.get_raw_connection()).driver_connection
        try:
            async with driver.cursor() as cursor, cursor.copy(COPY) as copy:
                while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                    rows += chunk.rows
                    place = (wanted.id, chunk.number, chunk.first_row, chunk.rows)
                    await copy.write_row((*place, chunk.payload, wanted.model, wanted.account))
        finally:
            # the thread of a request that is cancelled is in it still
            with suppress(ValueError):
                await asyncio.to_thread(intake.close)
        return await store.complete(source, wanted.id, intake.columns, rows)

    async def find(self, account: int, task_id: UUID) -> Task:
        """One of an account's tasks; raises as `store.find`."""
        async with self.databases.source() as source:
            return await store.find(source, account, task_id)

    async def page(
        self, account: int, *, status: Status | None, model: str | None, before: UUID | None, limit: int
    ) -> list[Task]:
        """Some of an account's tasks, the newest first; raises as `store.page`."""
        async with self.databases.source() as source:
            return await store.page(source, account, status=status, model=model, before=before, limit=limit)

    async def cancel(self, account: int, task_id: UUID) -> None:
        """Raises as `store.cancel`."""
        async with self.databases.source() as source:
            await store.cancel(source, account, task_id)

    async def remove(self, account: int, task_id: UUID) -> None:
        """Raises as `store.remove`."""
        async with self.databases.source() as source:
            await store.remove(source, account, task_id)
        self._removal.wake()

    async def result(self, account: int, task_id: UUID, format_: Format, *, partial: bool) -> AsyncIterator[bytes]:
        """The result in a format, in pieces.

        Raises:
            NotReadyError: it has not ended, and a part is not asked for.
            TaskStateError: it was cancelled, and a part is not asked for.
            UnknownTaskError, TasksAwayError: as `find`.
        """
        task = await self.find(account, task_id)
        ended = task.status in ("done", "failed")
        if not ended and not partial:
            so_far = f"{task.rows_done + task.rows_failed} of {task.rows_total} rows"
            if task.status == "cancelled":
                raise TaskStateError(f"the task was cancelled after {so_far}; ?partial=true gives them")
            raise NotReadyError(f"the task is {task.status}, {so_far}; ?partial=true gives what is there")
        columns, rows = await results.result(
            self.databases,
            task.id,
            task.model,
            task.rows_total if ended else None,
            still_there=lambda: self.find(account, task_id),
        )
        return write(rows, columns, format_)

    async def input(self, account: int, task_id: UUID, format_: Format) -> AsyncIterator[bytes]:
        """What came in, in a format, in pieces; raises as `find`."""
        async with self.databases.source() as source:
            names, rows_total = await store.input_of(source, account, task_id)
        rows = results.taken_in(self.databases, task_id, names, rows_total)
        return write(rows, [OutputColumn(name, "any") for name in names], format_)


def _check_key(key: str | None) -> None:
    if key is not None and (not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable()):
        raise FieldsError(("Idempotency-Key", f"is 1 to {MAX_KEY_LENGTH} printable characters, such as a UUID"))

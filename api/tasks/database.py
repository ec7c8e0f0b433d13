"""The two databases of the tasks, asked without holding up the event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from api.migrations import UnknownRevision
from api.tasks.errors import TasksAwayError
from api.tasks.migrate import migrate
from api.tasks.settings import TaskSettings

RETRY_SECONDS = 1.0
CONNECTIONS = 8
POOL_WAIT_SECONDS = 5
# a server that is frozen keeps its connections; what the driver does to cancel a statement may take as long again
TRANSACTION_SECONDS = 15.0
# who holds a lock or a transaction and is frozen must not hold up the others for ever
OPTIONS = "-c timezone=UTC -c lock_timeout=5s -c idle_in_transaction_session_timeout=10s"
# rollback (deadlock among it), connection, resources, operator intervention, system and internal errors
PASSING_CLASSES = ("08", "40", "53", "55", "57", "58", "XX", "25")

log = structlog.get_logger()


class Databases:
    """`source` holds accounts, tasks and their rows, `target` the results."""

    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings
        self._source = _engine(settings.source_dsn())
        self._target = _engine(settings.target_dsn())
        self._migrated = asyncio.Event()
        self._migrating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to bring the schema up to date, for as long as it takes to reach the database."""
        self._migrating = asyncio.create_task(self._migrate())

    async def close(self) -> None:
        """Close every connection."""
        if self._migrating is not None:
            self._migrating.cancel()
            with suppress(asyncio.CancelledError):
                await self._migrating
        await self._source.dispose()
        await self._target.dispose()

    @property
    def ready(self) -> bool:
        """Whether the schema is there."""
        return self._migrated.is_set()

    async def wait_ready(self) -> None:
        """Wait until the schema is there."""
        await self._migrated.wait()

    @asynccontextmanager
    async def source(self, seconds: float | None = TRANSACTION_SECONDS) -> AsyncIterator[AsyncConnection]:
        """A transaction in the source database, committed at the end of the block.

        Raises:
            TasksAwayError: the database is away, or its schema not there yet, or the block takes longer than `seconds`.
        """
        if not self.ready:
            raise TasksAwayError("the source database has not been reached yet")
        async with _transaction(self._source, "source", seconds) as connection:
            yield connection

    @asynccontextmanager
    async def target(self, seconds: float | None = TRANSACTION_SECONDS) -> AsyncIterator[AsyncConnection]:
        """A transaction in the target database, committed at the end of the block.

        Raises:
            TasksAwayError: the database is away, or the block takes longer than `seconds`.
        """
        async with _transaction(self._target, "target", seconds) as connection:
            yield connection

    def _migrate_once(self) -> str:
        return migrate(psycopg.connect(self._settings.source_dsn(), options=OPTIONS))

    async def _migrate(self) -> None:
        complaint = ""
        while True:
            try:
                revision = await asyncio.to_thread(self._migrate_once)
            except (psycopg.Error, UnknownRevision) as error:
                if str(error) != complaint:
                    complaint = str(error)
                    log.warning("no tasks yet: their database is away (SOURCE_*, TASKS_*)", reason=complaint.strip())
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # without a schema there are no tasks until the API's end, which nobody would be told of
                log.exception("the schema of the tasks cannot be made")
                await asyncio.sleep(10 * RETRY_SECONDS)
            else:
                log.info("tasks are taken", schema=revision)
                self._migrated.set()
                return


def _engine(dsn: str) -> AsyncEngine:
    return create_async_engine(
        "postgresql+psycopg://",
        async_creator=lambda: psycopg.AsyncConnection.connect(dsn, options=OPTIONS),
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        # its errors are logged, and would show hashes of passwords and what people sent
        hide_parameters=True,
    )


@asynccontextmanager
async def _transaction(engine: AsyncEngine, name: str, seconds: float | None) -> AsyncIterator[AsyncConnection]:
    try:
        async with asyncio.timeout(seconds) as limit, engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if error.connection_invalidated or state is None or state[:2] in PASSING_CLASSES:
            raise TasksAwayError(f"the {name} database does not answer", _first_line(error.orig)) from error
        raise
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TasksAwayError(f"the {name} database does not answer within {seconds:g} seconds") from error
    except (psycopg.OperationalError, PoolTimeout) as error:
        raise TasksAwayError(f"the {name} database does not answer", _first_line(error)) from error


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""Sends the chunks of tasks on their way, turn about, and follows them until their rows are predicted."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from api.tasks.database import Databases
from api.tasks.dispatch.metrics import DispatchMetrics
from api.tasks.dispatch.window import Pace, Window
from api.tasks.errors import TasksAwayError
from api.tasks.settings import TaskSettings
from api.tasks.statements import statement
from api.tasks.tables import chunk, is_there, outbox, receipt

log = structlog.get_logger()

BUSY_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 1.0
AWAY_SECONDS: Final = 1.0
# a message that has not come by then may be lost
LATE_SECONDS: Final = 120.0
LOOK_FOR_LATE_SECONDS: Final = 10.0
# of one account, the tasks that are looked at for the next chunks
MOST_TASKS: Final = 100
LEAST_CHUNKS, MOST_CHUNKS = 2, 100
LOCK = text("select pg_try_advisory_xact_lock(hashtext('stream-serving tasks dispatch'))")


class Dispatcher:
    """One of any number of API processes' dispatchers; a cycle is one transaction, and one cycle runs at a time.

    Everything it knows is in the databases, but for the windows: a process that ends in mid-cycle leaves nothing
    behind that the next cycle, its own or another's, does not take up.
    """

    def __init__(self, databases: Databases, settings: TaskSettings, metrics: DispatchMetrics) -> None:
        self._databases = databases
        self._metrics = metrics
        self._chunk_rows = settings.tasks_chunk_rows
        least, most = LEAST_CHUNKS * self._chunk_rows, MOST_CHUNKS * self._chunk_rows
        window = Window(least, least, most, settings.tasks_window_seconds)
        self._paces: defaultdict[str, Pace] = defaultdict(lambda: Pace(window, [], 0, 0.0))
        self._woken = asyncio.Event()
        self._look_for_late_at = 0.0
        self._statements = {
            n: statement(n) for n in ("released", "waiting", "finish", "count", "release", "release_again")
        }

    def wake(self) -> None:
        """Look at once: a task was made."""
        self._woken.set()

    async def run(self) -> None:
        """Run cycles until cancelled."""
        await self._databases.wait_ready()
        complaint = ""
        while True:
            pause = AWAY_SECONDS
            try:
                pause = BUSY_SECONDS if await self.cycle() else IDLE_SECONDS
                if complaint:
                    log.info("tasks go on")
                complaint = ""
            except TasksAwayError as error:
                if complaint != (told := f"{error}: {error.reason}".removesuffix(": ")):
                    complaint = told
                    log.warning("tasks wait", reason=complaint)
            except Exception:  # tasks must not wait for ever because of one that nobody thought of
                log.exception("a cycle of the tasks failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            self._woken.clear()

    async def cycle(self) -> bool:
        """Take in what is finished and release what has room; whether anything is on its way or waits.

        Raises:
            TasksAwayError: a database is away; nothing, or all of it, has happened.
        """
        async with self._databases.source() as source:
            flying = (await source.execute(self._statements["released"])).all()
            waiting = set((await source.execute(self._statements["waiting"])).scalars())
        if not flying and not waiting:
            return False
        receipts = await self._receipts([f"{row.task}/{row.number}" for row in flying])
        async with self._databases.source() as source:
            if not await source.scalar(LOCK):
                # another process is at it
                return True
            await self._finish(source, receipts)
            await self._release(source, waiting)
            await self._release_late(source)
        return True

    async def _receipts(self, keys: Sequence[str]) -> Sequence[Any]:
        """The receipts of the messages of these keys."""
        if not keys:
            return []
        async with self._databases.target() as target:
            # it is made with the first pipeline
            if not await is_there(target, receipt):
                return []
            among = receipt.c.key == func.any(bindparam("keys", list(keys), ARRAY(Text)))
            return (await target.execute(select(receipt.c.key, receipt.c.rows, receipt.c.failed).where(among))).all()

    async def _finish(self, source: AsyncConnection, receipts: Sequence[Any]) -> None:
        if not receipts:
            return
        named = [each.key.rpartition("/") for each in receipts]
        finished = (
            await source.execute(
                self._statements["finish"],
                {
                    "tasks": [UUID(task) for task, _, _ in named],
                    "numbers": [int(number) for _, _, number in named],
                    "rows": [each.rows for each in receipts],
                    "failed": [each.failed for each in receipts],
                },
            )
        ).all()
        if not finished:
            return
        done: defaultdict[UUID, int] = defaultdict(int)
        failed: defaultdict[UUID, int] = defaultdict(int)
        flights: defaultdict[str, list[float]] = defaultdict(list)
        used: defaultdict[str, int] = defaultdict(int)
        for each in finished:
            done[each.task] += each.rows - each.rows_failed
            failed[each.task] += each.rows_failed
            flights[each.model].append(each.flight_seconds)
            used[each.model] += each.rows
            self._metrics.finished(each.model, each.rows - each.rows_failed, each.rows_failed)
        ended = await source.execute(
            self._statements["count"],
            {"tasks": list(done), "done": list(done.values()), "failed": [failed[task] for task in done]},
        )
        for each in ended:
            if each.status in ("done", "failed"):
                self._metrics.ended(each.model, each.status)
        keys = [f"{each.task}/{each.number}" for each in finished]
        await source.execute(
            delete(outbox).where(outbox.c.aggregateid == func.any(bindparam("keys", keys, ARRAY(Text))))
        )
        flying = await self._flying(source)
        now = asyncio.get_running_loop().time()
        for model, seconds in flights.items():
            self._paces[model].came_back(seconds, used[model] + flying.get(model, 0), now)

    async def _flying(self, source: AsyncConnection) -> dict[str, int]:
        """How many rows of each model are on their way."""
        rows = select(chunk.c.model, func.sum(chunk.c.rows)).where(chunk.c.state == "released").group_by(chunk.c.model)
        return {model: int(count) for model, count in await source.execute(rows)}

    async def _release(self, source: AsyncConnection, waiting: set[str]) -> None:
        flying = await self._flying(source)
        for model in waiting:
            room = self._paces[model].window.rows - flying.get(model, 0)
            if room <= 0:
                continue
            values = {
                "model": model,
                "room": room,
                "most_tasks": MOST_TASKS,
                "most_chunks": room // self._chunk_rows + 1,
            }
            released = (await source.execute(self._statements["release"], values)).one()
            flying[model] = flying.get(model, 0) + int(released.rows)
        self._metrics.flying(flying, {model: pace.window.rows for model, pace in self._paces.items()})

    async def _release_late(self, source: AsyncConnection) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._look_for_late_at:
            return
        self._look_for_late_at = now + LOOK_FOR_LATE_SECONDS
        again = await source.scalar(self._statements["release_again"], {"seconds": LATE_SECONDS})
        if again:
            log.warning("chunks without a receipt are sent again", chunks=again)

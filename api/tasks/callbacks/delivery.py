"""Tells whoever wants to hear it that a task has ended: at least once, and until it is taken or given up."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncConnection

from api.tasks.callbacks.client import AT_A_TIME, CallbackClient, NotTaken
from api.tasks.callbacks.metrics import CallbackMetrics
from api.tasks.callbacks.retry import wait_seconds
from api.tasks.callbacks.signature import secret_of, signed
from api.tasks.database import Databases
from api.tasks.errors import TasksAwayError
from api.tasks.settings import TaskSettings
from api.tasks.statements import statement

LOOK_SECONDS: Final = 1.0
TAKE, NEXT, ANSWERED = (statement(name, "api.tasks.callbacks") for name in ("take", "next", "answered"))

Describe = Callable[[AsyncConnection, UUID], Awaitable[dict[str, Any] | None]]

log = structlog.get_logger()


class Delivery:
    """Delivers callbacks that are due; any number of processes may do so at once.

    `describe` gives a task as `GET /tasks/{id}` does, or None if it is there no more.
    """

    def __init__(
        self, databases: Databases, settings: TaskSettings, describe: Describe, registry: CollectorRegistry
    ) -> None:
        self._databases = databases
        self._settings = settings
        self._key = settings.signing_key()
        self._describe = describe
        self._metrics = CallbackMetrics(registry)
        self._client = CallbackClient(
            timeout_seconds=settings.callback_timeout_seconds, allow_private=settings.callback_allow_private
        )

    async def run(self) -> None:
        """Deliver what is due, until cancelled."""
        try:
            await self._databases.wait_ready()
            while True:
                pause = LOOK_SECONDS
                try:
                    due = await self.deliver_due()
                    pause = min(LOOK_SECONDS, due) if due is not None else LOOK_SECONDS
                except TasksAwayError:
                    # the dispatcher tells of it
                    pass
                except Exception:  # the others must not wait for ever because of one that nobody thought of
                    log.exception("callbacks failed")
                await asyncio.sleep(max(0.0, pause))
        finally:
            await self.close()

    async def close(self) -> None:
        """Close what is open."""
        await self._client.close()

    async def deliver_due(self) -> float | None:
        """Try callbacks that are due, as many as are tried at a time; return in how many seconds the next one is.

        No transaction is open during a try, which is marked as failed before it begins.

        Raises:
            TasksAwayError: the database is away; what was being tried is tried again.
        """
        async with self._databases.source() as source:
            taken = (await source.execute(TAKE, self._bounds())).all()
            tasks = {each.id: await self._describe(source, each.id) for each in taken if each.again}
        for each in taken:
            if not each.again:
                self._metrics.tried("given_up")
                log.warning("a callback is given up", task=str(each.id), tries=each.tries)
        tries = (self._try(each, tasks[each.id]) for each in taken if each.again)
        # one that cannot be noted down does not cut the others short
        for failure in await asyncio.gather(*tries, return_exceptions=True):
            if failure is not None:
                raise failure
        async with self._databases.source() as source:
            seconds: float | None = await source.scalar(NEXT)
        return seconds

    async def _try(self, due: Any, task: dict[str, Any] | None) -> None:
        if task is None:
            return
        body = _body(task)
        secret = secret_of(self._key, due.account)
        try:
            await self._client.post(due.url, signed(secret, f"task_{due.id.hex}", int(time.time()), body), body)
        except NotTaken as error:
            last = error.for_good or due.tries >= self._settings.callback_tries
            result = "given_up" if last else "failed"
            log.info("a callback was not taken", task=str(due.id), tries=due.tries, reason=str(error))
        else:
            result = "delivered"
        self._metrics.tried(result)
        if result != "failed":
            async with self._databases.source() as source:
                await source.execute(ANSWERED, {"id": due.id, "tries": due.tries, "callback": result})

    def _bounds(self) -> dict[str, object]:
        return {
            "tries": self._settings.callback_tries,
            "at_a_time": AT_A_TIME,
            # the n-th is how long to wait after the n-th try, which itself takes a while
            "waits": [
                self._settings.callback_timeout_seconds + wait_seconds(tries + 1)
                for tries in range(self._settings.callback_tries)
            ],
        }


def _body(task: dict[str, Any]) -> bytes:
    """What Standard Webhooks asks for; the same at each try."""
    event = {"type": f"task.{task['status']}", "timestamp": task["finished_at"], "data": task}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()

"""Answers on their way into the cache: queued by the requests, written by one task."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple

import structlog
from redis.exceptions import ResponseError

from api.cache.encoding import encode
from api.cache.errors import CacheError, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from api.cache.metrics import CacheMetrics
    from api.cache.server import Server
    from api.cache.settings import CacheSettings

# nobody waits for a write
WRITE_SECONDS = 1.0
# answers are gathered for so long, then written together, when the next requests are under way
GATHER_SECONDS = 0.01
CLOSE_SECONDS = 1.0
log = structlog.get_logger()


class Answer(NamedTuple):
    """An answer to be kept."""

    key: str
    field: str
    value: bytes


class Writer:
    """Takes answers at once and keeps them soon, or drops them: the queue is bounded."""

    def __init__(self, server: Server, settings: CacheSettings, metrics: CacheMetrics) -> None:
        self._server = server
        self._metrics = metrics
        self._ttl_seconds = settings.cache_ttl_seconds
        self._batch = settings.cache_batch
        self._queue: asyncio.Queue[Answer] = asyncio.Queue(settings.cache_queue)
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def put(self, answer: Answer) -> None:
        """Queue an answer, unless the queue is full; on the event loop's own thread."""
        try:
            self._queue.put_nowait(answer)
        except asyncio.QueueFull:
            self._metrics.written("dropped")
        self._metrics.waiting(self._queue.qsize())

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Give the answers that wait a second to be written, then drop the rest."""
        if self._task is None:
            return
        self._closing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), CLOSE_SECONDS)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._metrics.written("dropped", self._queue.qsize())

    async def _run(self) -> None:
        while True:
            answers = [await self._queue.get()]
            try:
                await self._gather(answers)
                await self._write(answers)
            except asyncio.CancelledError:
                self._metrics.written("dropped", len(answers))
                raise
            except Exception:
                # a fault of ours must not end the task: nothing would be kept from then on
                log.exception("answers not kept", answers=len(answers))
                self._metrics.written("failed", len(answers))
            finally:
                for _ in answers:
                    self._queue.task_done()

    async def _gather(self, answers: list[Answer]) -> None:
        """Add what comes meanwhile."""
        if not self._closing:
            await asyncio.sleep(GATHER_SECONDS)
        while len(answers) < self._batch and not self._queue.empty():
            answers.append(self._queue.get_nowait())
        self._metrics.waiting(self._queue.qsize())

    async def _write(self, answers: Sequence[Answer]) -> None:
        if not self._server.answers():
            self._metrics.written("dropped", len(answers))
            return
        try:
            misplaced = await self._server.ask("write", lambda redis: self._store(redis, answers), WRITE_SECONDS)
            if misplaced:
                self._metrics.failed("write", "wrong_type")
                await self._server.ask("write", lambda redis: self._replace(redis, misplaced), WRITE_SECONDS)
        except CacheError:
            self._metrics.written("failed", len(answers))
        else:
            self._metrics.written("stored", len(answers))

    async def _store(self, redis: Redis, answers: Sequence[Answer]) -> list[Answer]:
        """Write all in one go; returns those whose key holds something other than a hash."""
        # as one transaction: no connection that breaks leaves a key without its time to live
        pipeline = redis.pipeline(transaction=True)
        for answer in answers:
            self._queue_commands(pipeline, answer)
        results = await pipeline.execute(raise_on_error=False)
        misplaced = []
        for answer, result in zip(answers, results[::2], strict=True):
            if isinstance(result, ResponseError):
                if translated(result).kind != "wrong_type":
                    raise result
                misplaced.append(answer)
        return misplaced

    async def _replace(self, redis: Redis, answers: Sequence[Answer]) -> None:
        pipeline = redis.pipeline(transaction=True)
        # first all, as several fields may be of one key
        pipeline.unlink(*{answer.key for answer in answers})
        for answer in answers:
            self._queue_commands(pipeline, answer)
        await pipeline.execute()

    def _queue_commands(self, pipeline: Redis, answer: Answer) -> None:
        pipeline.hset(answer.key, answer.field, encode(answer.value))
        # the first field's time is that of all: what is written later does not make the others live longer
        pipeline.expire(answer.key, self._ttl_seconds, nx=True)

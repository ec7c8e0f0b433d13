"""Looks into the cache: those of one turn of the event loop go to the server together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import ResponseError

from api.cache.errors import CacheError, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis
    from redis.asyncio.connection import AbstractConnection

    from api.cache.metrics import CacheMetrics
    from api.cache.server import Server


class _Look(NamedTuple):
    key: str
    field: str
    found: asyncio.Future[bytes | None]


class Reader:
    """Joins looks into pipelines: the more clients at once, the less each costs, and the fewer connections it takes."""

    def __init__(self, server: Server, metrics: CacheMetrics) -> None:
        self._server = server
        self._metrics = metrics
        self._waiting: list[_Look] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def look(self, key: str, field: str) -> bytes | None:
        """The bytes that are stored, or None: nothing is, or the look failed, which is counted."""
        loop = asyncio.get_running_loop()
        look = _Look(key, field, loop.create_future())
        self._waiting.append(look)
        if len(self._waiting) == 1:
            loop.call_soon(self._send)
        return await look.found

    async def close(self) -> None:
        """Let the looks that are under way end, each within its time-out."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _send(self) -> None:
        looks, self._waiting = self._waiting, []
        task = asyncio.create_task(self._fetch(looks))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, looks: Sequence[_Look]) -> None:
        try:
            results: Sequence[object] = await self._server.ask(
                "read", lambda redis: _stored(redis, looks), count=len(looks)
            )
        except CacheError:
            results = [None] * len(looks)
        for look, result in zip(looks, results, strict=True):
            if isinstance(result, Exception):
                self._metrics.failed("read", translated(result).kind)
            # whoever was cancelled meanwhile waits no more
            if not look.found.done():
                look.found.set_result(result if isinstance(result, bytes) else None)


async def _stored(redis: Redis, looks: Sequence[_Look]) -> Sequence[object]:
    """What the server says to each: bytes, None, or an error of this one alone."""
    # the library's own pipeline takes three times as long for one look
    pool = redis.connection_pool
    connection = await pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        commands = connection.pack_commands([("HGET", look.key, look.field) for look in looks])
        await connection.send_packed_command(commands)
        return [await _response(connection) for _ in looks]
    except BaseException:
        # answers that nobody has read must not be taken for those of the next commands
        await connection.disconnect(nowait=True)
        raise
    finally:
        await pool.release(connection)


async def _response(connection: AbstractConnection) -> object:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error

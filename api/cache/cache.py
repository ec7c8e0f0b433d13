"""The cache of answers: one hash an input, one field an endpoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from api.cache.encoding import decode
from api.cache.metrics import CacheMetrics
from api.cache.reader import Reader
from api.cache.server import Server
from api.cache.writer import Answer, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from api.cache.settings import CacheSettings


class Cache:
    """Reads within a small time-out, writes later. Whatever is wrong with the server: a miss, counted, never an error.

    Of one event loop: `start` in it before the first write, `close` at its end.
    """

    def __init__(self, settings: CacheSettings, metrics: CacheMetrics) -> None:
        self._metrics = metrics
        self._server = Server(settings, metrics)
        self._reader = Reader(self._server, metrics)
        self._writer = Writer(self._server, settings, metrics)

    async def start(self) -> None:
        """Begin to write. The server need not be there."""
        self._writer.start()

    async def close(self) -> None:
        """Write what waits, for a second at most, and drop the connections."""
        await self._writer.close()
        await self._reader.close()
        await self._server.close()

    async def read(self, key: str, field: str, fits: Callable[[bytes], bool] | None = None) -> bytes | None:
        """The answer that was kept, or None; within the time-out of the settings, and at once if the server is away.

        What does not fit is garbage, and no answer.
        """
        began = time.perf_counter()
        answer = await self._look(key, field, fits) if self._server.answers() else None
        self._metrics.read(field, answer is not None, time.perf_counter() - began)
        return answer

    def write(self, key: str, field: str, value: bytes) -> None:
        """Keep an answer soon, or drop it; at once, and to be called on the event loop's thread."""
        self._writer.put(Answer(key, field, value))

    async def _look(self, key: str, field: str, fits: Callable[[bytes], bool] | None) -> bytes | None:
        stored = await self._reader.look(key, field)
        if stored is None:
            return None
        answer = decode(stored)
        if answer is None or (fits is not None and not fits(answer)):
            self._metrics.failed("read", "garbage")
            return None
        return answer


def cache_from_settings(settings: CacheSettings, registry: CollectorRegistry) -> Cache | None:
    """The cache, not yet started; None where no CACHE_URL is set."""
    return Cache(settings, CacheMetrics(registry)) if settings.cache_url else None

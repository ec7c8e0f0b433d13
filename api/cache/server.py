"""The cache's server as it is asked: within a time-out, and not at all while it is known not to answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from api.cache.breaker import Breaker
from api.cache.deadline import Deadline
from api.cache.errors import CacheError, Unreachable, translated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from api.cache.metrics import CacheMetrics
    from api.cache.settings import CacheSettings

T = TypeVar("T")
log = structlog.get_logger()


class Server:
    """Connections to the server, a bounded number of them, opened when they are needed."""

    def __init__(self, settings: CacheSettings, metrics: CacheMetrics) -> None:
        self._metrics = metrics
        self._timeout_seconds = settings.cache_timeout_ms / 1000
        self._breaker = Breaker()
        self._probe: asyncio.Task[None] | None = None
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                settings.cache_url,
                username=settings.cache_user or None,
                password=settings.cache_password.get_secret_value() or None,
                max_connections=settings.cache_connections,
                # one bound holds for all: the wait for a connection, its opening, the answer
                timeout=None,
                socket_timeout=None,
                socket_connect_timeout=None,
                # a second try would come after the time-out; the breaker says when to try again
                retry=Retry(NoBackoff(), 0),
                # no more than the login is said on a new connection
                protocol=2,
                driver_info=None,
            )
        )

    def answers(self) -> bool:
        """Whether to ask; where not, a probe that is due is begun, and nobody waits for it."""
        if self._breaker.closed:
            return True
        if self._breaker.probe_due(time.monotonic()):
            self._probe = asyncio.create_task(self._run_probe())
        return False

    async def ask(
        self,
        operation: str,
        command: Callable[[Redis], Awaitable[T]],
        timeout_seconds: float | None = None,
        count: int = 1,
    ) -> T:
        """The server's answer; `operation` is what a failure is counted by, as often as `count` says.

        Raises:
            Unreachable: it did not come in time, or cannot.
            Refused: it is an error.
        """
        try:
            answer = await self._within(command, timeout_seconds or self._timeout_seconds)
        except CacheError as error:
            self._metrics.failed(operation, error.kind, count)
            if not isinstance(error, Unreachable):
                self._breaker.succeeded()
            elif self._breaker.failed(time.monotonic()):
                self._metrics.opened(True)
                log.warning("cache away, every answer is computed", kind=error.kind, reason=str(error))
            raise
        self._breaker.succeeded()
        return answer

    async def close(self) -> None:
        """Drop the connections."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._redis.aclose(close_connection_pool=True)

    async def _within(self, command: Callable[[Redis], Awaitable[T]], seconds: float) -> T:
        try:
            async with Deadline(seconds):
                return await command(self._redis)
        # whatever the library raises: none of it is the caller's
        except Exception as error:
            raise translated(error) from error

    async def _run_probe(self) -> None:
        answered = False
        try:
            await self._within(lambda redis: redis.ping(), self._timeout_seconds)
            answered = True
        except CacheError as error:
            self._metrics.failed("probe", error.kind)
        finally:
            self._breaker.probed(answered, time.monotonic())
        if answered:
            self._metrics.opened(False)
            log.info("cache back")

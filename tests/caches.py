"""The cache in a test's own event loop, with what it counts, and a second client to look behind it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import redis
from prometheus_client import CollectorRegistry

from api.cache.cache import Cache
from api.cache.keys import answer_key
from api.cache.metrics import CacheMetrics
from api.cache.settings import CacheSettings

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterator

    from stack.valkey import Account

WAIT_SECONDS = 20.0


class Counted:
    """A cache, and its metrics."""

    def __init__(self, settings: CacheSettings) -> None:
        self.registry = CollectorRegistry()
        self.cache = Cache(settings, CacheMetrics(self.registry))
        self.read = self.cache.read
        self.write = self.cache.write

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"api_cache_{name}", labels) or 0.0

    def errors(self, operation: str, kind: str) -> float:
        return self.count("errors_total", operation=operation, kind=kind)

    def stored(self) -> float:
        return self.count("writes_total", result="stored")

    async def keep(self, key: str, field: str, value: bytes) -> None:
        """Write, and wait until it is stored."""
        before = self.stored()
        self.write(key, field, value)
        await until(lambda: self.stored() > before)

    async def hits(self, key: str, field: str, value: bytes) -> None:
        """Read until it is a hit; each that is none is written anew."""
        end = time.monotonic() + WAIT_SECONDS
        while (found := await self.read(key, field)) is None:
            assert time.monotonic() < end, "never a hit"
            self.write(key, field, value)
            await asyncio.sleep(0.02)
        assert found == value


def settings_for(account: Account, **values: object) -> CacheSettings:
    """Settings of a cache on this server, however the environment is."""
    given = {
        "cache_url": f"redis://127.0.0.1:{account.port}",
        "cache_user": account.user,
        "cache_password": account.password,
        # a busy machine answers late without being ill
        "cache_timeout_ms": 500,
    }
    return CacheSettings.model_validate(given | values)


@asynccontextmanager
async def running(settings: CacheSettings) -> AsyncIterator[Counted]:
    """The cache, started; closed at the end."""
    counted = Counted(settings)
    await counted.cache.start()
    try:
        yield counted
    finally:
        await counted.cache.close()


@contextlib.contextmanager
def client(account: Account) -> Iterator[redis.Redis]:
    """A second client of the same account."""
    with redis.Redis(port=account.port, username=account.user, password=account.password) as connection:
        yield connection


def key_of(number: int, version: str = "1") -> str:
    """The key of an input of its own."""
    return answer_key("credit", version, {"age_in_years": number, "foreign_worker": "yes"})


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def tls_before(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS and passes what it hears on to this one."""

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(passed(reader, their_writer), passed(their_reader, writer))

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]

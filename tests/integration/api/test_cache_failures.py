"""Whatever is wrong with the cache's server is a miss, counted by kind, and soon no longer waited for."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest

from api.cache.breaker import FAILURES
from api.cache.encoding import encode
from stack.valkey import Account
from tests.caches import Counted, client, key_of, running, settings_for, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.valkey import Valkey

TIMEOUT_SECONDS = 0.3


async def misses(cache: Counted, reads: int) -> float:
    """So many reads one after another, all misses; returns the seconds that they took."""
    began = time.monotonic()
    for _ in range(reads):
        assert await cache.read(key_of(1), "decisions") is None
    return time.monotonic() - began


def test_a_dead_server_costs_nothing_and_is_found_when_it_is_back(start_valkey: Callable[..., Valkey]) -> None:
    valkey = start_valkey()

    async def scenario() -> None:
        async with running(settings_for(valkey.account)) as cache:
            await cache.keep(key_of(1), "decisions", b"ACCEPT")
            valkey.kill()

            assert await misses(cache, 500) < TIMEOUT_SECONDS
            assert cache.errors("read", "connection") == FAILURES
            assert cache.count("open") == 1
            assert cache.count("reads_total", endpoint="decisions", result="miss") == 500
            # writes are dropped meanwhile
            cache.write(key_of(1), "decisions", b"ACCEPT")
            await until(lambda: cache.count("writes_total", result="dropped") == 1)

            await asyncio.to_thread(valkey.restart)
            await cache.hits(key_of(1), "decisions", b"ACCEPT")
            assert cache.count("open") == 0

    asyncio.run(scenario())


def test_a_server_that_was_never_there(start_valkey: Callable[..., Valkey]) -> None:
    valkey = start_valkey()
    valkey.stop()

    async def scenario() -> None:
        async with running(settings_for(valkey.account)) as cache:
            assert await misses(cache, 10) < TIMEOUT_SECONDS
            await asyncio.to_thread(valkey.restart)
            await cache.hits(key_of(1), "decisions", b"ACCEPT")

    asyncio.run(scenario())


def test_a_frozen_server_costs_three_time_outs_in_all(start_valkey: Callable[..., Valkey]) -> None:
    valkey = start_valkey()

    async def scenario() -> None:
        async with running(settings_for(valkey.account, cache_timeout_ms=300)) as cache:
            await cache.keep(key_of(1), "decisions", b"ACCEPT")
            valkey.send(signal.SIGSTOP)

            took = await misses(cache, FAILURES)
            assert took < (FAILURES + 1) * TIMEOUT_SECONDS
            assert cache.errors("read", "timeout") == FAILURES

            # from here on nobody waits, not even while the server is probed
            slowest = 0.0
            while cache.errors("probe", "timeout") < 2:
                slowest = max(slowest, await misses(cache, 1))
                await asyncio.sleep(0.005)
            assert slowest < TIMEOUT_SECONDS / 2
            assert cache.errors("read", "timeout") == FAILURES

            valkey.send(signal.SIGCONT)
            await cache.hits(key_of(1), "decisions", b"ACCEPT")

    asyncio.run(scenario())


def test_killed_and_restarted_under_load_no_caller_sees_an_error_or_another_answer(
    start_valkey: Callable[..., Valkey],
) -> None:
    valkey = start_valkey()

    async def scenario() -> None:
        async with running(settings_for(valkey.account)) as cache:
            going_on = True
            hits = 0

            async def load(worker: int) -> None:
                nonlocal hits
                number = worker
                while going_on:
                    number = (number + 7) % 200
                    found = await cache.read(key_of(number), "decisions")
                    assert found in {None, b"%d" % number}
                    if found is None:
                        cache.write(key_of(number), "decisions", b"%d" % number)
                    else:
                        hits += 1
                    await asyncio.sleep(0.001)

            loads = [asyncio.create_task(load(worker)) for worker in range(20)]

            async def flowing() -> None:
                enough = hits + 300
                await until(lambda: hits > enough)

            for _ in range(2):
                await flowing()
                valkey.kill()
                await until(lambda: cache.count("open") == 1)
                await asyncio.to_thread(valkey.restart)
                await until(lambda: cache.count("open") == 0)
            await flowing()
            going_on = False
            await asyncio.gather(*loads)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "garbage", [b"", b"ACCEPT", b"\x80\x04K\x01.", encode(b"ACCEPT")[:-1], b"\x02" + encode(b"ACCEPT")[1:]]
)
def test_a_value_that_is_no_answer_is_a_miss_and_written_over(
    start_valkey: Callable[..., Valkey], garbage: bytes
) -> None:
    valkey = start_valkey()

    async def scenario() -> None:
        async with running(settings_for(valkey.account)) as cache:
            with client(valkey.account) as behind:
                behind.hset(key_of(1), "decisions", garbage)

            assert await cache.read(key_of(1), "decisions") is None
            assert cache.errors("read", "garbage") == 1
            await cache.keep(key_of(1), "decisions", b"DECLINE")
            assert await cache.read(key_of(1), "decisions") == b"DECLINE"
            assert cache.count("open") == 0

    asyncio.run(scenario())


def test_a_key_of_another_type_is_a_miss_and_replaced(start_valkey: Callable[..., Valkey]) -> None:
    valkey = start_valkey()

    async def scenario() -> None:
        async with running(settings_for(valkey.account)) as cache:
            with client(valkey.account) as behind:
                behind.set(key_of(1), "text")
                for _ in range(2 * FAILURES):
                    assert await cache.read(key_of(1), "decisions") is None
                assert cache.errors("read", "wrong_type") == 2 * FAILURES

                # two fields of it and another key in one batch
                cache.write(key_of(1), "decisions", b"ACCEPT")
                cache.write(key_of(1), "probabilities", b"0.23")
                cache.write(key_of(2), "decisions", b"DECLINE")
                await until(lambda: cache.stored() == 3)

                assert await cache.read(key_of(1), "decisions") == b"ACCEPT"
                assert await cache.read(key_of(1), "probabilities") == b"0.23"
                assert await cache.read(key_of(2), "decisions") == b"DECLINE"
                assert 0 < int(str(behind.ttl(key_of(1)))) <= 3600
                assert cache.count("open") == 0

    asyncio.run(scenario())


def test_a_full_server_that_evicts_nothing_refuses_writes_and_answers_reads(
    start_valkey: Callable[..., Valkey],
) -> None:
    valkey = start_valkey(maxmemory="3mb", maxmemory_policy="noeviction")

    async def scenario() -> None:
        async with running(settings_for(valkey.account, cache_queue=100_000)) as cache:
            await cache.keep(key_of(-1), "decisions", b"ACCEPT")
            for number in range(20_000):
                cache.write(key_of(number), "decisions", b"ACCEPT")
            await until(lambda: cache.count("waiting") == 0 and cache.errors("write", "out_of_memory") > 0)

            assert await cache.read(key_of(-1), "decisions") == b"ACCEPT"
            assert cache.count("writes_total", result="failed") > 0
            assert cache.count("open") == 0

    asyncio.run(scenario())


def test_a_wrong_password_is_a_miss_of_its_own_kind(start_valkey: Callable[..., Valkey]) -> None:
    account = start_valkey().account
    stranger = Account(account.port, account.user, "wrong")

    async def scenario() -> None:
        async with running(settings_for(stranger)) as cache:
            await misses(cache, 10)
            assert cache.errors("read", "login") == FAILURES

    asyncio.run(scenario())


def test_a_command_that_the_account_may_not_use_is_a_miss(start_valkey: Callable[..., Valkey]) -> None:
    account = start_valkey().account

    async def scenario() -> None:
        async with running(settings_for(account)) as cache:
            assert await cache.read("another:key", "decisions") is None
            assert cache.errors("read", "permission") == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$-7\r\n\x00\xff", b""])
def test_a_server_of_another_kind_is_a_miss(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with running(settings_for(Account(port, "a", "b"))) as cache:
                assert await misses(cache, 10) < 10 * TIMEOUT_SECONDS
                assert cache.count("open") == 1

    asyncio.run(scenario())

"""The cache on a real Valkey: what is kept, under which key, for how long."""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from typing import TYPE_CHECKING

import trustme

from api.cache.keys import answer_key
from api.cache.settings import CacheSettings
from tests.caches import client, key_of, running, settings_for, tls_before, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from stack.settings import Settings
    from stack.valkey import Valkey


def test_the_stack_says_all_that_the_api_needs(
    settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # given the environment that the stack starts the API with
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    for variable, value in settings.environment().items():
        monkeypatch.setenv(variable, value)

    async def scenario() -> None:
        async with running(CacheSettings()) as cache:
            key = answer_key(name, "1", {"a": 1})
            assert await cache.read(key, "decisions") is None
            await cache.keep(key, "decisions", b"ACCEPT")

            # then what was written is read, with the number written otherwise
            assert await cache.read(answer_key(name, "1", {"a": 1.0}), "decisions") == b"ACCEPT"
            assert cache.count("reads_total", endpoint="decisions", result="miss") == 1
            assert cache.count("reads_total", endpoint="decisions", result="hit") == 1
            assert cache.count("read_seconds_count") == 2

    asyncio.run(scenario())


def test_endpoints_share_a_hash_and_never_an_answer(start_valkey: Callable[..., Valkey]) -> None:
    account = start_valkey().account

    async def scenario() -> None:
        async with running(settings_for(account)) as cache:
            await cache.keep(key_of(1), "decisions", b"ACCEPT")
            assert await cache.read(key_of(1), "probabilities") is None
            await cache.keep(key_of(1), "probabilities", b"0.23")

            assert await cache.read(key_of(1), "decisions") == b"ACCEPT"
            assert await cache.read(key_of(1), "probabilities") == b"0.23"
            with client(account) as behind:
                assert behind.dbsize() == 1
                assert behind.hkeys(key_of(1)) == [b"decisions", b"probabilities"]

    asyncio.run(scenario())


def test_a_new_version_never_serves_an_old_answer(start_valkey: Callable[..., Valkey]) -> None:
    async def scenario() -> None:
        async with running(settings_for(start_valkey().account)) as cache:
            await cache.keep(key_of(1, "1"), "decisions", b"old")
            assert await cache.read(key_of(1, "2"), "decisions") is None
            await cache.keep(key_of(1, "2"), "decisions", b"new")

            assert await cache.read(key_of(1, "2"), "decisions") == b"new"
            assert await cache.read(key_of(1, "1"), "decisions") == b"old"

    asyncio.run(scenario())


def test_an_input_is_forgotten_when_its_time_is_over(start_valkey: Callable[..., Valkey]) -> None:
    async def scenario() -> None:
        async with running(settings_for(start_valkey().account, cache_ttl_seconds=1)) as cache:
            began = time.monotonic()
            await cache.keep(key_of(1), "decisions", b"ACCEPT")
            while await cache.read(key_of(1), "decisions") is not None:
                assert time.monotonic() - began < 10
                await asyncio.sleep(0.02)
            assert time.monotonic() - began >= 1

    asyncio.run(scenario())


def test_a_later_field_does_not_make_the_first_live_longer(start_valkey: Callable[..., Valkey]) -> None:
    account = start_valkey().account

    async def scenario() -> None:
        async with running(settings_for(account, cache_ttl_seconds=1000)) as cache:
            with client(account) as behind:
                await cache.keep(key_of(1), "decisions", b"ACCEPT")
                assert 990 < int(str(behind.ttl(key_of(1)))) <= 1000
                behind.expire(key_of(1), 500)

                await cache.keep(key_of(1), "probabilities", b"0.23")

                assert 490 < int(str(behind.ttl(key_of(1)))) <= 500

    asyncio.run(scenario())


def test_writing_waits_for_nobody_and_its_queue_is_bounded(start_valkey: Callable[..., Valkey]) -> None:
    valkey = start_valkey()

    async def scenario() -> None:
        async with running(settings_for(valkey.account, cache_queue=1000, cache_batch=50)) as cache:
            # given a server that stands still
            valkey.send(signal.SIGSTOP)

            # when more is written than the queue holds
            began = time.monotonic()
            for number in range(3000):
                cache.write(key_of(number), "decisions", b"ACCEPT")
            took = time.monotonic() - began

            # then that took no time-out, and what was too much was dropped
            assert took < 0.5
            assert cache.count("writes_total", result="dropped") == 2000
            assert cache.count("waiting") == 1000

    asyncio.run(scenario())


def test_what_waits_at_the_end_is_written(start_valkey: Callable[..., Valkey]) -> None:
    account = start_valkey().account

    async def scenario() -> None:
        async with running(settings_for(account, cache_batch=50)) as cache:
            for number in range(500):
                cache.write(key_of(number), "decisions", b"ACCEPT")

    asyncio.run(scenario())
    with client(account) as behind:
        assert behind.dbsize() == 500


def test_no_more_connections_are_opened_than_set(start_valkey: Callable[..., Valkey]) -> None:
    account = start_valkey().account

    async def scenario() -> None:
        async with running(settings_for(account, cache_connections=4, cache_timeout_ms=5000)) as cache:
            await cache.keep(key_of(1), "decisions", b"ACCEPT")
            found = await asyncio.gather(*(cache.read(key_of(1), "decisions") for _ in range(200)))
            assert found == [b"ACCEPT"] * 200
            with client(account) as behind:
                # this one, too
                assert 2 <= behind.info("clients")["connected_clients"] <= 5

    asyncio.run(scenario())


def test_a_server_behind_tls_is_trusted_by_its_authority_alone(
    start_valkey: Callable[..., Valkey], tmp_path: Path
) -> None:
    # given TLS before the server, with a certificate of an authority of its own
    account = start_valkey().account
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    async def scenario() -> None:
        async with tls_before(account.port, context) as port:
            named = f"rediss://localhost:{port}?ssl_ca_certs={tmp_path / 'ca.pem'}"
            async with running(settings_for(account, cache_url=named)) as cache:
                await cache.keep(key_of(1), "decisions", b"ACCEPT")
                assert await cache.read(key_of(1), "decisions") == b"ACCEPT"

            async with running(settings_for(account, cache_url=f"rediss://localhost:{port}")) as cache:
                assert await cache.read(key_of(1), "decisions") is None
                assert cache.errors("read", "connection") == 1

    asyncio.run(scenario())


def test_memory_is_bounded_and_what_is_asked_for_stays(start_valkey: Callable[..., Valkey]) -> None:
    # given room for some thousands of answers
    account = start_valkey(maxmemory="4mb").account

    async def scenario() -> None:
        async with running(settings_for(account, cache_timeout_ms=2000, cache_queue=100_000)) as cache:
            await cache.keep(key_of(-1), "decisions", b"asked for")
            for _ in range(300):
                await cache.read(key_of(-1), "decisions")

            # when many more are written, each never asked for again
            for number in range(40_000):
                cache.write(key_of(number), "decisions", b"ACCEPT")
            await until(lambda: cache.stored() == 40_001)

            # then the memory was kept, and what was asked for often
            with client(account) as behind:
                memory, keys = behind.info("memory"), int(str(behind.dbsize()))
                assert memory["used_memory"] <= 1.1 * memory["maxmemory"]
                assert 1000 < keys < 35_000
                assert behind.info("stats")["evicted_keys"] > 0
            assert await cache.read(key_of(-1), "decisions") == b"asked for"

    asyncio.run(scenario())

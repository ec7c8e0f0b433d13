"""The accounts of cache and archive do their own work, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
from botocore.exceptions import ClientError

from stack.servers import archive_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.settings import Settings
    from tests.servers import Servers

MAY_NOT = (
    "SET other:key 1",
    "GET other:key",
    "DEL other:key",
    "RENAME answer:{name} other:key",
    "COPY answer:{name} other:key",
    "KEYS *",
    "CONFIG GET *",
    "CONFIG SET maxmemory 1",
    "CONFIG SET dir /tmp",
    "ACL LIST",
    "ACL SETUSER {name} on nopass ~* +@all",
    "CLIENT LIST",
    "CLIENT KILL TYPE normal",
    "FLUSHALL",
    "SHUTDOWN",
    "SAVE",
    "BGSAVE",
    "MONITOR",
    "EVAL return(1) 0",
    "FUNCTION LIST",
    "MODULE LIST",
    "REPLICAOF localhost 1",
    "MIGRATE localhost 1 answer:{name} 0 1",
    "SUBSCRIBE {name}",
    "PUBLISH {name} 1",
)


@pytest.fixture
def cache(settings: Settings, stack: Servers) -> Iterator[redis.Redis]:
    """Give the cache as the API's account."""
    password = settings.cache_password.get_secret_value()
    with redis.Redis.from_url(settings.cache_url, username=settings.cache_user, password=password) as client:
        yield client


@pytest.mark.parametrize("command", MAY_NOT)
def test_the_account_of_the_cache_keeps_to_answers(command: str, cache: redis.Redis, name: str) -> None:
    cache.set(f"answer:{name}", 1, ex=60)

    with pytest.raises(redis.exceptions.NoPermissionError):
        cache.execute_command(*command.format(name=name).split())  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("user", "password"), [(None, None), ("default", ""), ("cacheuser", "wrong")])
def test_nobody_else_has_the_cache(user: str | None, password: str | None, settings: Settings, stack: Servers) -> None:
    with (
        redis.Redis.from_url(settings.cache_url, username=user, password=password) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()


def test_the_key_of_the_archive_opens_its_own_bucket(settings: Settings, stack: Servers, name: str) -> None:
    store = archive_store(settings)
    client = store.client()
    client.put_object(Bucket=store.bucket, Key=f"{name}.txt", Body=b"x")
    client.delete_object(Bucket=store.bucket, Key=f"{name}.txt")

    refusals: tuple[Callable[[], object], ...] = (
        lambda: client.create_bucket(Bucket=name),
        lambda: client.put_object(Bucket=name, Key="a", Body=b"x"),
        lambda: client.get_object(Bucket=name, Key="a"),
        lambda: client.list_objects_v2(Bucket=name),
        lambda: client.delete_bucket(Bucket=name),
        lambda: client.copy_object(Bucket=store.bucket, Key="a", CopySource={"Bucket": name, "Key": "a"}),
    )
    for refused in refusals:
        with pytest.raises(ClientError) as error:
            refused()
        assert error.value.response["Error"]["Code"] == "AccessDenied"


def test_a_wrong_key_opens_nothing(settings: Settings, stack: Servers) -> None:
    store = archive_store(settings.model_copy(update={"archive_password": type(settings.archive_password)("wrong")}))

    with pytest.raises(ClientError) as error:
        store.client().list_objects_v2(Bucket=store.bucket)
    assert error.value.response["Error"]["Code"] == "SignatureDoesNotMatch"

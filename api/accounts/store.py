"""Accounts and wrong passwords in the source database, schema `tasks`."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.accounts.throttle import BY_NAME, OF_ALL, Bound, Failures

# one name's tries are looked at one after the other, in every process
LOCK = text("select pg_advisory_xact_lock(hashtextextended(encode(:name, 'hex'), 0))")
FAILURES_OF_NAME = """
select count(*), coalesce(extract(epoch from clock_timestamp() - min(at)), 0)
from (
  select at from tasks.failed_sign_in
  where name = :name and at > clock_timestamp() - make_interval(secs => :seconds)
  order by at desc limit :tries
) as last
"""
FAILURES_OF_ALL = FAILURES_OF_NAME.replace("name = :name and ", "")
FORGET_OLD = text(
    """
    delete from tasks.failed_sign_in where ctid in (
      select ctid from tasks.failed_sign_in where at < clock_timestamp() - make_interval(secs => :seconds)
      limit 1000 for update skip locked
    )
    """
)
ACCOUNT = "select id, name, password_hash, scopes, generation, created_at from tasks.account where removed_at is null"
# a task goes when the dispatcher has removed its results too
REMOVE = (
    text("update tasks.account set removed_at = now(), password_hash = '' where id = :id"),
    text(
        """
        update tasks.task set removed_at = now(), idempotency_key = null, finished_at = coalesce(finished_at, now()),
          status = case when status in ('queued', 'running') then 'cancelled' else status end
        where account = :id and removed_at is null
        """
    ),
    text("update tasks.chunk set state = 'cancelled' where account = :id and state = 'waiting'"),
)
FORGET_REMOVED = text(
    """
    delete from tasks.account where removed_at is not null
      and not exists (select from tasks.task where task.account = account.id)
    """
)


@dataclass(frozen=True)
class Kept:
    """A row of `tasks.account`."""

    id: int
    name: str
    password_hash: str
    scopes: frozenset[str]
    generation: int
    created_at: datetime


async def by_name(connection: AsyncConnection, name: str) -> Kept | None:
    """The account of this name, if there is one."""
    # no name in the database has a character that its texts cannot hold
    if "\0" in name:
        return None
    found = (await connection.execute(text(f"{ACCOUNT} and name = :name"), {"name": name})).one_or_none()
    return _kept(found) if found is not None else None


async def by_id(connection: AsyncConnection, account: int) -> Kept | None:
    """The account of this id, if there is one still."""
    found = (await connection.execute(text(f"{ACCOUNT} and id = :id"), {"id": account})).one_or_none()
    return _kept(found) if found is not None else None


async def every(connection: AsyncConnection) -> list[Kept]:
    """All accounts, by name."""
    return [_kept(row) for row in await connection.execute(text(f"{ACCOUNT} order by name"))]


async def add(connection: AsyncConnection, name: str, password_hash: str, scopes: Iterable[str]) -> bool:
    """Make an account; False if the name is taken."""
    added = await connection.execute(
        text(
            """
            insert into tasks.account (name, password_hash, scopes) values (:name, :hash, :scopes)
            on conflict (name) where removed_at is null do nothing
            """
        ),
        {"name": name, "hash": password_hash, "scopes": sorted(scopes)},
    )
    return bool(added.rowcount)


async def remove(connection: AsyncConnection, name: str) -> bool:
    """Remove an account and, in a while, its tasks; False if there is none of this name."""
    kept = await by_name(connection, name)
    if kept is None:
        return False
    for statement in REMOVE:
        await connection.execute(statement, {"id": kept.id})
    await forget_removed(connection)
    return True


async def forget_removed(connection: AsyncConnection) -> None:
    """Let removed accounts go whose last task has gone."""
    await connection.execute(FORGET_REMOVED)


async def set_password(connection: AsyncConnection, name: str, password_hash: str) -> bool:
    """Give an account a new password, which voids its tokens; False if there is none of this name."""
    kept = await by_name(connection, name)
    if kept is None:
        return False
    await connection.execute(
        text("update tasks.account set password_hash = :hash, generation = generation + 1 where id = :id"),
        {"id": kept.id, "hash": password_hash},
    )
    await forget_failures(connection, name)
    return True


async def rehash(connection: AsyncConnection, kept: Kept, password_hash: str) -> None:
    """Keep the same password by other parameters."""
    await connection.execute(
        text("update tasks.account set password_hash = :hash where id = :id and password_hash = :before"),
        {"id": kept.id, "hash": password_hash, "before": kept.password_hash},
    )


async def lock_name(connection: AsyncConnection, name: str) -> None:
    """Wait until nobody else tries a password for this name, and keep it so until the transaction ends."""
    await connection.execute(LOCK, {"name": _digest(name)})


async def failures_of_name(connection: AsyncConnection, name: str) -> Failures:
    """Wrong passwords of late for this name."""
    return await _failures(connection, FAILURES_OF_NAME, BY_NAME, {"name": _digest(name)})


async def failures_of_all(connection: AsyncConnection) -> Failures:
    """Wrong passwords of late, for whatever name."""
    return await _failures(connection, FAILURES_OF_ALL, OF_ALL, {})


async def add_failure(connection: AsyncConnection, name: str) -> None:
    """Keep that a password was wrong, and forget those too old to count."""
    await connection.execute(text("insert into tasks.failed_sign_in (name) values (:name)"), {"name": _digest(name)})
    await connection.execute(FORGET_OLD, {"seconds": max(BY_NAME.seconds, OF_ALL.seconds)})


async def forget_failures(connection: AsyncConnection, name: str) -> None:
    """Forget the wrong passwords for this name."""
    await connection.execute(text("delete from tasks.failed_sign_in where name = :name"), {"name": _digest(name)})


async def _failures(connection: AsyncConnection, query: str, bound: Bound, values: dict[str, object]) -> Failures:
    found = await connection.execute(text(query), values | {"seconds": bound.seconds, "tries": bound.tries})
    count, oldest = found.one()
    return Failures(count, float(oldest))


def _digest(name: str) -> bytes:
    # a name may be of any length and of any characters, and is now and then a password in the wrong field
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


def _kept(row: Row[Any]) -> Kept:
    return Kept(**{**row._mapping, "scopes": frozenset(row.scopes)})

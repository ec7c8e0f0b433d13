"""Signing in, and whose a token is."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from api.accounts import passwords, store, throttle, tokens
from api.accounts.errors import SignInError, TokenError, TooManyTriesError
from api.accounts.scopes import SCOPES
from api.accounts.tokens import Claims
from api.tasks.callbacks.signature import secret_of
from api.tasks.database import Databases
from api.tasks.errors import BusyError, FieldsError
from api.tasks.settings import TaskSettings

# each takes 19 MiB for some 30 ms
HASHES_AT_A_TIME = 2
MAX_WAITING = 64

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class Account:
    """Who asks, and what the token is good for."""

    id: int
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Grant:
    """A token, how long it is good, and what for."""

    token: str
    expires_in_seconds: int
    scopes: frozenset[str]


class Accounts:
    """Accounts, in the source database; each request's token is checked against it."""

    def __init__(self, settings: TaskSettings, databases: Databases) -> None:
        self._key = settings.signing_key()
        self._minutes = settings.token_minutes
        self._databases = databases
        self._hashing = ThreadPoolExecutor(HASHES_AT_A_TIME, "password")
        self._turns = asyncio.Semaphore(HASHES_AT_A_TIME)
        self._waiting = 0

    def close(self) -> None:
        """End the threads."""
        self._hashing.shutdown(cancel_futures=True)

    async def sign_in(self, name: str, password: str, asked: frozenset[str] | None = None) -> Grant:
        """A token for an account, good for all that the account may do or for what is asked of it.

        Raises:
            SignInError: the name or the password is wrong.
            TooManyTriesError: too many were wrong of late.
            FieldsError: the account may do nothing of what is asked.
            BusyError: too many sign in at this moment.
            TasksAwayError: the database is away.
        """
        if self._waiting >= MAX_WAITING:
            raise BusyError("too many sign in at this moment, try again later")
        self._waiting += 1
        try:
            async with self._turns:
                kept = await self._checked(name, password)
        finally:
            self._waiting -= 1
        if kept is None:
            raise SignInError
        scopes = kept.scopes & (asked or SCOPES.keys())
        if not scopes:
            raise FieldsError(("scope", f"the account has {tokens.in_order(kept.scopes)}"))
        claims = Claims(kept.id, kept.name, scopes, kept.generation)
        token = tokens.issued(self._key, claims, datetime.now(UTC), self._minutes)
        return Grant(token, self._minutes * 60, scopes)

    async def account_of(self, token: str) -> Account:
        """Whose a token is.

        Raises:
            TokenError: it is not one of ours, has expired, or its account has been removed or has a new password.
            TasksAwayError: the database is away.
        """
        claims = tokens.verified(self._key, token)
        async with self._databases.source() as connection:
            kept = await store.by_id(connection, claims.account)
        if kept is None or kept.generation != claims.generation:
            raise TokenError("the account has changed since")
        return Account(kept.id, kept.name, claims.scopes & kept.scopes)

    def webhook_secret(self, account: Account) -> str:
        """What the signatures of an account's callbacks are checked with."""
        return secret_of(self._key, account.id)

    async def _checked(self, name: str, password: str) -> store.Kept | None:
        """The account, if the password is right; a wrong one is kept for the throttle.

        The name stays locked from the look at its failures to the end: guesses side by side would each see those before
        all of them.
        """
        async with self._databases.source() as connection:
            await store.lock_name(connection, name)
            wait = max(
                throttle.wait_seconds(throttle.BY_NAME, await store.failures_of_name(connection, name)),
                throttle.wait_seconds(throttle.OF_ALL, await store.failures_of_all(connection)),
            )
            if wait:
                log.warning("a sign-in is refused: too many wrong passwords of late", seconds=wait)
                raise TooManyTriesError(wait)
            kept = await store.by_name(connection, name)
            hash_ = kept.password_hash if kept else None
            if not await self._in_thread(lambda: passwords.matches(password, hash_)):
                await store.add_failure(connection, name)
                return None
            assert kept is not None  # noqa: S101 (without a hash nothing matches)
            await store.forget_failures(connection, name)
            if passwords.outdated(kept.password_hash):
                await store.rehash(connection, kept, await self._in_thread(lambda: passwords.hashed(password)))
            return kept

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._hashing, work)

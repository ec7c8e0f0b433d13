"""Accounts of a test's own, and an API that takes tasks."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import psycopg
from fastapi import APIRouter

from api.accounts import passwords
from api.accounts.dependency import READ, WRITE, Account, signed_in
from api.app import create_app
from api.metrics import Metrics
from api.model.registry import Registry
from api.problems import ProblemRoute
from api.service import Service
from api.settings import Settings
from api.tasks.migrate import migrate
from api.tasks.settings import TaskSettings
from stack.settings import Settings as StackSettings

KEY = "a key that only the tests have, of 64 letters: 0123456789abcdefghi"
PASSWORD = "correct horse battery staple"
BOTH = ("tasks:read", "tasks:write")


def task_settings(settings: StackSettings, **changes: object) -> TaskSettings:
    """What the API is told of the running databases."""
    values = {name.lower(): value for name, value in task_environment(settings).items()}
    return TaskSettings.model_validate({**values, **changes})


def task_environment(settings: StackSettings) -> dict[str, str]:
    """The same as variables of a process."""
    wanted = ("TASKS_", "SOURCE_", "TARGET_")
    environment = {name: value for name, value in settings.environment().items() if name.startswith(wanted)}
    return environment | {"TOKEN_SIGNING_KEY": KEY}


def add_account(settings: StackSettings, name: str, password: str = PASSWORD, scopes: tuple[str, ...] = BOTH) -> int:
    """Make an account, and the schema if it is not there yet; return the account's id."""
    return add_account_in(task_settings(settings), name, password, scopes)


def add_account_in(settings: TaskSettings, name: str, password: str = PASSWORD, scopes: tuple[str, ...] = BOTH) -> int:
    """The same, in the database of these settings."""
    dsn = settings.source_dsn()
    _migrated(dsn)
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "insert into tasks.account (name, password_hash, scopes) values (%s, %s, %s) returning id",
            (name, _hash(password), list(scopes)),
        ).fetchone()
    assert row is not None
    return int(row[0])


@functools.cache
def _migrated(dsn: str) -> None:
    """Bring the schema of a database up to date, once."""
    migrate(psycopg.connect(dsn))


# to hash a password takes long on purpose
_hash = functools.cache(passwords.hashed)


# as a route of tasks asks who is there
who = APIRouter(prefix="/who", route_class=ProblemRoute)


@who.get("/reads")
async def reads(account: Annotated[Account, signed_in(READ)]) -> dict[str, object]:
    """Whoever may read."""
    return {"id": account.id, "name": account.name, "scopes": sorted(account.scopes)}


@who.get("/writes")
async def writes(account: Annotated[Account, signed_in(READ, WRITE)]) -> dict[str, object]:
    """Whoever may read and write."""
    return {"id": account.id}


@asynccontextmanager
async def served(settings: TaskSettings, models_dir: Path, *, wait: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API in this process, which has the routes of `who` too."""
    app = create_app(Service(Settings(models_dir=models_dir), Registry(models_dir), Metrics()), tasks=settings)
    app.include_router(who)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        if wait:
            await app.state.databases.wait_ready()
        yield client


async def signed_in_as(client: httpx.AsyncClient, name: str, password: str = PASSWORD, **form: str) -> str:
    """A token for an account."""
    answer = await client.post("/auth/token", data={"username": name, "password": password, **form})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def bearer(token: str) -> dict[str, str]:
    """The head field that a token is shown in."""
    return {"Authorization": f"Bearer {token}"}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that an answer is; fails if it is none of this status."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} < body.keys()
    return body


Scenario = Callable[[httpx.AsyncClient], Awaitable[None]]


class Runner:
    """Runs scenarios, each with a client of an API on the test's databases."""

    def __init__(self, settings: StackSettings, models_dir: Path) -> None:
        self._settings = settings
        self._models_dir = models_dir

    def __call__(self, scenario: Scenario, *, wait: bool = True, **changes: object) -> None:
        """Run one, with these settings changed."""

        async def with_client() -> None:
            async with served(task_settings(self._settings, **changes), self._models_dir, wait=wait) as client:
                # whatever it comes to, the app ends as it does after a signal
                [failure] = await asyncio.gather(scenario(client), return_exceptions=True)
            if failure is not None:
                raise failure

        asyncio.run(with_client())

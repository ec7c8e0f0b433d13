"""Accounts of a test's own, and an API that takes tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from api.accounts import passwords
from api.tasks.migrate import migrate
from api.tasks.settings import TaskSettings

if TYPE_CHECKING:
    from stack.settings import Settings

KEY = "a key that only the tests have, of 64 letters: 0123456789abcdefghi"
PASSWORD = "correct horse battery staple"
BOTH = ("tasks:read", "tasks:write")


def task_settings(settings: Settings, **changes: object) -> TaskSettings:
    """What the API is told of the running databases."""
    values = {name.lower(): value for name, value in task_environment(settings).items()}
    return TaskSettings.model_validate({**values, **changes})


def task_environment(settings: Settings) -> dict[str, str]:
    """The same as variables of a process."""
    wanted = ("TASKS_", "SOURCE_", "TARGET_")
    environment = {name: value for name, value in settings.environment().items() if name.startswith(wanted)}
    return environment | {"TOKEN_SIGNING_KEY": KEY}


def add_account(settings: Settings, name: str, password: str = PASSWORD, scopes: tuple[str, ...] = BOTH) -> int:
    """Make an account, and the schema if it is not there yet; return the account's id."""
    dsn = task_settings(settings).source_dsn()
    migrate(psycopg.connect(dsn))
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "insert into tasks.account (name, password_hash, scopes) values (%s, %s, %s) returning id",
            (name, passwords.hashed(password), list(scopes)),
        ).fetchone()
    assert row is not None
    return int(row[0])

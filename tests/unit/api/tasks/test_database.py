"""What is said of a database that is away, and to whom."""

import asyncio

import pytest
from pydantic import SecretStr

from api.tasks.database import Databases
from api.tasks.errors import TasksAwayError
from api.tasks.settings import TaskSettings
from tests.ports import free_port


def test_servers_and_roles_are_named_in_the_log_alone() -> None:
    settings = TaskSettings(
        tasks_user="a_role",
        tasks_password=SecretStr("a password"),
        target_port=free_port(),
        token_signing_key=SecretStr("0123456789abcdef" * 2),
    )

    async def ask() -> None:
        databases = Databases(settings)
        try:
            async with databases.target():
                pass
        finally:
            await databases.close()

    with pytest.raises(TasksAwayError) as away:
        asyncio.run(ask())

    assert str(away.value) == "the target database does not answer"
    assert str(settings.target_port) in away.value.reason
    assert "a password" not in away.value.reason

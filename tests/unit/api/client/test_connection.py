"""Addresses at which nobody answers, and those that hold a password."""

import pytest
from pydantic import SecretStr

from api.client import connection
from api.client.commands.options import come_back
from api.client.connection import Connection
from api.client.errors import UnreachedError, UsageError
from api.client.settings import ClientSettings
from tests.ports import free_port


def settings(url: str) -> ClientSettings:
    return ClientSettings(api_url=url, task_client_user="ada", task_client_password=SecretStr("a password"))


def test_an_address_that_nobody_answers_at_is_doubted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_PATIENCE_SECONDS", 0.0)

    with (
        Connection(settings(f"http://127.0.0.1:{free_port()}"), 300, print) as there,
        pytest.raises(UnreachedError) as error,
    ):
        there.ask("GET", "/tasks")

    assert str(error.value).count("is it running") == 1


def test_an_address_holds_no_password() -> None:
    with pytest.raises(UsageError, match="API_URL") as error:
        Connection(settings("http://ada:secret@127.0.0.1:1"), 300, print)

    assert "secret" not in str(error.value)


def test_the_command_that_comes_back_is_one_for_a_shell() -> None:
    assert come_back("wait", "0197", "my rows.csv") == "python -m api.client wait 0197 --output 'my rows.csv'"

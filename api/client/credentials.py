"""Who signs in: from the environment, or asked for on a terminal."""

import sys
from dataclasses import dataclass

import typer

from api.client.errors import UsageError
from api.client.settings import ClientSettings


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str


class Asker:
    """Knows the user's name and password, once somebody has told them."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._told: Credentials | None = None

    @property
    def can_tell(self) -> bool:
        """Whether there is, or may be, a password to sign in with."""
        set_ = self._settings.task_client_user is not None and self._settings.task_client_password is not None
        return set_ or self._told is not None or (self._settings.task_client_token is None and _terminal())

    def tell(self) -> Credentials:
        """Name and password; what is not set is asked for, once.

        Raises:
            UsageError: they are not set, and there is no terminal to ask on.
        """
        if self._told is None:
            self._told = self._ask()
        return self._told

    def _ask(self) -> Credentials:
        user, password = self._settings.task_client_user, self._settings.task_client_password
        if (user is None or password is None) and not _terminal():
            raise UsageError("set TASK_CLIENT_USER and TASK_CLIENT_PASSWORD (or TASK_CLIENT_TOKEN) to sign in")
        name = user if user is not None else typer.prompt("User", err=True)
        word = password.get_secret_value() if password is not None else None
        if word is None:
            word = typer.prompt(f"Password of {name}", hide_input=True, err=True)
        return Credentials(name, word)


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()

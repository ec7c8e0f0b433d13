"""The stack and our services while something is measured."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from stack.cli import folder_of
from stack.servers import Stack, exclusive
from stack.services import Services
from stack.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stack.process import Server
    from stack.progress import Progress

PORT_OFFSET = 15_000
TOPIC = "postgres-source-iris_data"
# servers that rows which are in their topic do without, and how the API is told so
BESIDE = ("source", "connect", "cache", "archive")
NOTHING_BESIDE = {"CACHE_URL": "", "ARCHIVE_ENDPOINT": "", "TASKS_USER": ""}


class Running:
    """The servers, tuned for throughput, on ports of their own, and the model API; nothing is kept at the end.

    `more` are options of a server beside ours, or instead of them, by the server's name, as of `Stack`; a `stack` that
    runs already needs no `started`.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        port_offset: int = PORT_OFFSET,
        more: Mapping[str, Mapping[str, str]] | None = None,
        stack: Stack | None = None,
    ) -> None:
        own = Settings().moved(port_offset)
        self.stack = stack or Stack(own, folder_of(port_offset), tuned=True, more=more)
        self.settings, self.folder = self.stack.settings, self.stack.folder
        self.progress = progress
        self.services = Services(self.settings, self.folder)

    @contextmanager
    def started(self, *registering: str, connectors: bool = True) -> Iterator[None]:
        """All of it runs within the block; without connectors, the broker, the target and the API alone.

        Raises:
            StackError: something does not start.
        """
        with exclusive(self.folder):
            try:
                self._forget()
                self.stack.fetch(self.progress)
                if not connectors:
                    self.services.environment |= NOTHING_BESIDE
                self.stack.start(self.progress.say, without=() if connectors else BESIDE)
                self.services.train()
                self.services.api.restart()
                if connectors:
                    self.services.first_row()
                    self.services.register(*registering)
                yield
            finally:
                for service in (self.services.task_subscriber, self.services.subscriber, self.services.api):
                    service.stop()
                self.stack.stop()
                self._forget()

    def use_own_models(self) -> None:
        """Keep the models with what is forgotten at the end; to be called before the block of `started`."""
        self.services.environment["MODELS_DIR"] = str(self.folder / "data" / "models")

    def train(self, module: str, **changes: str) -> None:
        """Fit the module's model and serve it, with changes to the environment."""
        self.services.run("train", "api.train", module, **changes)

    def checkpoint(self) -> None:
        """Have the target write out now what it holds: a run that follows does not pay for the one before it."""
        dsn = self.stack.target.superuser_dsn(self.settings.target_database)
        with psycopg.connect(dsn, autocommit=True) as superuser:
            superuser.execute("checkpoint")

    def servers(self) -> dict[str, Server]:
        """What rows pass on their way, in that order, by the names of the documents."""
        return {
            "source": self.stack.source,
            "Kafka Connect": self.stack.connect,
            "Kafka": self.stack.broker,
            "subscriber": self.services.subscriber,
            "model API": self.services.api,
            "target": self.stack.target,
        }

    def pids(self) -> dict[str, int]:
        """Of those of `servers` that run."""
        return {name: server.pid for name, server in self.servers().items() if server.running}

    def _forget(self) -> None:
        shutil.rmtree(self.folder / "data", ignore_errors=True)

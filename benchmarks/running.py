"""The stack and our services while something is measured."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stack.cli import folder_of
from stack.servers import Stack, exclusive
from stack.services import Services
from stack.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.process import Server
    from stack.progress import Progress

PORT_OFFSET = 15_000


class Running:
    """The servers, tuned for throughput, on ports of their own, and the model API; nothing is kept at the end."""

    def __init__(self, progress: Progress) -> None:
        self.settings = Settings().moved(PORT_OFFSET)
        self.folder = folder_of(PORT_OFFSET)
        self.progress = progress
        self.stack = Stack(self.settings, self.folder, tuned=True)
        self.services = Services(self.settings, self.folder)

    @contextmanager
    def started(self, *registering: str) -> Iterator[None]:
        """All of it runs within the block.

        Raises:
            StackError: something does not start.
        """
        with exclusive(self.folder):
            try:
                self._forget()
                self.stack.fetch(self.progress)
                self.stack.start(self.progress.say)
                self.services.train()
                self.services.api.restart()
                self.services.first_row()
                self.services.register(*registering)
                yield
            finally:
                for service in (self.services.task_subscriber, self.services.subscriber, self.services.api):
                    service.stop()
                self.stack.stop()
                self._forget()

    def _forget(self) -> None:
        shutil.rmtree(self.folder / "data", ignore_errors=True)


def peak_mb(server: Server) -> float:
    """The most memory that a running process has held, in MB, shared libraries and all; Linux alone tells it."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024

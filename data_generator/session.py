"""What a run needs of its process: a console, a log, and an ear for Ctrl-C."""

import time
from typing import TypeVar

import structlog
from rich.console import Console

from data_generator.generator import BatchWriter, Plan, Source, Summary, run
from data_generator.report import configure_log, progress
from data_generator.stop import Stop

B = TypeVar("B")


class Session:
    """Of the main thread; from here on Ctrl-C and SIGTERM ask the run to stop."""

    def __init__(self) -> None:
        self._console = Console()
        configure_log(colours=self._console.is_terminal)
        stop = Stop()
        stop.listen()
        self.pause = stop.pause

    def run(self, source: Source[B], writer: BatchWriter[B], plan: Plan, verb: str, things: str) -> Summary:
        """Write as planned and show how far it is, in these words: "sending", "images".

        Raises:
            SettingError, TableError: a server refuses for good.
        """
        with progress(plan, self._console, verb, things) as wrote:
            return run(source=source, writer=writer, plan=plan, clock=time.monotonic, pause=self.pause, wrote=wrote)

    def say(self, line: str) -> None:
        """Log the last line."""
        structlog.get_logger().info(line)

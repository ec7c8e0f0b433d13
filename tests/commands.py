"""Verbs of `python -m subscriber` beside `run`, as a person calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.settings import Settings


class Commands:
    """Runs verbs with the environment of the test's servers."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {**os.environ, **settings.environment()}
        self._started: list[subprocess.Popen[str]] = []

    def __call__(
        self, *arguments: object, status: int = 0, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end, which must be with this status; `given` is what is typed."""
        done = subprocess.run(  # noqa: S603 (our own program)
            self._command(arguments), check=False, timeout=60, input=given, **self._how()
        )
        assert done.returncode == status, (done.stdout, done.stderr)
        return done

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a verb; it is ended with the test."""
        process: subprocess.Popen[str] = subprocess.Popen(self._command(arguments), **self._how())  # noqa: S603
        self._started.append(process)
        return process

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()

    def _command(self, arguments: tuple[object, ...]) -> list[str]:
        return [sys.executable, "-m", "subscriber", *map(str, arguments)]

    def _how(self) -> dict[str, Any]:
        return {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "cwd": ROOT,
            "env": self.environment,
        }


@pytest.fixture
def command(settings: Settings) -> Iterator[Commands]:
    """Runs verbs of the subscriber."""
    commands = Commands(settings)
    yield commands
    commands.end()

"""Our programs that end by themselves, as a person calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stack.settings import Settings


Finished = subprocess.CompletedProcess[str]


def finished(
    module: str, *arguments: object, environment: Mapping[str, str], seconds: float = 60, given: str | None = None
) -> Finished:
    """`python -m` a module, run to its end within so many seconds; `given` is what is typed."""
    return subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", module, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=seconds,
        input=given,
    )


class Commands:
    """Runs verbs of `python -m subscriber` beside `run`, with the environment of the test's servers."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {**os.environ, **settings.environment()}
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: object, status: int = 0, given: str | None = None) -> Finished:
        """Run a verb to its end, which must be with this status; `given` is what is typed."""
        done = finished("subscriber", *arguments, environment=self.environment, given=given)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a verb; it is ended with the test."""
        process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-m", "subscriber", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environment,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def command(settings: Settings) -> Iterator[Commands]:
    """Runs verbs of the subscriber."""
    commands = Commands(settings)
    yield commands
    commands.end()

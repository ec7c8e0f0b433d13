"""The generator of what goes to the model API, as a process of its own, and what the API has kept of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.services import Services
    from stack.settings import Settings

SECONDS = 120.0


class Sending:
    """`python -m data_generator`, started; what it prints is kept."""

    def __init__(self, environment: dict[str, str], *options: str) -> None:
        self._heard = ""
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-m", "data_generator", *options],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_said(self, words: str) -> None:
        """Wait until it says so; earlier lines are kept."""
        assert self._process.stdout is not None
        while words not in self._heard:
            line = self._process.stdout.readline()
            assert line, self._heard
            self._heard += line

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> tuple[int, str]:
        """Its exit status and what it said, once it has ended."""
        said, _ = self._process.communicate(timeout=SECONDS)
        return self._process.returncode, self._heard + said

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def send(services: Services) -> Iterator[Callable[..., Sending]]:
    """Starts a verb of the generator; it is ended with the test."""
    started: list[Sending] = []

    def start(*options: str) -> Sending:
        started.append(Sending(services.environment, *options))
        return started[-1]

    yield start
    for sending in started:
        sending.kill()


@pytest.fixture
def monitoring(settings: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(settings.monitoring_reader_dsn(), autocommit=True) as connection:
        yield connection

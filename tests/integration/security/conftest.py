"""The secured servers, one set for all tests about them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from stack.progress import Progress
from stack.servers import exclusive
from stack.settings import ROOT
from tests.secured import SecuredStack
from tests.stream import SubscriberProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

IRIS = ROOT / "subscriber" / "pipelines" / "iris.toml"
Finished = subprocess.CompletedProcess[str]


@pytest.fixture(scope="package")
def secured() -> Iterator[SecuredStack]:
    """The running servers."""
    servers = SecuredStack()
    with exclusive(servers.folder):
        try:
            servers.begin(Progress(Console(stderr=True)))
            yield servers
        finally:
            servers.stop()


@pytest.fixture
def run(secured: SecuredStack) -> Callable[..., Finished]:
    """Runs a service that ends by itself, with changes to the environment that lets it in."""

    def run(module: str, *arguments: str, **changes: str) -> Finished:
        return subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", module, *arguments],
            env=secured.environment() | changes,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=60,
        )

    return run


@pytest.fixture
def subscribe(secured: SecuredStack, api: str) -> Iterator[Callable[..., SubscriberProcess]]:
    """Starts subscribers, with such changes to the environment that lets them in; they are ended with the test."""
    started: list[SubscriberProcess] = []

    def start(pipeline: Path = IRIS, **changes: str) -> SubscriberProcess:
        environment = secured.environment() | {"API_URL": api} | changes
        process = SubscriberProcess(pipeline, environment, secured.folder, len(started))
        started.append(process)
        return process

    yield start
    for process in started:
        process.end()

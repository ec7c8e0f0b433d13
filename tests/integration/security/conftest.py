"""The secured servers, one set for all tests about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from stack.progress import Progress
from stack.servers import exclusive
from stack.settings import ROOT
from tests.commands import Finished, finished
from tests.secured import SecuredStack
from tests.stream import SubscriberProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

IRIS = ROOT / "subscriber" / "pipelines" / "iris.toml"


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
        return finished(module, *arguments, environment=secured.environment() | changes)

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

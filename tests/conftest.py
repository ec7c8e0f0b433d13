"""One stack of real servers for the whole run, on ports of its own; each test has its own topic, group and table."""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as profile
from rich.console import Console

from stack.progress import Progress
from stack.servers import Stack, exclusive
from stack.services import Services
from stack.settings import Settings, state_root
from tests.commands import command  # noqa: F401 (a fixture)
from tests.faults import FaultyApi
from tests.ports import claimed
from tests.runs import ports
from tests.stream import PipelineFile, SubscriberProcess, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import Servers

# the same examples each time; `--hypothesis-profile long` looks for others, for minutes
at_any_pace = profile(deadline=None, suppress_health_check=[HealthCheck.too_slow])
profile.register_profile("default", at_any_pace, derandomize=True, stateful_step_count=30)
profile.register_profile("long", at_any_pace, max_examples=2000)
profile.load_profile("default")

# every port stays below 32768, where the system's ephemeral ones begin
OFFSETS = range(20_000, 22_000, 100)


def pytest_configure() -> None:
    """Settle what this process hands on to all that the tests start."""
    # Ctrl-C is heard: a run in the background of a script inherits that it is ignored
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # our programs are started hundreds of times: each file of theirs is compiled once
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def every_port(settings: Settings) -> list[int]:
    """The ports of the servers and of our services."""
    return [*ports(settings).values(), settings.api_port, settings.subscriber_port, settings.task_subscriber_port]


@pytest.fixture(scope="session")
def stack() -> Iterator[Servers]:
    """The running servers."""
    settings = Settings().moved(claimed(OFFSETS, every_port))
    if os.environ.get("STACK") == "docker":
        from tests.containers import docker_stack  # noqa: PLC0415 (Docker is asked for, or not there)

        with docker_stack(settings) as containers:
            yield containers
        return
    folder = state_root() / f"tests-{settings.source_port}"
    shutil.rmtree(folder, ignore_errors=True)
    servers = Stack(settings, folder)
    progress = Progress(Console(stderr=True))
    with exclusive(folder):
        try:
            servers.fetch(progress)
            servers.start(progress.say)
            yield servers
        finally:
            servers.stop()


@pytest.fixture(scope="session")
def settings(stack: Servers) -> Settings:
    return stack.settings


@pytest.fixture(scope="session")
def services(stack: Servers) -> Iterator[Services]:
    """Our services as processes, with the model trained; each test starts what it needs."""
    services = Services(stack.settings, stack.folder)
    services.train()
    yield services
    services.api.stop()


@pytest.fixture
def api(services: Services) -> str:
    """The running model API's address."""
    if not services.api.running:
        services.api.restart()
    return services.environment["API_URL"]


@pytest.fixture
def faulty_api(api: str) -> Iterator[FaultyApi]:
    """The model API behind a server that fails as it is told."""
    with FaultyApi(api) as proxy:
        yield proxy


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def topic(settings: Settings, name: str) -> Topic:
    """A new topic of four partitions."""
    return Topic(settings.kafka_bootstrap_servers, name)


@pytest.fixture
def target(stack: Servers) -> Iterator[psycopg.Connection]:
    """The target database as its owner; statements commit at once."""
    if not stack.target.running:
        stack.target.restart()
    with psycopg.connect(stack.settings.target_dsn(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def pipeline(tmp_path: Path, topic: Topic, api: str) -> PipelineFile:
    """A pipeline file for the test's topic, the running API and a table of its own."""
    return PipelineFile(tmp_path, topic.name, api)


@pytest.fixture
def subscribe(settings: Settings, stack: Servers, pipeline: PipelineFile) -> Iterator[Callable[..., SubscriberProcess]]:
    """Starts subscribers of the test's pipeline, and of others beside it; they are ended with the test."""
    started: list[SubscriberProcess] = []

    def start(*others: PipelineFile, **environment: str) -> SubscriberProcess:
        process = SubscriberProcess(
            pipeline.path,
            settings.environment() | environment,
            stack.folder,
            len(started),
            [other.path for other in others],
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.end()

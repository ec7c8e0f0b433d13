"""The API, the connectors and a subscriber that works tasks off; each test has accounts of its own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.accounts import BOTH, PASSWORD, add_account
from tests.ports import free_port
from tests.tasks import Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stack.process import Server
    from stack.services import Services
    from stack.settings import Settings


@pytest.fixture(scope="session")
def tasks_api(services: Services) -> Server:
    """The running API, which takes tasks."""
    if not services.api.running:
        services.api.restart()
    return services.api


@pytest.fixture(scope="session")
def task_subscriber(services: Services, tasks_api: Server) -> Iterator[Server]:
    """The running subscriber of all models that take tasks, and the connector that brings it their rows."""
    services.first_row()
    services.run("connectors", "connectors", "register", "--tasks")
    services.task_subscriber.restart()
    yield services.task_subscriber
    services.task_subscriber.stop()


@pytest.fixture(scope="session")
def new_person(settings: Settings, tasks_api: Server) -> Iterator[Callable[..., Person]]:
    """Gives somebody with an account of their own, at this API or another."""
    people: list[Person] = []

    def make(url: str = settings.api_url, scopes: tuple[str, ...] = BOTH) -> Person:
        name = f"person {uuid.uuid4().hex[:12]}"
        add_account(settings, name, scopes=scopes)
        people.append(Person(url, name, PASSWORD))
        return people[-1]

    yield make
    for person in people:
        person.http.close()


@pytest.fixture
def person(new_person: Callable[..., Person], task_subscriber: Server) -> Person:
    return new_person()


@pytest.fixture
def another(new_person: Callable[..., Person]) -> Person:
    return new_person()


@pytest.fixture(scope="module")
def module_person(new_person: Callable[..., Person], task_subscriber: Server) -> Person:
    return new_person()


@pytest.fixture
def start_api(services: Services, settings: Settings, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts another API beside the shared one, with settings of its own."""
    started: list[Server] = []

    def start(**changes: str) -> Server:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        api = services.process(f"api-{port}", "api", url=f"{url}/v2/health/ready", port=port)
        api.environment = {**services.environment, "API_PORT": str(port), "API_URL": url, **changes}
        started.append(api)
        api.restart()
        return api

    yield start
    for api in started:
        api.stop()

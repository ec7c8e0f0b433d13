"""A real browser before a real console."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from subscriber.console.app import application
from subscriber.console.server import Console
from subscriber.console.view import View
from subscriber.console.watched import Watched
from subscriber.health import Health
from subscriber.metrics import Metrics, Registry
from subscriber.settings import Settings as SubscriberSettings
from tests.browser import browser  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subscriber.pipeline import Pipeline


class Pipelines:
    """A console of pipelines that a test feeds by hand."""

    def __init__(self, *pipelines: Pipeline) -> None:
        registry = Registry()
        self.watched = {
            p.name: Watched(Health(structlog.get_logger()), Metrics(registry, p.name), View(p)) for p in pipelines
        }
        for watched in self.watched.values():
            watched.health.running()
            watched.health.partitions([0, 1], placed=True)
        here: Any = {"subscriber_host": "127.0.0.1", "subscriber_port": 0}
        self._console = Console(SubscriberSettings.model_construct(**here), application(self.watched, registry))
        self.address = self._console.address

    def close(self) -> None:
        self._console.close()
        assert "console" not in [thread.name for thread in threading.enumerate()]


@pytest.fixture
def console() -> Iterator[Callable[..., Pipelines]]:
    """Starts a console of these pipelines; it is closed with the test."""
    started: list[Pipelines] = []

    def start(*pipelines: Pipeline) -> Pipelines:
        started.append(Pipelines(*pipelines))
        return started[-1]

    yield start
    for each in started:
        each.close()

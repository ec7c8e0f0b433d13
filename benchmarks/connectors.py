"""Kafka Connect's REST interface while something is measured: connectors stopped, started and set anew."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

import requests

from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCE: Final = "postgres-source"
SINK: Final = "postgres-sink"
WAIT_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1


class Connectors:
    """The connectors of one Kafka Connect worker."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/connectors"

    @contextlib.contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """A connector does nothing within the block; it goes on where it was."""
        self._put(f"{name}/stop")
        self.wait(name, "STOPPED")
        try:
            yield
        finally:
            self._put(f"{name}/resume")
            self.wait(name, "RUNNING")

    @contextlib.contextmanager
    def changed(self, name: str, changes: Mapping[str, str]) -> Iterator[None]:
        """A connector runs with these properties within the block, and as before after it."""
        before = self._config(name)
        # a connector that is changed while it runs goes on for a moment as it was
        with self.stopped(name):
            self._put(f"{name}/config", {**before, **changes})
        try:
            yield
        finally:
            with self.stopped(name):
                self._put(f"{name}/config", before)

    def skip(self, name: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Have a stopped sink go on at these offsets of a topic's partitions, whatever is before them."""
        places = [
            {"partition": {"kafka_topic": topic, "kafka_partition": partition}, "offset": {"kafka_offset": offset}}
            for partition, offset in offsets.items()
        ]
        answer = requests.patch(f"{self._url}/{name}/offsets", json={"offsets": places}, timeout=30)
        if not answer.ok:
            raise StackError(f"Kafka Connect does not move connector {name}: {answer.text}")

    def wait(self, name: str, state: str) -> None:
        """Wait until a connector and its tasks are in a state.

        Raises:
            StackError: they are not within a minute, or a task failed.
        """
        end = time.monotonic() + WAIT_SECONDS
        while True:
            found = requests.get(f"{self._url}/{name}/status", timeout=10)
            states = _states(found.json()) if found.ok else set()
            if states == {state}:
                return
            if "FAILED" in states or time.monotonic() > end:
                raise StackError(f"connector {name} is {', '.join(sorted(states)) or 'not there'}, not {state}")
            time.sleep(POLL_SECONDS)

    def _config(self, name: str) -> dict[str, str]:
        answer = requests.get(f"{self._url}/{name}/config", timeout=10)
        answer.raise_for_status()
        config: dict[str, str] = answer.json()
        return config

    def _put(self, path: str, body: Any = None) -> None:
        end = time.monotonic() + WAIT_SECONDS
        while True:
            answer = requests.put(f"{self._url}/{path}", json=body, timeout=30)
            # 409: the worker is giving out tasks
            if answer.status_code != requests.codes.conflict or time.monotonic() > end:
                break
            time.sleep(POLL_SECONDS)
        if not answer.ok:
            raise StackError(f"Kafka Connect refuses {path}: {answer.text}")


def _states(status: dict[str, Any]) -> set[str]:
    connector, tasks = status["connector"]["state"], status["tasks"]
    # a connector that runs has a task
    return {connector, *(task["state"] for task in tasks)} | (
        {"UNASSIGNED"} if connector == "RUNNING" and not tasks else set()
    )

"""Several pipelines in one process, none of which takes the others down."""

from __future__ import annotations

import queue
import threading
from itertools import combinations
from typing import TYPE_CHECKING

import structlog

from subscriber.errors import WrongSetting
from subscriber.pipeline_file import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from subscriber.pipeline import Pipeline
    from subscriber.subscriber import Subscriber


def load_pipelines(paths: Sequence[Path]) -> list[Pipeline]:
    """The pipelines of several files, which may run beside one another.

    Raises:
        WrongSetting: a file cannot be loaded, or two of them clash; has a line for each mistake in each file.
    """
    loaded: list[tuple[Path, Pipeline]] = []
    wrong: list[str] = []
    for path in paths:
        try:
            loaded.append((path, load_pipeline(path)))
        except WrongSetting as error:
            wrong.append(str(error))
    for (path, pipeline), (other_path, other) in combinations(loaded, 2):
        wrong += [f"{path}, {other_path}: {words}" for words in clashes(pipeline, other)]
    if wrong:
        raise WrongSetting("\n".join(wrong))
    return [pipeline for _, pipeline in loaded]


def clashes(one: Pipeline, other: Pipeline) -> list[str]:
    """Why two pipelines may not run beside one another; empty if they may."""
    found = []
    if one.name == other.name:
        found.append(f"name: both are {one.name!r}, which is how their offsets and dead letters are told apart")
    if one.topic == other.topic:
        if one.group == other.group:
            found.append(f"group: both read topic {one.topic!r} as {one.group!r}, so each would get half of it")
        if (one.target.schema_, one.target.table) == (other.target.schema_, other.target.table):
            found.append(f"target.table: both write each row of topic {one.topic!r} to {one.target.table!r}")
        if one.target.receipts and _receipts(one) == _receipts(other):
            found.append(
                f"target.receipts: both have {one.target.receipts!r} for topic {one.topic!r}, so each message would be "
                f"stored by one of them only"
            )
    return found


def _receipts(pipeline: Pipeline) -> tuple[str, str | None]:
    return pipeline.target.schema_, pipeline.target.receipts


class Fleet:
    """Runs subscribers beside one another, each in a thread of its own."""

    def __init__(self, subscribers: Mapping[str, Subscriber]) -> None:
        """Take the subscribers by the names of their pipelines."""
        self._subscribers = subscribers
        self._ended: queue.SimpleQueue[tuple[str, BaseException | None]] = queue.SimpleQueue()

    def run(self) -> dict[str, BaseException]:
        """Serve until all have ended: what each of those that failed raised, by the pipeline's name."""
        for name, subscriber in self._subscribers.items():
            threading.Thread(target=self._run, args=(name, subscriber), name=name, daemon=True).start()
        failures: dict[str, BaseException] = {}
        running = set(self._subscribers)
        while running:
            name, failure = self._ended.get()
            running.remove(name)
            if failure is not None:
                failures[name] = failure
                if running:
                    self._tell(name, failure, running)
        return failures

    def stop(self) -> None:
        """Stop them all, within the time that one may take."""
        for subscriber in self._subscribers.values():
            subscriber.stop()

    def _run(self, name: str, subscriber: Subscriber) -> None:
        failure: BaseException | None = None
        try:
            subscriber.run()
        except BaseException as error:
            failure = error
        self._ended.put((name, failure))

    def _tell(self, name: str, failure: BaseException, running: set[str]) -> None:
        # a mistake of ours is told with its place, a wrong setting by what to change
        unexpected = None if isinstance(failure, WrongSetting) else failure
        structlog.get_logger().error(
            "failed", pipeline=name, error=str(failure), still_running=sorted(running), exc_info=unexpected
        )

"""How a pipeline stands, read from its servers: the process that runs it is not asked."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from subscriber.errors import SubscriberError, WrongSetting
from subscriber.postgres import statement
from subscriber.store import Store, translated
from subscriber.topic import Group, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings
    from subscriber.topic import Ends

LOOKS_APART_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Stored:
    """How far a partition's rows are in the target database."""

    next_offset: int
    updated_at: datetime
    seconds_ago: float


@dataclass(frozen=True)
class Partition:
    """One partition; None is what could not be read, or is not there yet."""

    partition: int
    stored: int | None
    end: int | None
    lag: int | None
    offsets_per_second: float | None
    stored_at: datetime | None
    stored_seconds_ago: float | None


@dataclass(frozen=True)
class Cause:
    """The dead letters of one cause."""

    cause: str
    count: int
    newest: datetime


@dataclass
class Status:
    """One pipeline; `errors` says what could not be read."""

    name: str
    topic: str
    table: str
    group_name: str
    partitions: list[Partition] = field(default_factory=list)
    dead_letters: list[Cause] = field(default_factory=list)
    group: Group | None = None
    errors: list[SubscriberError] = field(default_factory=list)

    def try_to(self, read: Callable[[], Any], instead: Any) -> Any:
        """What `read` returns; if it cannot be read, what to take instead."""
        try:
            return read()
        except SubscriberError as error:
            if str(error) not in map(str, self.errors):
                self.errors.append(error)
            return instead


def read_statuses(settings: Settings, pipelines: Sequence[Pipeline]) -> list[Status]:
    """The status of each pipeline. Takes a second at least: a rate is the way between two looks."""
    with ExitStack() as open_topics:
        watched = [(_status(p), p, open_topics.enter_context(Topic(settings, p))) for p in pipelines]
        before = [_stored(status, settings, p) for status, p, _ in watched]
        looked = time.monotonic()
        groups = [status.try_to(topic.group, None) for status, _, topic in watched]
        time.sleep(max(0.0, LOOKS_APART_SECONDS - (time.monotonic() - looked)))
        seconds = time.monotonic() - looked
        for (status, pipeline, topic), was, group in zip(watched, before, groups, strict=True):
            status.group = group
            stored = _stored(status, settings, pipeline)
            ends: Ends = status.try_to(topic.ends, {})
            if not ends and not status.errors:
                status.errors.append(WrongSetting(f"topic {topic.name} does not exist"))
            caught_up = _caught_up(status, topic, stored, ends)
            status.partitions = [
                partition(p, stored.get(p), was.get(p), ends.get(p), seconds, caught_up=p in caught_up)
                for p in sorted(stored.keys() | ends.keys())
            ]
            status.dead_letters = status.try_to(lambda: _causes(settings, pipeline), [])  # noqa: B023 (called at once)
        return [status for status, _, _ in watched]


def partition(
    number: int,
    stored: Stored | None,
    before: Stored | None,
    ends: tuple[int, int] | None,
    seconds: float,
    *,
    caught_up: bool,
) -> Partition:
    """What two looks, so many seconds apart, say of a partition."""
    lag = rate = None
    if stored is not None and ends is not None:
        lag = 0 if caught_up else max(0, ends[1] - stored.next_offset)
    if stored is not None:
        rate = (stored.next_offset - before.next_offset) / seconds if before is not None else 0.0
    return Partition(
        partition=number,
        stored=stored.next_offset if stored else None,
        end=ends[1] if ends else None,
        lag=lag,
        offsets_per_second=rate,
        stored_at=stored.updated_at if stored else None,
        stored_seconds_ago=stored.seconds_ago if stored else None,
    )


def _status(pipeline: Pipeline) -> Status:
    return Status(pipeline.name, pipeline.topic, pipeline.target.table, pipeline.group)


def _stored(status: Status, settings: Settings, pipeline: Pipeline) -> dict[int, Stored]:
    where = {"pipeline": pipeline.name, "topic": pipeline.topic}
    rows = status.try_to(lambda: _ask(settings, pipeline, "stream_offset", "standing", where), [])
    return {p: Stored(*values) for p, *values in rows}


def _causes(settings: Settings, pipeline: Pipeline) -> list[Cause]:
    rows = _ask(settings, pipeline, "dead_letter", "dead_causes", {"pipeline": pipeline.name})
    return [Cause(*row) for row in rows]


def _ask(
    settings: Settings, pipeline: Pipeline, table: str, query: str, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Rows of the subscriber's own table; none before the first subscriber has made it."""
    with translated(), Store(settings.target_dsn(), pipeline).connect() as connection:
        if connection.execute("select to_regclass(%s)", [table]).fetchone() == (None,):
            return []
        return connection.execute(statement(query), values).fetchall()


def _caught_up(status: Status, topic: Topic, stored: Mapping[int, Stored], ends: Ends) -> frozenset[int]:
    """The partitions of which every row is stored, though their end may be further on."""
    behind = {p: s.next_offset for p, s in stored.items() if p in ends and s.next_offset != ends[p][1]}
    if not behind:
        return frozenset()
    ahead = status.try_to(lambda: topic.ahead(behind), None)
    if ahead is None:
        return frozenset()
    for p in sorted(ahead.gone):
        status.errors.append(
            WrongSetting(f"topic {topic.name}, partition {p}: offset {behind[p]} is not in the topic any more")
        )
    return frozenset(ahead.without_rows)

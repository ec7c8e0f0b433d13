"""A batch on its way through the stages, and which partitions it may still speak for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


# the year 10000, which no datetime reaches
END_OF_TIME_MS: Final = 253_402_300_800_000


class Record(Protocol):
    """A message of the topic, as confluent-kafka gives it, or one row of a message that holds many."""

    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> list[tuple[str, bytes | None]] | None: ...
    def timestamp(self) -> tuple[int, int]: ...


@dataclass
class Span:
    """The offsets of one partition that a batch covers: [expected, next), and the tenure under which they were read."""

    expected: int
    next: int
    tenure: int


@dataclass(frozen=True)
class DeadLetter:
    record: Record
    cause: str
    detail: str

    @property
    def detail_as_text(self) -> str:
        """The detail for Postgres, whose text holds no NUL."""
        return without_nul(self.detail)


@dataclass(frozen=True)
class Failed:
    """A row without a prediction that is stored with the reason; `row` has what says which row it is, no features."""

    record: Record
    row: Any
    cause: str
    detail: str


@dataclass(frozen=True)
class Receipt:
    """A message that gets a receipt: by its key, with how many rows it holds."""

    record: Record
    key: str
    rows: int


@dataclass(frozen=True)
class Delete:
    """A source row that is gone; `key` and the ISO-8601 time `at` are only there if the pipeline follows deletes."""

    record: Record
    key: int | str | None
    at: str


@dataclass
class Batch:
    """Rows read together; stages fill the lists, which run in parallel with `records`.

    `rows` holds the decoded payloads, `outputs` one tuple of model answers a row, `versions` the version that answered,
    `deletes` the source rows that were deleted, before any of `rows` with the same key was written. `failed` holds the
    rows that are stored without a prediction, `receipts` the messages that get one, and `skipped` counts those that
    had one already.
    """

    spans: dict[int, Span]
    records: list[Record]
    rows: list[Any] = field(default_factory=list)
    outputs: list[tuple[Any, ...]] = field(default_factory=list)
    versions: list[str | None] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    deletes: list[Delete] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    skipped: int = 0

    def keep(self, places: Sequence[int]) -> None:
        """Leave only these rows, by their places."""
        self.records = [self.records[i] for i in places]
        self.rows = [self.rows[i] for i in places]
        self.outputs = [self.outputs[i] for i in places]
        self.versions = [self.versions[i] for i in places]

    def without(self, partitions: frozenset[int]) -> Batch:
        """The same batch less these partitions."""
        if not partitions:
            return self
        spans = {p: s for p, s in self.spans.items() if p not in partitions}
        return self.of(spans, lambda record: record.partition() not in partitions)

    def of(self, spans: dict[int, Span], wanted: Callable[[Record], bool]) -> Batch:
        """The batch of these spans with what comes of the records that are wanted."""
        keep = [i for i, record in enumerate(self.records) if wanted(record)]
        return Batch(
            spans=spans,
            records=[self.records[i] for i in keep],
            rows=[self.rows[i] for i in keep] if self.rows else [],
            outputs=[self.outputs[i] for i in keep] if self.outputs else [],
            versions=[self.versions[i] for i in keep] if self.versions else [],
            dead=[d for d in self.dead if wanted(d.record)],
            deletes=[d for d in self.deletes if wanted(d.record)],
            failed=[f for f in self.failed if wanted(f.record)],
            receipts=[r for r in self.receipts if wanted(r.record)],
            skipped=self.skipped,
        )


class Tenures:
    """Which partitions are ours, and since which reading of their offset; safe to ask from every stage.

    A partition that is lost, or found moved on by another owner, ends its tenure: batches read under it are dropped.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: dict[int, int] = {}
        self._count = 0

    def begin(self, partition: int) -> int:
        with self._lock:
            self._count += 1
            self._current[partition] = self._count
            return self._count

    def end(self, partitions: frozenset[int]) -> None:
        with self._lock:
            for partition in partitions:
                self._current.pop(partition, None)

    def current(self, partition: int) -> int | None:
        with self._lock:
            return self._current.get(partition)

    def held(self) -> frozenset[int]:
        with self._lock:
            return frozenset(self._current)

    def over(self, batch: Batch) -> frozenset[int]:
        """Partitions of the batch whose tenure has ended since it was read."""
        with self._lock:
            return frozenset(p for p, span in batch.spans.items() if self._current.get(p) != span.tenure)


def first_within(sizes: Iterable[int], most: int) -> int:
    """How many of the sizes, from the first on, are together no more than that; one at least, if there is one."""
    count = total = 0
    for size in sizes:
        total += size
        if total > most:
            return max(count, 1)
        count += 1
    return count


def committed_at(record: Record, row: Any) -> float | None:
    """Unix time in seconds at which the source committed the row, as Debezium tells it; None if it does not."""
    if row is not None and row.committed_ms is not None:
        return _seconds(row.committed_ms)
    for name, value in record.headers() or ():
        if name == "__source_ts_ms" and value is not None:
            return _seconds(value)
    return None


def written_at(record: Record, row: Any) -> datetime | None:
    """When the source committed the row, else when its message was written, in UTC; None if neither is told."""
    seconds = committed_at(record, row)
    if seconds is None:
        seconds = _seconds(record.timestamp()[1])
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def without_nul(text: str) -> str:
    """The text for Postgres, which takes no NUL."""
    return text.replace("\0", "\\0")


def _seconds(milliseconds: Any) -> float | None:
    try:
        number = int(milliseconds)
    except (ValueError, TypeError, OverflowError):
        return None
    return number / 1000 if 0 <= number < END_OF_TIME_MS else None

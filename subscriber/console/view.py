"""What the console knows of the rows of one pipeline: the last ten minutes, and the newest rows and dead letters."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from subscriber.batch import committed_at
from subscriber.console import excerpt
from subscriber.console.outputs import Output
from subscriber.decoding.arrays import Element
from subscriber.decoding.plan import truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.batch import Batch, DeadLetter, Record
    from subscriber.pipeline import Pipeline

HISTORY_SECONDS: Final = 600
# the figures in words are over these last seconds, so that they can be read before they change
RECENT_SECONDS: Final = 10
RATE_SECONDS: Final = 3
LAST_ROWS: Final = 20
LAST_LETTERS: Final = 20
# of a larger batch, so many rows evenly spaced stand for all
LATENCIES_A_BATCH: Final = 50
ANSWERS_A_BATCH: Final = 500


class Second(NamedTuple):
    """What one second brought; latencies in milliseconds, None without rows. `at` is its end in Unix time."""

    at: float
    rows: float
    dead: float
    p50: float | None
    p95: float | None
    p99: float | None
    lag: int | None


class View:
    """Takes in each stored batch, in the thread that stores; `tick` and what follows it are the console's.

    Latencies are exact percentiles of the samples kept: all rows of small batches, 50 evenly spaced ones of larger
    batches. Answers are counted likewise, 500 of a larger batch.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._lock = threading.Lock()
        self.rows = self.deleted = self.failed = 0
        self.dead: Counter[str] = Counter()
        self.letters: deque[dict[str, Any]] = deque(maxlen=LAST_LETTERS)
        self.version: str | None = None
        self.outputs = [Output(column, HISTORY_SECONDS) for column in pipeline.target.outputs.values()]
        self.history: deque[Second] = deque(maxlen=HISTORY_SECONDS)
        self._truth_of = _output_with_truth(pipeline)
        self._features = [f"f{i}" for i in range(len(pipeline.features))]
        self._last: deque[tuple[float, Record, Any, tuple[Any, ...]]] = deque(maxlen=LAST_ROWS)
        self._samples: list[float] = []
        self._recent: deque[list[float]] = deque(maxlen=RECENT_SECONDS)
        self._counted = (time.monotonic(), 0, 0)
        self._failed = False

    # ---- in the thread that stores

    def stored(self, batch: Batch) -> None:
        """Take in a batch that is in the database. A row that cannot be shown does not stop the stream."""
        try:
            with self._lock:
                self._take(batch, time.time())
        except Exception:
            if not self._failed:
                structlog.get_logger().exception("the console cannot show a batch", pipeline=self.pipeline.name)
            self._failed = True

    def _take(self, batch: Batch, now: float) -> None:
        records, rows, outputs = batch.records, batch.rows, batch.outputs
        self.rows += len(records)
        self.deleted += len(batch.deletes)
        self.failed += len(batch.failed)
        self.dead.update(letter.cause for letter in batch.dead)
        self.letters.extend(self._letter(letter, now) for letter in batch.dead[-LAST_LETTERS:])
        if not records:
            return
        self.version = batch.versions[-1] if batch.versions else None
        for i in range(0, len(records), -(-len(records) // LATENCIES_A_BATCH)):
            committed = committed_at(records[i], rows[i])
            if committed is not None:
                self._samples.append(max(0.0, now - committed) * 1000)
        newest = slice(-LAST_ROWS, None)
        self._last.extend((now, *row) for row in zip(records[newest], rows[newest], outputs[newest], strict=True))
        evenly = slice(None, None, -(-len(records) // ANSWERS_A_BATCH))
        some = rows[evenly]
        unknown = [None] * len(some)
        truths = unknown if self._truth_of is None else [truth(row.truth) for row in some]
        for i, (output, answers) in enumerate(zip(self.outputs, zip(*outputs[evenly], strict=True), strict=True)):
            output.add(truths if i == self._truth_of else unknown, answers)

    def _letter(self, letter: DeadLetter, now: float) -> dict[str, Any]:
        record = letter.record
        return {
            "id": f"{record.partition()}/{record.offset()}/{record.place if isinstance(record, Element) else 0}",
            "at": now,
            "cause": letter.cause,
            "detail": excerpt.cut(letter.detail, 500),
            "partition": record.partition(),
            "offset": record.offset(),
            "key": excerpt.message(record.key()),
            "value": excerpt.message(record.value()),
        }

    # ---- in the console's

    def tick(self, lag: int | None) -> Second:
        """End a second: what came since the last tick."""
        with self._lock:
            samples, self._samples = self._samples, []
            rows, dead = self.rows, self.dead.total()
            for output in self.outputs:
                output.tick()
        (then, rows_then, dead_then), now = self._counted, time.monotonic()
        self._counted = (now, rows, dead)
        elapsed = max(now - then, 1e-9)
        samples.sort()
        self._recent.append(samples)
        rates = (rows - rows_then) / elapsed, (dead - dead_then) / elapsed
        second = Second(time.time(), *rates, *percentiles(samples), lag)
        self.history.append(second)
        return second

    def recent(self) -> dict[str, float | None]:
        """Rows a second over the last three seconds and latency in milliseconds over the last ten."""
        # runs that are sorted already sort fast
        samples = sorted(sample for second in self._recent for sample in second)
        p50, p95, p99 = percentiles(samples)
        rates = [second.rows for second in list(self.history)[-RATE_SECONDS:]]
        return {"rows": sum(rates) / max(1, len(rates)), "p50": p50, "p95": p95, "p99": p99}

    @property
    def flowing(self) -> bool:
        """Whether rows were stored in the last ten seconds."""
        return any(second.rows > 0 for second in list(self.history)[-RECENT_SECONDS:])

    def answers(self) -> list[dict[str, Any]]:
        """What each output was over the last ten minutes."""
        with self._lock:
            return [output.snapshot() for output in self.outputs]

    def causes(self) -> dict[str, int]:
        """Dead letters by cause, the most frequent first."""
        with self._lock:
            return dict(self.dead.most_common())

    def newest_letters(self) -> list[dict[str, Any]]:
        """The newest dead letters, the newest first."""
        with self._lock:
            return list(reversed(self.letters))

    def last(self) -> list[dict[str, Any]]:
        """The newest rows with their predictions, the newest first."""
        with self._lock:
            newest = list(reversed(self._last))
        return [self._shown(*row) for row in newest]

    def _shown(self, stored: float, record: Record, row: Any, output: tuple[Any, ...]) -> dict[str, Any]:
        committed = committed_at(record, row)
        known = None if self._truth_of is None else truth(row.truth)
        return {
            "key": None if row.key is None else excerpt.cut(str(row.key)),
            "at": committed if committed is not None else stored,
            "ms": None if committed is None else max(0.0, stored - committed) * 1000,
            "features": [excerpt.shown(getattr(row, name)) for name in self._features],
            "outputs": [excerpt.shown(value) for value in output],
            "truth": excerpt.shown(known),
            "right": None if known is None or self._truth_of is None else bool(known == output[self._truth_of]),
        }


def percentiles(ordered: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """The 50th, 95th and 99th percentile (nearest rank) of sorted values; None of none."""
    if not ordered:
        return None, None, None
    return tuple(ordered[max(0, -(-len(ordered) * p // 100) - 1)] for p in (50, 95, 99))  # type: ignore[return-value]


def _output_with_truth(pipeline: Pipeline) -> int | None:
    """Place of the output that the pipeline knows the truth of."""
    name = pipeline.true_output
    return None if name is None else list(pipeline.target.outputs).index(name)

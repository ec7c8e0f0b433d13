"""A subscriber whose stages move only when they are told to, each in its own thread as in production."""

from __future__ import annotations

import threading
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from subscriber.batch import Batch
from subscriber.errors import BatchRefused, Fenced, ModelFailed, TooSlow, Transient, VersionUnfit
from subscriber.metrics import Metrics, Registry
from subscriber.reader import Reader
from subscriber.store import Store
from subscriber.subscriber import Subscriber
from tests.integration.subscriber.offsets.books import offsets
from tests.integration.subscriber.offsets.messages import UNKNOWN_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg

    from subscriber.batch import DeadLetter
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings
    from tests.integration.subscriber.offsets.books import Books, Snapshot
    from tests.integration.subscriber.offsets.log import Log, LogConsumer


class Ended(BaseException):
    """The process is gone."""


class Stage(threading.Thread):
    """Runs a function piece by piece: each `step` lets it go on to its next `pause`, and raises what it raises."""

    def __init__(self, run: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._run_ = run
        self._go, self._there = threading.Semaphore(0), threading.Semaphore(0)
        self._ended = False
        self._failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._go.acquire()
            if not self._ended:
                self._run_()
        except Ended:
            pass
        except BaseException as error:
            self._failure = error
        self._there.release()

    def step(self) -> None:
        self._go.release()
        assert self._there.acquire(timeout=60), "a stage hangs"
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        self._ended = True
        self._go.release()
        self.join(60)

    def pause(self) -> None:
        self._there.release()
        self._go.acquire()
        if self._ended:
            raise Ended


def pause() -> None:
    """Let others go on before this stage does."""
    stage = threading.current_thread()
    assert isinstance(stage, Stage)
    stage.pause()


class Hand:
    """The queue between two stages; who asks for a batch pauses first."""

    def __init__(self) -> None:
        self.batches: deque[Batch] = deque()

    def put(self, batch: Batch, **_: object) -> None:
        self.batches.append(batch)

    def get(self) -> Batch:
        pause()
        while not self.batches:
            pause()
        return self.batches.popleft()


class Model:
    """Doubles the first feature; the second tells a row's fate. `troubles` are raised first, one a request."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.in_time = most
        self.troubles: deque[Exception] = deque()

    def predict(self, rows: Sequence[Any], version: str | None = None) -> tuple[list[tuple[Any, ...]], str | None]:
        assert 1 <= len(rows) <= self.most
        if version == UNKNOWN_VERSION:
            raise VersionUnfit("the model has no such version")
        if self.troubles:
            raise self.troubles.popleft()
        if len(rows) > self.in_time:
            raise TooSlow("no answer in time")
        fates = {row.f1 for row in rows}
        if 2.0 in fates:
            raise ModelFailed("crashed")
        if 1.0 in fates:
            raise BatchRefused("refused")
        return [(None if row.f1 == 3.0 else 2 * row.f0,) for row in rows], version or "current"


class Fault(Enum):
    """What happens to a commit."""

    FROZEN = "its owner stands still before it claims the offsets"
    CUT = "the connection ends before the offsets are claimed"
    CUT_CLAIMED = "the connection ends after the offsets are claimed"
    UNHEARD = "the answer is lost"


class WatchedStore(Store):
    """The store, with faults; whatever it refuses must have changed nothing."""

    def __init__(self, dsn: str, pipeline: Pipeline, books: Books, log: Log) -> None:
        super().__init__(dsn, pipeline)
        self._books = books
        self._log = log
        self._start = pipeline.start
        self.fault: Fault | None = None
        self.away = False
        # what was there when the offsets were claimed
        self._before: Snapshot | None = None

    def positions(self) -> dict[int, int]:
        if self.away:
            raise Transient("away")
        return super().positions()

    def begin(self, offsets: dict[int, int]) -> None:
        latest = self._start == "latest" and not self._books.begins
        for partition, offset in offsets.items():
            place = self._log.partitions[partition]
            assert offset == (place.high if latest else place.low)
        super().begin(offsets)
        self._books.committed(durably=True)

    def commit(self, batch: Batch) -> Batch:
        self._before = None
        try:
            stored = super().commit(batch)
        except Fenced as error:
            self._check_fence(batch, error.partitions)
            raise
        except Transient:
            assert self._before in (None, self._books.read()), "half a commit is there"
            raise
        self._books.committed()
        if self._took(Fault.UNHEARD):
            self.close()
            raise Transient("the answer is lost")
        return stored

    def _claim_partitions(self, connection: psycopg.Connection, batch: Batch) -> None:
        if self._took(Fault.FROZEN):
            pause()
        self._before = self._books.read()
        if self._took(Fault.CUT):
            _cut(connection)
        super()._claim_partitions(connection, batch)
        if self._took(Fault.CUT_CLAIMED):
            _cut(connection)

    def write(self, connection: psycopg.Connection, batch: Batch) -> list[DeadLetter]:
        assert all(record.partition() in batch.spans for record in batch.records)
        return super().write(connection, batch)

    def _check_fence(self, batch: Batch, fenced: frozenset[int]) -> None:
        """See that the partitions are those that are elsewhere, and nothing was changed."""
        assert self._before is not None
        held = offsets(self._before)
        assert fenced == {partition for partition, span in batch.spans.items() if held[partition] != span.expected}
        assert self._books.read() == self._before, "a fenced commit is there"

    def _took(self, fault: Fault) -> bool:
        if self.fault is not fault:
            return False
        self.fault = None
        return True


def _cut(connection: psycopg.Connection) -> None:
    connection.execute("select pg_terminate_backend(pg_backend_pid())")


class Worker(Subscriber):
    """One subscriber: the calling thread reads, `predicting` and `storing` go on when they are stepped."""

    def __init__(
        self, pipeline: Pipeline, settings: Settings, *, books: Books, log: Log, consumer: LogConsumer, model: Model
    ) -> None:
        super().__init__(pipeline, settings, Metrics(Registry(), pipeline.name))
        self.consumer, self.model = consumer, model
        self.drains = True
        self.store = self._store = WatchedStore(settings.target_dsn(), pipeline, books, log)
        self._predictor._client = model
        self.decoded, self.predicted = Hand(), Hand()
        self._to_predict: Any = self.decoded
        self._to_store: Any = self.predicted
        with patch("subscriber.reader.Consumer", return_value=consumer):
            self.reader = Reader(
                settings,
                pipeline,
                self._tenures,
                store=self._store,
                drain=self._drain,
                metrics=self._metrics,
                health=self.health,
            )
        self.predicting = Stage(self._predict_all)
        self.storing = Stage(lambda: self._store_all(self.reader))
        for stage in (self.predicting, self.storing):
            stage.step()

    @property
    def in_hand(self) -> int:
        """Batches between reading and storing."""
        return self._in_hand

    def read(self, room: int) -> None:
        """Read a batch of that many messages at most; with the hands full, hold."""
        self.consumer.room = room
        if self.decoded.batches:
            self.reader.hold(0)
            return
        batch = self.reader.read(0)
        if batch is not None:
            self._decode(batch)
            self._hand_on(batch, self.reader)

    def flow(self, room: int) -> None:
        """Read, and let each stage go a step."""
        self.read(room)
        self.predicting.step()
        self.storing.step()

    def end(self) -> None:
        """Die: what is in hand is lost."""
        for stage in (self.predicting, self.storing):
            stage.end()
        self._store.close()

    def _wait(self, attempt: int, asked_seconds: float | None) -> None:
        del attempt, asked_seconds
        pause()

    def _drain(self, _: float) -> None:
        """Have the batches in hand stored, if they move."""
        while self.drains and self._in_hand > 0 and not self._stuck():
            self.predicting.step()
            if not self._stuck():
                self.storing.step()

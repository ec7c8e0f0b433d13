"""The stream: poll, predict, store; three stages that overlap, one batch in each."""

from __future__ import annotations

import queue
import random
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from subscriber.backoff import delay_seconds
from subscriber.batch import Batch, Tenures
from subscriber.console.view import View
from subscriber.console.watched import Watched
from subscriber.decoding import Decoder
from subscriber.errors import Abandoned, Fenced, Transient, WrongSetting
from subscriber.health import Health
from subscriber.precedence import Precedence
from subscriber.predictor import Predictor
from subscriber.reader import Reader
from subscriber.report import Report
from subscriber.retention import Retention
from subscriber.store import Store
from subscriber.topic import Topic, strangers
from subscriber.versions import VersionedClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subscriber.metrics import Metrics
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

T = TypeVar("T")
POLL_SECONDS: Final = 0.25
HOLD_AFTER_SECONDS: Final = 0.5


class Subscriber:
    """Runs one pipeline.

    The calling thread polls and decodes; one thread predicts, one stores. Queues of one batch join them, so a slow
    stage holds the others back and memory is bounded, and batches are stored in the order they were read. The thread
    that stores goes first until its rows are sent.
    """

    def __init__(
        self, pipeline: Pipeline, settings: Settings, metrics: Metrics, until: Mapping[int, int] | None = None
    ) -> None:
        """Take the pipeline; with `until`, the offset at which each partition ends for it."""
        self.pipeline = pipeline
        self._until = until
        self.health = Health(structlog.get_logger().bind(pipeline=pipeline.name))
        self.watched = Watched(self.health, metrics, View(pipeline))
        self._report = Report(self.health.log)
        self._settings = settings
        self._metrics = metrics
        self._tenures = Tenures()
        self._precedence = Precedence()
        self._store = Store(settings.target_dsn(), pipeline, when_sent=self._precedence.give_back)
        self._client = VersionedClient(pipeline)
        self._decoder = Decoder(pipeline)
        self._predictor = Predictor(
            self._client,
            lambda action: self._persist("predict", action),
            lambda n: self._wait(n, None),
            max_rows=pipeline.batch.max_rows,
            versioned=pipeline.source.version is not None,
            stores_failed=pipeline.target.error is not None,
        )
        self._stopping = threading.Event()
        self._abandoning = threading.Event()
        self._to_predict: queue.Queue[Batch | None] = queue.Queue(1)
        self._to_store: queue.Queue[Batch | None] = queue.Queue(1)
        self._stop_by: float | None = None
        self._in_hand = 0
        self._drained = threading.Condition()
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Serve until `stop`, or until the end if there is one; then finish the batches in hand.

        Raises:
            WrongSetting: something must be changed first.
        """
        try:
            self._persist("start", self._store.prepare)
            self._persist("start", self._client.check)
            self._persist("start", self._look_who_reads)
            reader = Reader(
                self._settings,
                self.pipeline,
                self._tenures,
                store=self._store,
                drain=self._wait_drained,
                metrics=self._metrics,
                health=self.health,
                until=self._until,
            )
            try:
                self._serve(reader)
            finally:
                self._close_reader(reader)
                self._store.close()
        except Abandoned:
            pass
        except BaseException as error:
            self._metrics.failed.set(1)
            self.health.stopped(str(error) or type(error).__name__)
            raise
        self.health.stopped()

    def stop(self) -> None:
        """Stop polling and finish what is in hand; what cannot be finished in `stop_seconds` is left uncommitted."""
        self._stop_by = time.monotonic() + self._settings.stop_seconds
        self._stopping.set()
        timer = threading.Timer(self._settings.stop_seconds, self._abandoning.set)
        timer.daemon = True
        timer.start()

    def _look_who_reads(self) -> None:
        """Wait until no other pipeline reads in our group: each would get a part of the rows.

        Raises:
            Transient: one does.
        """
        try:
            with Topic(self._settings, self.pipeline) as topic:
                others = strangers(topic.group(), self.pipeline)
        except (WrongSetting, Transient):
            # the reader tells who is not let in or finds nobody; who may read, but not look at groups, does without
            return
        if others:
            raise Transient(
                f"group {self.pipeline.group} is read by another pipeline ({', '.join(others)}): each would get a part "
                f"of the rows. Another model or table needs a name and a group of its own"
            )

    def _serve(self, reader: Reader) -> None:
        stages = [
            threading.Thread(target=self._guarded, args=(stage, downstream), name=name, daemon=True)
            for name, stage, downstream in (
                ("predict", self._predict_all, self._to_store),
                ("store", lambda: self._store_all(reader), None),
            )
        ]
        for stage in stages:
            stage.start()
        retention = Retention(
            self.pipeline, self._store, metrics=self._metrics, health=self.health, stopping=self._stopping
        )
        retention.start()
        self.health.running()
        try:
            while not self._stopping.is_set():
                self._precedence.stand_aside()
                batch = reader.read(POLL_SECONDS)
                if batch is not None:
                    self._decode(batch)
                    self._hand_on(batch, reader)
                elif self._in_hand <= 0 and reader.finished:
                    break
            self._close(self._to_predict)
            for stage in stages:
                # a stage that hangs in a call to a server ends with the process
                stage.join(self._stop_seconds_left())
        finally:
            self._stopping.set()
            self._abandoning.set()
            retention.join(0.5)
        if self._failure is not None:
            raise self._failure

    def _decode(self, batch: Batch) -> None:
        self._precedence.stand_aside()
        began = time.perf_counter()
        self._decoder.decode(batch)
        self._metrics.stage("decode", time.perf_counter() - began)

    def _hand_on(self, batch: Batch, reader: Reader) -> None:
        """Pass the batch to the next stage; while that is busy, stay in the consumer group."""
        patience = HOLD_AFTER_SECONDS
        while not self._abandoning.is_set():
            try:
                self._to_predict.put(batch, timeout=patience)
            except queue.Full:
                reader.hold(POLL_SECONDS)
                patience = 0.01
            else:
                # counted by the thread that waits for it to be zero: what it holds itself cannot be waited for
                with self._drained:
                    self._in_hand += 1
                return

    def _predict_all(self) -> None:
        while (batch := self._to_predict.get()) is not None:
            self._precedence.stand_aside()
            batch = batch.without(self._tenures.over(batch))
            began = time.perf_counter()
            with self.health.busy("predict"):
                self._predictor.predict(batch)
            self._metrics.stage("predict", time.perf_counter() - began)
            self._put(self._to_store, batch)

    def _store_all(self, reader: Reader) -> None:
        while (batch := self._to_store.get()) is not None:
            began = time.perf_counter()
            with self.health.busy("store"):
                stored = self._store_rest(batch, reader)
            if stored is not None:
                self._metrics.stage("store", time.perf_counter() - began)
                self._metrics.stored(stored)
                self.watched.view.stored(stored)
                self._report.stored(stored)
                reader.stored(stored)
            with self._drained:
                self._in_hand -= 1
                self._drained.notify_all()

    def _store_rest(self, batch: Batch, reader: Reader) -> Batch | None:
        """Store what of the batch is still ours; None if nothing is."""
        while True:
            ours = batch.without(self._tenures.over(batch))
            if not ours.spans:
                return None
            try:
                return self._persist("store", lambda: self._commit(ours))  # noqa: B023 (called at once)
            except Fenced as fenced:
                self._metrics.fenced.inc()
                self.health.log.warning("fenced", partitions=sorted(fenced.partitions))
                reader.resync(fenced.partitions)

    def _commit(self, batch: Batch) -> Batch:
        with self._precedence.taken():
            return self._store.commit(batch)

    # ---- waiting and stopping

    def _stop_seconds_left(self) -> float:
        if self._stop_by is None:
            self._stop_by = time.monotonic() + self._settings.stop_seconds
        return max(0.5, self._stop_by - time.monotonic())

    def _close_reader(self, reader: Reader) -> None:
        """Leave the consumer group; a broker that hangs is left to find out by itself."""
        closing = threading.Thread(target=reader.close, name="close", daemon=True)
        closing.start()
        closing.join(self._stop_seconds_left())
        if closing.is_alive():
            self.health.log.warning("Kafka does not answer; left the group without saying so")

    def _persist(self, stage: str, action: Callable[[], T]) -> T:
        """What `action` returns, tried again for as long as it raises Transient.

        Raises:
            Abandoned: told to stop meanwhile.
        """
        attempt = 0
        while True:
            try:
                result = action()
            except Transient as error:
                attempt += 1
                self._metrics.retried(stage)
                self.health.waiting(stage, str(error))
                self._wait(attempt, error.retry_after_seconds)
            else:
                self.health.going(stage)
                return result

    def _wait(self, attempt: int, asked_seconds: float | None) -> None:
        # what is away when we are told to stop is not waited for: an uncommitted batch is read again at the next start
        if self._stopping.wait(delay_seconds(attempt, random.random(), asked_seconds)):  # noqa: S311 (jitter)
            raise Abandoned

    def _wait_drained(self, timeout_seconds: float) -> None:
        """Wait until no batch is in hand, unless those that are cannot move."""
        with self._drained:
            self._drained.wait_for(lambda: self._in_hand <= 0 or self._stuck(), timeout_seconds)

    def _stuck(self) -> bool:
        return self._abandoning.is_set() or self.health.is_waiting("predict") or self.health.is_waiting("store")

    def _guarded(self, stage: Callable[[], Any], downstream: queue.Queue[Batch | None] | None) -> None:
        """Run a stage, then end the next; its failure stops the whole pipeline and is raised by `run`."""
        try:
            stage()
        except Abandoned:
            self._abandoning.set()
        except BaseException as error:
            self._failure = self._failure or error
        finally:
            # neither neighbour may wait for a stage that has ended
            self._stopping.set()
            if self._failure is not None:
                self._abandoning.set()
            if downstream is not None:
                self._close(downstream)

    def _put(self, to: queue.Queue[Batch | None], batch: Batch | None) -> None:
        while not self._abandoning.is_set():
            try:
                to.put(batch, timeout=POLL_SECONDS)
            except queue.Full:
                continue
            return
        raise Abandoned

    def _close(self, to: queue.Queue[Batch | None]) -> None:
        try:
            self._put(to, None)
        except Abandoned:
            # the reader of this queue may be waiting for a batch that will not come
            while True:
                try:
                    to.put_nowait(None)
                except queue.Full:
                    to.get_nowait()
                else:
                    return

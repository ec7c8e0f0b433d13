"""Answered requests on their way to the monitoring database: from memory in batches, or through a file.

One thread does all of it; `record` and `record_image` only enqueue. What is in memory is what `kill -9` of this process
loses: the answers of the last batch interval while the database is there, and of the last few seconds
(`monitoring_write_timeout_seconds` or `monitoring_spill_after_seconds`) when it is about to go away; at most
`monitoring_queue_rows` and a batch.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry

from api.credit.ports import RecordedAnswer
from api.images.ports import RecordedImage
from api.monitoring.answers import kept
from api.monitoring.connector import Connector
from api.monitoring.database import Database
from api.monitoring.errors import DatabaseAway, RecordsRefused, SpillFailed
from api.monitoring.images import KeptImage
from api.monitoring.metrics import MonitoringMetrics
from api.monitoring.policy import Destination, destination
from api.monitoring.records import Kept, Waiting, decoded, waiting
from api.monitoring.reference import ReferenceDistribution
from api.monitoring.settings import MonitoringSettings
from api.monitoring.spill import Spill
from api.monitoring.tables import UnfitRecord

REPLAY_BYTES = 512 * 1024
ADOPT_SECONDS = 10.0

# a record, and why it is refused
Refused = tuple[Kept, str]

log = structlog.get_logger()


def recorder_from_settings(settings: MonitoringSettings, registry: CollectorRegistry) -> "Recorder | None":
    """The recorder, not yet started; None where no MONITORING_HOST is set."""
    return Recorder(settings, registry) if settings.monitoring_host else None


class Recorder:
    """Keeps answers to applications and to images.

    `record`, `record_image` and `serving` may be called from any thread; none waits or raises.
    """

    def __init__(self, settings: MonitoringSettings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self.metrics = MonitoringMetrics(registry)
        # each with the moment it came (monotonic, in seconds)
        self._queue: deque[tuple[float, Kept]] = deque()
        self.metrics.queued.set_function(lambda: len(self._queue))
        self._references: deque[ReferenceDistribution] = deque()
        self._connector = Connector(settings.dsn(), settings.monitoring_write_timeout_seconds)
        self._spill = Spill(settings.monitoring_spill_dir, settings.monitoring_spill_max_bytes)
        self._wake, self._closing = threading.Event(), threading.Event()
        self._closed = False
        self._next_adoption = 0.0
        self._spill_complaint = ""
        # when the oldest record came that was not in the database at the last look
        self._oldest_waiting: datetime | None = None
        self._thread = threading.Thread(target=self._run, name="monitoring", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def record(self, answered: RecordedAnswer) -> None:
        """Enqueue an answer; without room it is dropped and counted."""
        self._enqueue(kept(answered))

    def record_image(self, image: RecordedImage) -> None:
        """Enqueue the answer to an image, as `record` does."""
        self._enqueue(KeptImage(image))

    def serving(self, reference: ReferenceDistribution) -> None:
        """Enqueue what a version was trained on, as it comes to be served."""
        self._references.append(reference)

    def still_waits(self, moment: float) -> bool:
        """Whether records that came at this moment (Unix time) may not be in the database yet."""
        oldest = self._oldest_waiting
        return oldest is not None and oldest.timestamp() <= moment

    def close(self) -> None:
        """Write what waits, within `monitoring_drain_seconds`; the rest goes to the file, for the next start."""
        if self._thread.ident is None:
            return
        self._closing.set()
        self._wake.set()
        # the last write may begin when the time is nearly over, and the file takes the rest
        self._thread.join(self._settings.monitoring_drain_seconds + self._settings.monitoring_write_timeout_seconds + 1)
        if self._thread.is_alive():
            log.error("answers may be lost: the monitoring thread does not end", queued=len(self._queue))

    def _enqueue(self, one: Kept) -> None:
        if self._closed or len(self._queue) >= self._settings.monitoring_queue_rows:
            self.metrics.dropped.labels("closed" if self._closed else "full").inc()
            return
        self._queue.append((time.monotonic(), one))
        if len(self._queue) >= self._settings.monitoring_batch_rows:
            self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(self._settings.monitoring_batch_interval_seconds)
            self._wake.clear()
            try:
                self._turn()
            except Exception:  # whatever it is, the next answers are still to be kept
                log.exception("answers could not be kept")
        self._drain()
        self._spill.close()
        self._connector.close()

    def _turn(self) -> None:
        """Send what waits where it is to go now, then a part of what the files hold."""
        self._adopt()
        database = self._connector.database()
        match destination(
            connected=database is not None,
            age_seconds=self._age_in_memory(),
            queued=len(self._queue),
            limit=self._settings.monitoring_queue_rows,
            patience_seconds=self._settings.monitoring_spill_after_seconds,
        ):
            case Destination.DATABASE if database is not None:
                self._write_out(database)
            case Destination.FILE:
                self._spill_out()
        self._observe()

    def _write_out(self, database: Database) -> None:
        try:
            self._register(database)
            # what is there now: the files are read, too, however steadily more comes
            for _ in range(math.ceil(len(self._queue) / self._settings.monitoring_batch_rows)):
                if self._closing.is_set():
                    break
                self._write_batch(database)
            if not self._spill.empty:
                self._replay(database)
        except DatabaseAway as error:
            self._connector.lost(error)

    def _drain(self) -> None:
        deadline = time.monotonic() + self._settings.monitoring_drain_seconds
        database = self._connector.database()
        try:
            while database is not None and time.monotonic() < deadline and (self._queue or not self._spill.empty):
                if self._queue:
                    self._write_batch(database)
                else:
                    self._replay(database)
        except DatabaseAway as error:
            self._connector.lost(error)
        except Exception:  # what is in memory can still go to the file
            log.exception("answers could not be written")
        self._closed = True
        self._spill_out()
        if self._queue:
            self.metrics.dropped.labels("full").inc(len(self._queue))
            log.error("answers lost at the end", answers=len(self._queue))
            self._queue.clear()
        self._observe()

    def _write_batch(self, database: Database) -> None:
        """Write the oldest answers; when that fails, to the file at once: they have waited already."""
        batch = self._take(self._settings.monitoring_batch_rows)
        try:
            refused = self._store(database, batch)
        # whatever it is: they may not be stored
        except Exception:
            self._put_to_file(batch)
            raise
        self._refuse(refused)
        self.metrics.written.inc(len(batch) - len(refused))

    def _replay(self, database: Database) -> None:
        """Write a part of the oldest file."""
        try:
            chunk = self._spill.read(REPLAY_BYTES)
        except SpillFailed as error:
            self._complain(error)
            return
        batch, corrupt = [], chunk.corrupt
        for record in chunk.records:
            try:
                batch.append(decoded(record))
            except UnfitRecord:
                corrupt += 1
        refused = self._store(database, batch)
        self._spill.advance(chunk)
        self._refuse(refused)
        self.metrics.replayed.inc(len(batch) - len(refused))
        if corrupt:
            self.metrics.dropped.labels("corrupt").inc(corrupt)
            log.error("spilled answers cannot be read", answers=corrupt, file=str(chunk.path))
        if not self._spill.empty:
            self._wake.set()

    def _store(self, database: Database, batch: Sequence[Waiting]) -> list[Refused]:
        """Write a batch without the answers that the tables refuse, which are returned.

        Raises:
            DatabaseAway: some of the others may not be stored.
        """
        if not batch:
            return []
        try:
            with self.metrics.write_seconds.time():
                database.write(batch)
            self._connector.proved()
        except RecordsRefused as error:
            if len(batch) == 1:
                return [(batch[0].kept, str(error))]
            middle = len(batch) // 2
            return self._store(database, batch[:middle]) + self._store(database, batch[middle:])
        return []

    def _register(self, database: Database) -> None:
        while self._references:
            try:
                database.register(self._references[0])
            except RecordsRefused as error:
                log.error("reference refused", version=self._references[0].model_version, reason=str(error))
            self._references.popleft()

    def _spill_out(self) -> None:
        """Put everything in memory to the file; what does not fit stays."""
        while self._queue:
            if not self._put_to_file(self._take(self._settings.monitoring_batch_rows)):
                return

    def _put_to_file(self, batch: Sequence[Waiting]) -> bool:
        """Append a batch; what does not fit goes back to the front of the memory, and the answer is False."""
        stored = 0
        try:
            stored = self._spill.append([answer.encoded() for answer in batch])
            if stored < len(batch):
                raise SpillFailed(f"bound reached ({self._settings.monitoring_spill_max_bytes} bytes)")
            self._spill_complaint = ""
        except SpillFailed as error:
            self._complain(error)
        self.metrics.spilled.inc(stored)
        self._queue.extendleft((time.monotonic(), answer.kept) for answer in reversed(batch[stored:]))
        return stored == len(batch)

    def _take(self, most: int) -> list[Waiting]:
        """Up to so many answers from memory, oldest first, without those that no table takes."""
        batch, unfit = [], []
        for _ in range(min(most, len(self._queue))):
            _, one = self._queue.popleft()
            try:
                batch.append(waiting(one))
            except UnfitRecord as error:
                unfit.append((one, str(error)))
        self._refuse(unfit)
        return batch

    def _refuse(self, refused: Sequence[Refused]) -> None:
        self.metrics.dropped.labels("refused").inc(len(refused))
        for one, reason in refused:
            log.error("answer refused", endpoint=one.endpoint, request_id=one.request_id, reason=reason)

    def _adopt(self) -> None:
        """Now and then, take over the files of processes that have ended."""
        if time.monotonic() < self._next_adoption:
            return
        self._next_adoption = time.monotonic() + ADOPT_SECONDS
        try:
            adopted = self._spill.adopt()
        except SpillFailed as error:
            self._complain(error)
            return
        if adopted:
            log.info("answers of an earlier process found", files=adopted, bytes=self._spill.size)

    def _complain(self, error: SpillFailed) -> None:
        # said once, not at every try
        if str(error) != self._spill_complaint:
            self._spill_complaint = str(error)
            log.error("a file of waiting answers cannot be used (MONITORING_SPILL_*)", reason=str(error))

    def _age_in_memory(self) -> float:
        return time.monotonic() - self._queue[0][0] if self._queue else 0.0

    def _observe(self) -> None:
        self.metrics.spill_bytes.set(self._spill.size)
        self.metrics.connected.set(self._connector.connected)
        oldest = self._oldest_waiting = self._oldest()
        self.metrics.oldest_seconds.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)

    def _oldest(self) -> datetime | None:
        """When the oldest answer came that is not in the database: the first of the files, else of the memory."""
        if not self._spill.empty:
            try:
                return decoded(self._spill.read(1024).records[0]).kept.received_at
            # what is wrong with it is told when it is replayed
            except (SpillFailed, UnfitRecord, IndexError):
                return None
        return self._queue[0][1].received_at if self._queue else None

"""Reads batches from Kafka, from the offsets that the target database holds."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from subscriber.batch import Batch, Span, Tenures, first_within
from subscriber.broker import all_down, configuration, quiet_logger, refusal, words
from subscriber.errors import Transient, WrongSetting
from subscriber.lag import Progress
from subscriber.membership import Membership
from subscriber.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from subscriber.batch import Record
    from subscriber.health import Health
    from subscriber.metrics import Metrics
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

HOUSEKEEPING_SECONDS: Final = 1.0
BROKER_TIMEOUT_SECONDS: Final = 5.0
# a stop or another owner waits this long for the batches in hand
DRAIN_SECONDS: Final = 2.0
_WRONG: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "the broker does not let us read the topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "the broker does not let us into the group",
    KafkaError.TOPIC_EXCEPTION: "the topic's name is not one",
}


class Positions(Protocol):
    """The stored offsets of the pipeline; `store.Store` in production."""

    def positions(self) -> dict[int, int]: ...
    def begin(self, offsets: dict[int, int]) -> None: ...


class Reader:
    """Owns the Kafka consumer; everything but `resync` and `stored` is for the one thread that reads.

    A partition is ours in two steps: Kafka assigns it, paused; then its position is read from the database and reading
    begins there. Kafka's own committed offsets are written afterwards, for tools that show lag, and never read.

    With `until`, each partition is read up to that offset and no further, and one that is not named not at all.
    """

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        tenures: Tenures,
        *,
        store: Positions,
        drain: Callable[[float], None],
        metrics: Metrics,
        health: Health,
        until: Mapping[int, int] | None = None,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._until = until
        self._finished: set[int] = set()
        self._tenures = tenures
        self._store = store
        self._drain = drain
        self._metrics = metrics
        self._health = health
        self._lock = threading.Lock()
        self._resync: set[int] = set()
        self._committable: dict[int, int] = {}
        self._settlement = Settlement()
        self._progress = Progress()
        self._assigned: set[int] = set()
        self._unpositioned: set[int] = set()
        self._placed: set[int] = set()
        self._flowing: set[int] = set()
        self._paused: set[int] = set()
        self._position: dict[int, int] = {}
        self._held = False
        self._carried: list[Message] = []
        self._next_housekeeping = 0.0
        self._speaks = f"KAFKA_SECURITY_PROTOCOL={settings.kafka_security_protocol}"
        self._let_in = False
        self._topic_is_missing = False
        self._refused: str | None = None
        self._refused_by_all = False
        self._consumer = self._join()

    def read(self, timeout_seconds: float) -> Batch | None:
        """The rows that are there now, at most a batch of them; waits for the first one only.

        Raises:
            WrongSetting: we are not let in, the topic may not be read, or rows that were not predicted yet are gone
                from it.
        """
        if self._membership.lost(time.monotonic()):
            self._join_anew()
        self._settle()
        self._look_again()
        self._release()
        self._place()
        limits = self._pipeline.batch
        messages, self._carried = self._carried, []
        if not messages:
            first = self._poll(timeout_seconds)
            if first is not None:
                messages = [first]
        if messages and self._fitting(messages) == len(messages) < limits.max_rows:
            messages += self._consumer.consume(limits.max_rows - len(messages), 0)
        some = self._fitting(messages)
        messages, self._carried = messages[:some], messages[some:]
        batch = self._batch(messages)
        self._keep_house()
        return batch

    def hold(self, timeout_seconds: float) -> None:
        """Stay in the group, reading nothing, while the stages behind are busy."""
        self._held = True
        self._pause()
        message = self._poll(timeout_seconds)
        if message is not None:
            self._carried.append(message)
            self._flowing |= self._placed & {message.partition()}
        self._keep_house()

    def resync(self, partitions: frozenset[int]) -> None:
        """Read these partitions' positions from the database again (any thread)."""
        self._tenures.end(partitions)
        with self._lock:
            self._resync |= partitions
            # what is read again counts once it is stored again
            for partition in partitions:
                self._settlement.forget(partition)

    def stored(self, batch: Batch) -> None:
        """Note that the batch is in the target database (any thread)."""
        with self._lock:
            for partition, span in batch.spans.items():
                self._committable[partition] = span.next
                self._settlement.stored(partition, span.next, time.monotonic())
                self._progress.stored(partition, span.next)

    @property
    def finished(self) -> bool:
        """Whether our partitions are read up to where they end for us."""
        with self._lock:
            return self.assigned and not self._resync and self._assigned <= self._finished

    @property
    def assigned(self) -> bool:
        """Whether we own a partition and know where it stands."""
        return bool(self._assigned) and not self._unpositioned

    def close(self) -> None:
        """Tell Kafka how far we came, and leave the group."""
        # for lag tools only; the database knows better
        with contextlib.suppress(KafkaException):
            self._commit(asynchronous=False)
        self._consumer.close()

    def _poll(self, timeout_seconds: float) -> Message | None:
        message = self._consumer.poll(timeout_seconds)
        if self._refused_by_all and self._refused is not None:
            raise WrongSetting(self._refused)
        return message

    def _fitting(self, messages: list[Message]) -> int:
        """How many of the messages, the first ones, make a batch."""
        limits = self._pipeline.batch
        return first_within(map(len, messages[: limits.max_rows]), limits.max_bytes)

    def _batch(self, messages: list[Any]) -> Batch | None:
        """The messages as a batch, less those of partitions that are no longer, or not yet, ours."""
        spans: dict[int, Span] = {}
        kept: list[Record] = []
        position = self._position
        for message in messages:
            error = message.error()
            if error is not None:
                self._on_message_error(error, message)
                if self._until is not None and error.code() == KafkaError._PARTITION_EOF:
                    self._end(message.partition(), message.offset(), spans)
                continue
            partition, offset = message.partition(), message.offset()
            if offset < position.get(partition, offset + 1):
                continue
            if self._until is not None and self._end(partition, offset, spans):
                continue
            span = spans.get(partition)
            if span is None:
                tenure = self._tenures.current(partition)
                if tenure is None:
                    continue
                spans[partition] = span = Span(position[partition], offset + 1, tenure)
                self._flowing.add(partition)
            span.next = position[partition] = offset + 1
            kept.append(message)
        return Batch(spans, kept) if spans else None

    def _end(self, partition: int, offset: int, spans: dict[int, Span]) -> bool:
        """Whether the partition ends for us before this offset, of a message or where there are no more.

        From its last row to there may be markers of transactions: their offsets are stored as read.
        """
        until = self._ends_at(partition)
        tenure = self._tenures.current(partition)
        if offset < until or tenure is None:
            return False
        if partition not in self._finished:
            span = spans.setdefault(partition, Span(self._position[partition], until, tenure))
            span.next = self._position[partition] = until
            self._finished.add(partition)
            self._unassign({partition})
        return True

    def _ends_at(self, partition: int) -> int:
        return sys.maxsize if self._until is None else self._until.get(partition, 0)

    # ---- the group

    def _join(self) -> Consumer:
        """A new member of the group, once it is polled."""
        membership = self._membership = Membership(time.monotonic())

        def while_ours(hear: Callable[..., None]) -> Callable[..., None]:
            # what a client says that was given up counts no more
            def heard(*told: Any) -> None:
                if membership is self._membership:
                    hear(*told)

            return heard

        told = {"error_cb": while_ours(self._on_error), "stats_cb": while_ours(self._on_statistics)}
        try:
            consumer = Consumer({**configuration(self._settings, self._pipeline), **told}, logger=quiet_logger())
        except KafkaException as error:
            raise WrongSetting(f"Kafka: {error.args[0].str()} (KAFKA_*)") from error
        consumer.subscribe(
            [self._pipeline.topic],
            on_assign=while_ours(self._on_assign),
            on_revoke=while_ours(self._on_revoke),
            on_lost=while_ours(self._on_lost),
        )
        return consumer

    def _join_anew(self) -> None:
        """Give up a client that fell out of the group and does not come back, and begin with another."""
        self._health.log.warning("out of the consumer group; joining it anew", state=self._membership.state)
        given_up = self._consumer
        with contextlib.suppress(KafkaException):
            self._let_go(self._partitions(self._assigned))
        for where in (self._placed, self._flowing, self._paused, self._carried):
            where.clear()
        self._consumer = self._join()
        # it may hang in what keeps it out
        threading.Thread(target=given_up.close, name="give-up", daemon=True).start()

    def _on_statistics(self, statistics: str) -> None:
        before = self._membership.member
        self._membership.told(statistics, time.monotonic())
        if self._membership.member != before:
            self._tell_partitions()

    # ---- which partitions, and from where

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._metrics.rebalances.inc()
        self._let_in = True
        self._topic_is_missing = False
        fresh = {p.partition for p in partitions}
        self._assigned |= fresh
        self._unpositioned |= fresh
        # nothing is fetched yet. A logical offset in the meantime would be looked up behind our back, and its late
        # answer override the real one (librdkafka asks again 500 ms after an "outdated offset response")
        self._consumer.incremental_assign([])
        self._tell_partitions()

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Give the batches in hand a moment to be stored; the fence stops what comes later."""
        self._drain(DRAIN_SECONDS)
        self._let_go(partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._let_go(partitions)

    def _let_go(self, partitions: list[TopicPartition]) -> None:
        self._metrics.rebalances.inc()
        gone = frozenset(p.partition for p in partitions)
        self._tenures.end(gone)
        self._assigned -= gone
        self._unpositioned -= gone
        self._finished -= gone
        with self._lock:
            for partition in gone:
                self._committable.pop(partition, None)
                self._settlement.forget(partition)
                self._progress.forget(partition)
        for partition in gone:
            self._position.pop(partition, None)
            self._metrics.forget_lag(partition)
        self._unassign(gone)
        self._tell_partitions()

    def _settle(self) -> None:
        """Once nothing was stored for a while, see that the target still holds it."""
        with self._lock:
            due = self._settlement.due(time.monotonic())
        if not due:
            return
        try:
            held = self._store.positions()
        except Transient as error:
            self._health.trouble("settle", str(error))
            with self._lock:
                self._settlement.postpone(time.monotonic())
            return
        self._health.trouble_over("settle")
        with self._lock:
            undone = self._settlement.settle(due, held)
        if undone:
            self.resync(undone)

    def _look_again(self) -> None:
        with self._lock:
            again = self._resync & self._assigned
            self._resync = set()
        self._unpositioned |= again

    def _place(self) -> None:
        """Begin each new partition where the database says."""
        if not self._unpositioned:
            return
        topic = self._pipeline.topic
        try:
            stored = self._stored_positions()
        except Transient as error:
            self._health.waiting("poll", str(error))
            return
        except KafkaException as error:
            self._health.waiting("poll", f"Kafka: {error.args[0].str()}")
            return
        self._health.going("poll")
        over = {p for p, offset in stored.items() if offset >= self._ends_at(p)}
        self._finished = (self._finished - stored.keys()) | over
        placed = [TopicPartition(topic, p, offset) for p, offset in stored.items() if p not in over]
        # a new assignment, unlike a seek, may follow the old one at any moment
        self._unassign(stored.keys())
        self._consumer.incremental_assign(placed)
        self._placed |= stored.keys() - over
        self._carried = [m for m in self._carried if m.partition() not in stored]
        for partition, offset in stored.items():
            self._position[partition] = offset
            with self._lock:
                self._progress.forget(partition)
                self._progress.stored(partition, offset)
                # whoever stored it may have done so just now
                self._settlement.stored(partition, offset, time.monotonic())
            self._tenures.begin(partition)
        self._unpositioned -= set(stored)
        self._tell_partitions()

    def _unassign(self, partitions: Collection[int]) -> None:
        """Stop fetching those of the partitions that are fetched."""
        gone = self._placed.intersection(partitions)
        if paused := self._paused & gone:
            # librdkafka keeps a pause for the partition's next assignment
            self._consumer.resume(self._partitions(paused))
        for where in (self._placed, self._flowing, self._paused):
            where.difference_update(gone)
        self._consumer.incremental_unassign(self._partitions(gone))

    def _tell_partitions(self) -> None:
        placed = not self._unpositioned and (bool(self._assigned) or self._membership.member)
        self._health.partitions(self._assigned, placed=placed)

    def _stored_positions(self) -> dict[int, int]:
        """Where the partitions that are not placed yet stand in the database; those that never began, begin.

        A pipeline that never ran begins in every partition of the topic at once: a partition that is added later is
        then known as such, and read from its first row even if the pipeline started at the latest.
        """
        stored = self._store.positions()
        missing = self._unpositioned - stored.keys()
        if missing:
            low_or_high = 1 if not stored and self._pipeline.start == "latest" else 0
            fresh = missing if stored else self._all_partitions()
            self._store.begin({p: self._watermarks(p)[low_or_high] for p in fresh})
            stored = self._store.positions()
        return {p: stored[p] for p in self._unpositioned}

    def _all_partitions(self) -> set[int]:
        topic = self._pipeline.topic
        metadata = self._consumer.list_topics(topic, timeout=BROKER_TIMEOUT_SECONDS)
        return set(metadata.topics[topic].partitions) | self._unpositioned

    def _watermarks(self, partition: int) -> tuple[int, int]:
        where = TopicPartition(self._pipeline.topic, partition)
        low, high = self._consumer.get_watermark_offsets(where, timeout=BROKER_TIMEOUT_SECONDS)
        return low, high

    def _pause(self) -> None:
        """Stop fetching where fetching has begun: a pause that overtakes an assignment undoes it (librdkafka #2190)."""
        fresh = self._flowing - self._paused
        if fresh:
            self._consumer.pause(self._partitions(fresh))
            self._paused |= fresh

    def _release(self) -> None:
        if self._paused:
            self._consumer.resume(self._partitions(self._paused))
        self._paused = set()
        self._held = False

    # ---- what Kafka says, and what we tell it

    def _on_message_error(self, error: KafkaError, message: Message) -> None:
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            partition = message.partition()
            if partition in self._position:
                self._flowing.add(partition)
                with self._lock:
                    self._progress.end_seen(partition, message.offset() or 0, self._position[partition])
        elif code == KafkaError._AUTO_OFFSET_RESET:
            raise WrongSetting(
                f"topic {self._pipeline.topic}, partition {message.partition()}: the next offset of pipeline "
                f"{self._pipeline.name!r} is not in the topic any more ({error.str()}). Either the topic was made "
                f"anew, or Kafka's retention removed rows before they were predicted. To go on from what is there, "
                f"delete the partition's row in table stream_offset"
            )
        elif code in _WRONG:
            raise WrongSetting(f"topic {self._pipeline.topic}, group {self._pipeline.group}: {_WRONG[code]}")
        elif code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            self._topic_is_missing = True
            self._health.waiting("poll", f"topic {self._pipeline.topic} does not exist yet")
        elif error.fatal():
            raise WrongSetting(f"Kafka: {error.str()}")

    def _on_error(self, error: KafkaError) -> None:
        """Note what librdkafka, which tries again by itself, says while it is polled.

        Whom every broker refuses from the start has a wrong setting. Later, or from one broker of several, a refusal
        may pass: a certificate has run out, or whoever knows the passwords is away.
        """
        code, said = error.code(), words(error)
        self._membership.excused(time.monotonic())
        self._refused = refusal(code, said) or self._refused
        if code == KafkaError._ALL_BROKERS_DOWN:
            self._refused_by_all = not self._let_in
        if code in (KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._AUTHENTICATION, KafkaError._SSL):
            self._health.waiting("poll", f"Kafka: {said}")
        elif code == KafkaError._ALL_BROKERS_DOWN and not self._health.is_waiting("poll"):
            self._health.waiting("poll", all_down(said, self._speaks, let_in=self._let_in))

    def _keep_house(self) -> None:
        """Once a second: commit to Kafka, look for a missing topic, measure lag, see whether the broker is back."""
        now = time.monotonic()
        if now < self._next_housekeeping:
            return
        self._next_housekeeping = now + HOUSEKEEPING_SECONDS
        try:
            self._commit(asynchronous=True)
            if self._topic_is_missing:
                self._membership.excused(now)
                self._look_for_topic()
            # while we hold, nothing is fetched and the cached watermarks stand still
            ask = self._held or self._health.is_waiting("poll")
            for partition in sorted(self._tenures.held()):
                where = TopicPartition(self._pipeline.topic, partition)
                _, high = self._consumer.get_watermark_offsets(where, timeout=HOUSEKEEPING_SECONDS, cached=not ask)
                # below zero: nothing was fetched yet, so nobody knows
                if high >= 0:
                    with self._lock:
                        self._metrics.set_lag(partition, self._progress.lag(partition, high))
        except KafkaException as error:
            self._health.waiting("poll", f"Kafka: {error.args[0].str()}")
        else:
            if self.assigned:
                self._health.going("poll")

    def _look_for_topic(self) -> None:
        """Have librdkafka join the group as soon as the topic is there; by itself it looks every few seconds."""
        topic = self._consumer.list_topics(self._pipeline.topic, timeout=HOUSEKEEPING_SECONDS)
        if topic.topics[self._pipeline.topic].error is None:
            # only a list of all topics is looked through for those that are subscribed to
            self._consumer.list_topics(timeout=HOUSEKEEPING_SECONDS)

    def _commit(self, *, asynchronous: bool) -> None:
        with self._lock:
            ready, self._committable = self._committable, {}
        if ready:
            offsets = [TopicPartition(self._pipeline.topic, p, offset) for p, offset in ready.items()]
            if asynchronous:
                self._consumer.commit(offsets=offsets)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=False)

    def _partitions(self, numbers: set[int]) -> list[TopicPartition]:
        return [TopicPartition(self._pipeline.topic, p) for p in numbers]

"""A topic and its consumer group as Kafka promises them, without a broker: offsets with gaps, rebalances by hand."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from confluent_kafka import KafkaError, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.integration.subscriber.offsets.messages import Message

TOPIC = "offsets"


class Partition:
    """What is at each offset from `low` on; None is a gap: a marker, an aborted or a compacted message."""

    def __init__(self, low: int = 0) -> None:
        self.low = low
        self.slots: list[Message | None] = [None] * low
        self.messages: list[Message] = []

    @property
    def high(self) -> int:
        return len(self.slots)

    def append(self, message: Message | None) -> None:
        self.slots.append(message)
        if message is not None:
            self.messages.append(message)

    def compact(self, offset: int) -> None:
        """Take away the message at the offset, if there is one."""
        message = self.slots[offset]
        if message is not None:
            message.gone = True
            self.slots[offset] = None


class EndOfPartition:
    """What librdkafka gives once where there are no more messages."""

    def __init__(self, partition: int, offset: int) -> None:
        self._partition, self._offset = partition, offset

    def __len__(self) -> int:
        return 0

    def error(self) -> KafkaError:
        return KafkaError(KafkaError._PARTITION_EOF)

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset


class Log:
    """The topic's partitions, and which consumer the group's coordinator believes to own each."""

    def __init__(self, lows: list[int]) -> None:
        self.partitions = [Partition(low) for low in lows]
        self.owners: dict[int, LogConsumer | None] = dict.fromkeys(range(len(lows)))

    def add_partition(self) -> None:
        self.owners[len(self.partitions)] = None
        self.partitions.append(Partition())

    def move(self, partition: int, to: LogConsumer | None, how: Literal["revoke", "lose"]) -> None:
        """Give a partition to another consumer: once its owner has let go of it, or behind its back."""
        owner = self.owners[partition]
        if owner is to:
            return
        self.owners[partition] = to
        if owner is None or how == "lose":
            if owner is not None:
                owner.events.append(("lose", partition, None))
            self._give(partition, to)
        else:
            owner.events.append(("revoke", partition, to))

    def let_go(self, partition: int, to: LogConsumer | None) -> None:
        """Hear that an owner has let go: the heir gets the partition, unless it went elsewhere meanwhile."""
        if to is not None and self.owners[partition] is to:
            self._give(partition, to)

    def leave(self, consumer: LogConsumer) -> None:
        """Forget a consumer, and what others wait for it to let go of goes to them."""
        for kind, partition, to in consumer.events:
            if kind == "revoke":
                self.let_go(partition, to)
        consumer.events.clear()
        for partition, owner in self.owners.items():
            if owner is consumer:
                self.owners[partition] = None

    def _give(self, partition: int, to: LogConsumer | None) -> None:
        if to is not None:
            to.events.append(("assign", partition, None))


class LogConsumer:
    """What the reader uses of confluent-kafka's Consumer.

    The test says what comes: `room` messages at most are fetched from now on, and news of the group is heard only while
    it `hears`. What librdkafka would refuse is an AssertionError.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.events: deque[tuple[str, int, LogConsumer | None]] = deque()
        self.room = 0
        self.hears = True
        self.committed: dict[int, int] = {}
        self._callbacks: dict[str, Callable[..., None]] = {}
        self._fetched: dict[int, int] = {}
        self._paused: set[int] = set()
        self._ended: dict[int, int] = {}
        self._turn = 0

    # ---- the group

    def subscribe(self, topics: list[str], **callbacks: Callable[..., None]) -> None:
        assert topics == [TOPIC]
        self._callbacks = callbacks

    def close(self) -> None:
        for partition, owner in list(self._log.owners.items()):
            if owner is self:
                self._log.move(partition, None, "revoke")
        self._serve()
        self._log.leave(self)

    def _serve(self) -> None:
        names = {"assign": "on_assign", "revoke": "on_revoke", "lose": "on_lost"}
        while self.events:
            kind, partition, to = self.events.popleft()
            self._callbacks[names[kind]](self, [TopicPartition(TOPIC, partition)])
            if kind != "assign":
                assert partition not in self._fetched, "a partition that is gone is still fetched"
            if kind == "revoke":
                self._log.let_go(partition, to)

    # ---- what is fetched

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        for where in partitions:
            assert where.partition not in self._fetched, "assigned twice"
            low, high = self.get_watermark_offsets(where)
            assert low <= where.offset <= high, "out of range"
            self._fetched[where.partition] = where.offset
            self._ended.pop(where.partition, None)

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        for where in partitions:
            del self._fetched[where.partition]

    def pause(self, partitions: list[TopicPartition]) -> None:
        self._paused |= {where.partition for where in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self._paused -= {where.partition for where in partitions}

    def poll(self, _: float) -> Any:
        if self.hears:
            self._serve()
        return self._next()

    def consume(self, count: int, _: float) -> list[Any]:
        if self.hears:
            self._serve()
        messages: list[Any] = []
        while len(messages) < count and (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Any:
        """The next message or end of any partition, each in its turn."""
        flowing = sorted(self._fetched.keys() - self._paused)
        for step in range(len(flowing)):
            partition = flowing[(self._turn + step) % len(flowing)]
            log = self._log.partitions[partition]
            for offset in range(self._fetched[partition], log.high):
                message = log.slots[offset]
                if message is not None:
                    if self.room == 0:
                        break
                    self.room -= 1
                    self._turn += step + 1
                    self._fetched[partition] = offset + 1
                    return message
            else:
                if self._ended.get(partition) != log.high:
                    self._ended[partition] = self._fetched[partition] = log.high
                    return EndOfPartition(partition, log.high)
        return None

    # ---- what else is asked

    def get_watermark_offsets(self, where: TopicPartition, **_: Any) -> tuple[int, int]:
        partition = self._log.partitions[where.partition]
        return partition.low, partition.high

    def list_topics(self, *_: Any, **__: Any) -> SimpleNamespace:
        partitions: Mapping[int, Any] = dict.fromkeys(self._log.owners)
        return SimpleNamespace(topics={TOPIC: SimpleNamespace(partitions=partitions, error=None)})

    def commit(self, offsets: list[TopicPartition], **_: Any) -> None:
        self.committed |= {where.partition: where.offset for where in offsets}

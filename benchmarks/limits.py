"""What each stage of the stream costs by itself, and what the whole reaches: `make bench ARGS=limits`.

Consuming, decoding, asking the model over HTTP and copying into the target, one after the other, each over the same
rows with the subscriber's own settings and batches, and with the CPU seconds of every process that it uses. The sum of
those says how many rows a second all of them together can do on this machine's cores.
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, TopicPartition

from benchmarks.contenders.roster import OURS, PIPELINE
from benchmarks.processes import measured
from benchmarks.results import Result, Table
from benchmarks.running import Running
from benchmarks.side_by_side import PARTITIONS, median, raced
from benchmarks.topic import fill
from stack.errors import StackError
from subscriber.batch import Batch, Span
from subscriber.broker import configuration
from subscriber.commands.memory import settle
from subscriber.decoding import Decoder
from subscriber.inference import InferenceClient
from subscriber.pipeline_file import load_pipeline
from subscriber.settings import Settings
from subscriber.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.race import Run
    from stack.progress import Progress
    from subscriber.pipeline import Pipeline

STAGES: Final = ("consume", "decode", "infer", "copy")
SUBSCRIBER: Final = "subscriber"
POLL_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 60.0
# what is decoded again and again, so that memory is bounded
KEPT_ROWS: Final = 50_000


@dataclass(frozen=True)
class Limit:
    """One stage by itself: how many rows in how many seconds, and the CPU seconds of each process that took part."""

    stage: str
    rows: int
    seconds: float
    cpu_seconds: dict[str, float]

    @property
    def rows_a_second(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu_us_a_row(self) -> float:
        """Microseconds of CPU a row, of all processes together."""
        return sum(self.cpu_seconds.values()) / self.rows * 1e6


@dataclass(frozen=True)
class Limits:
    """The stages, in the order of the stream."""

    stages: list[Limit]

    @property
    def cpu_us_a_row(self) -> float:
        return sum(stage.cpu_us_a_row for stage in self.stages)

    def rows_a_second(self, cores: int) -> float:
        """What so many cores allow if nothing ever waits."""
        return cores * 1e6 / self.cpu_us_a_row


def measure(progress: Progress, *, rows: int = 500_000, rounds: int = 3) -> Result:
    """Each stage over so many rows, in turns, and the whole stream over the same number of rows.

    Raises:
        StackError: the servers do not do their part.
    """
    running = Running(progress)
    with running.started(connectors=False):
        found = alone(running, rows, rounds)
        whole = raced(running, rows, rounds, [OURS], "whole")[OURS.name]
    return result(found, whole, rows, rounds)


def alone(running: Running, rows: int, rounds: int) -> Limits:
    """Each stage by itself; of each, the round of the median cost.

    Raises:
        StackError: the servers do not do their part.
    """
    stages = _Stages(running)
    stages.prepare(rows)
    try:
        # caches fill, and the servers' compilers get to know what they run
        taken = [[stages.run(stage, count) for stage in STAGES] for count in (rows // 4, *[rows] * rounds)][1:]
    finally:
        stages.close()
    return Limits([_median(of_stage) for of_stage in zip(*taken, strict=True)])


def _median(rounds: Sequence[Limit]) -> Limit:
    ordered = sorted(rounds, key=lambda limit: limit.cpu_us_a_row)
    # the rate is a median of its own: it is the first to suffer from whatever else the machine does
    seconds = statistics.median(limit.seconds for limit in rounds)
    return replace(ordered[len(ordered) // 2], seconds=seconds)


class _Stages:
    """The stages of the iris pipeline, with a topic and a table of their own."""

    def __init__(self, running: Running) -> None:
        self._running = running
        name = f"limits_{uuid.uuid4().hex[:8]}"
        os.environ["API_URL"] = running.settings.api_url
        self._pipeline = _renamed(load_pipeline(PIPELINE), name)
        self._settings = Settings.model_validate(running.settings.model_dump())
        self._decoder = Decoder(self._pipeline)
        self._client = InferenceClient(self._pipeline)
        self._store = Store(self._settings.target_dsn(), self._pipeline)
        self._stored = 0
        self._messages: list[list[Any]] = []
        # every row of the topic once, without its message: a table's indexes take new rows as the stream brings them
        self._batches: list[Batch] = []

    def prepare(self, rows: int) -> None:
        fill(self._running.settings.kafka_bootstrap_servers, self._pipeline.topic, rows, PARTITIONS)
        self._store.prepare()
        self._store.begin({0: 0})
        self._client.check()
        settle()
        self._consume(rows, self._keep_rows)

    def run(self, stage: str, rows: int) -> Limit:
        if stage == "copy":
            self._empty_table()
        work: dict[str, Callable[[int], int]] = {
            "consume": self._consume,
            "decode": self._decode,
            "infer": self._infer,
            "copy": self._copy,
        }
        servers = {
            "consume": {"kafka": self._running.stack.broker.pid},
            "infer": {"api": self._running.services.api.pid},
            "copy": {"target": self._running.stack.target.pid},
        }
        with measured({SUBSCRIBER: os.getpid(), **servers.get(stage, {})}) as used:
            began = time.monotonic()
            done = work[stage](rows)
            seconds = time.monotonic() - began
        return Limit(stage, done, seconds, {name: process.cpu_seconds for name, process in used.items()})

    def close(self) -> None:
        with self._store.connect(autocommit=True) as connection:
            connection.execute(f"drop table if exists {self._pipeline.target.table} cascade".encode())
        self._store.close()

    def _empty_table(self) -> None:
        with self._store.connect(autocommit=True) as connection:
            connection.execute(f"truncate {self._pipeline.target.table}".encode())
        self._running.checkpoint()

    def _keep_rows(self, messages: list[Any]) -> None:
        batch = Batch({}, [message for message in messages if message.error() is None])
        self._decoder.decode(batch)
        batch.records = []
        if batch.rows:
            self._batches.append(batch)

    def _consume(self, rows: int, then: Callable[[list[Any]], None] = lambda _: None) -> int:
        """Read the topic from its beginning; what was read first is kept to be decoded."""
        max_rows = self._pipeline.batch.max_rows
        consumer = Consumer(configuration(self._settings, self._pipeline))
        kept: list[list[Any]] = []
        count = 0
        try:
            consumer.assign([TopicPartition(self._pipeline.topic, partition, 0) for partition in range(PARTITIONS)])
            end = time.monotonic() + WAIT_SECONDS
            while count < rows:
                messages = consumer.consume(max_rows, POLL_SECONDS)
                count += sum(message.error() is None for message in messages)
                then(messages)
                if len(kept) * max_rows < KEPT_ROWS:
                    kept.append([message for message in messages if message.error() is None])
                if time.monotonic() > end:
                    raise StackError(f"{count} of {rows} messages were read within {WAIT_SECONDS:.0f} s")
        finally:
            consumer.close()
        self._messages = [messages for messages in kept if len(messages) == max_rows]
        return count

    def _decode(self, rows: int) -> int:
        count = 0
        for messages in _again_and_again(self._messages):
            batch = Batch({}, messages)
            self._decoder.decode(batch)
            count += len(batch.rows)
            if count >= rows:
                break
        return count

    def _infer(self, rows: int) -> int:
        count = 0
        for batch in _again_and_again(self._batches):
            batch.outputs, version = self._client.predict(batch.rows)
            batch.versions = [version] * len(batch.rows)
            count += len(batch.rows)
            if count >= rows:
                break
        return count

    def _copy(self, rows: int) -> int:
        count = 0
        for batch in _again_and_again(self._batches):
            end = self._stored + len(batch.rows)
            batch.spans = {0: Span(self._stored, end, 0)}
            self._store.commit(batch)
            self._stored = end
            count += len(batch.rows)
            if count >= rows:
                break
        return count


def _again_and_again(batches: Sequence[Any]) -> Iterator[Any]:
    if not batches:
        raise StackError("no full batch was read from the topic: measure more rows")
    while True:
        yield from batches


def _renamed(pipeline: Pipeline, name: str) -> Pipeline:
    """The pipeline with a topic, a group and a table of this name."""
    table = pipeline.target.table
    target = pipeline.target.model_copy(update={"table": name})
    create = (pipeline.create_sql or "").replace(table, name)
    return pipeline.model_copy(
        update={"name": name, "topic": name, "group": name, "target": target, "create_sql": create}
    )


def result(limits: Limits, whole: Sequence[Run], rows: int, rounds: int) -> Result:
    """The stages, what the cores would allow if none ever waited, and what the subscriber reaches."""
    cores = len(os.sched_getaffinity(0))
    lines = [
        [
            stage.stage,
            f"{stage.rows_a_second:,.0f}",
            f"{stage.cpu_us_a_row:.2f}",
            ", ".join(f"{name} {used / stage.rows * 1e6:.2f}" for name, used in stage.cpu_seconds.items()),
        ]
        for stage in limits.stages
    ]
    allowed, reached = limits.rows_a_second(cores), median(whole)
    cost = {name: statistics.median(run.cpu[name] for run in whole) for name in whole[0].cpu}
    lines += [
        [f"all of them, on {cores} cores", f"{allowed:,.0f}", f"{limits.cpu_us_a_row:.2f}", ""],
        [
            "the subscriber",
            f"{reached:,.0f}",
            f"{sum(cost.values()):.2f}",
            ", ".join(f"{name} {seconds:.2f}" for name, seconds in cost.items()),
        ],
    ]
    return Result(
        "limits",
        "make bench ARGS=limits",
        [Table(["", "rows/s", "CPU µs a row", "of which"], lines)],
        notes=[
            f"{rows:,} rows, {rounds} rounds; of each stage the round of the median cost. The subscriber reaches "
            f"{reached / allowed:.0%} of what the cores would allow if no stage ever waited, and none cost more beside "
            "the others than alone."
        ],
    )

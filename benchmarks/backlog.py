"""A topic with rows, and subscribers that work them off."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import psycopg
import requests

from benchmarks.contenders.roster import table_sql
from benchmarks.processes import measured
from benchmarks.topic import columns, fill, messages_in, unseen
from benchmarks.topics import configure, create, delete
from benchmarks.wide import name_of
from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from benchmarks.running import Running
    from stack.process import Server

POLL_SECONDS: Final = 0.02
WAIT_SECONDS: Final = 1800.0
SHARED_SECONDS: Final = 60.0
SAMPLE_SECONDS: Final = 0.5
TEMPLATE: Final = """\
name = "{name}"
topic = "{name}"
group = "{name}"

[model]
url = "${{API_URL}}/v2/models/{model}"
{features}
[source]
key = "id"
timestamp = "timestamp"

[target]
table = "{name}_prediction"
create = "{name}.sql"
timestamp = "timestamp"
source_key = "source_id"
model_version = "model_version"

[target.outputs]
{output} = "iris_class"
"""
FEATURE: Final = """
[[features]]
column = "{column}"
datatype = "FP64"
"""


@dataclass(frozen=True)
class Worked:
    """How fast subscribers worked rows off, and at what cost."""

    rows_per_second: float
    peak_mb: list[float]
    """The most memory that each subscriber held meanwhile."""
    cpu: dict[str, float]
    """CPU seconds a million rows, by process; that of all subscribers together."""


class Backlog:
    """One topic, and the pipeline that reads it into a table of its own: a table as of iris_prediction.

    Its predictions are of the iris model, or with `features` of the model of that width (`benchmarks.wide`).
    """

    def __init__(self, running: Running, name: str, partitions: int = 4, features: int | None = None) -> None:
        self.name = name
        self._running, self._partitions, self._features = running, partitions, features
        self._rows = 0
        self._brokers = running.settings.kafka_bootstrap_servers
        self._file = self._write(running.folder / "data")
        create(self._brokers, name, partitions)

    def fill(self, rows: int) -> None:
        """Write the next rows to the topic."""
        fill(self._brokers, self.name, rows, self._partitions, self._rows + 1, self._features)
        self._rows += rows

    def compress(self, kind: str) -> None:
        """Have the broker compress what is written from now on: a kind of Kafka's, or `producer` for as it comes."""
        configure(self._brokers, self.name, {"compression.type": kind})

    def catch_up(self) -> None:
        """Have one subscriber work off what is there."""
        with self._subscribers(1), self._target() as target:
            self._wait(target, messages_in(self._brokers, self.name))

    def work_off(self, rows: int, subscribers: int = 1) -> Worked:
        """Have so many subscribers work off the next rows, from when those can be seen to the last prediction.

        All rows become visible at once, when every subscriber holds partitions and has nothing to do.

        Raises:
            StackError: they were worked off too fast to be timed, or not at all.
        """
        show = unseen(self._brokers, self.name, rows, self._rows + 1, self._features)
        self._rows += rows
        # the marker of the transaction follows it
        last = messages_in(self._brokers, self.name)
        self._running.checkpoint()
        stack, api = self._running.stack, self._running.services.api
        with self._subscribers(subscribers) as servers, self._target() as target:
            own = {server.name: server.pid for server in servers}
            pids = {**own, "API": api.pid, "broker": stack.broker.pid, "Postgres": stack.target.pid}
            with measured(pids, SAMPLE_SECONDS) as used:
                began = time.monotonic()
                show()
                seconds = self._wait(target, last) - began
        if seconds < 10 * POLL_SECONDS:
            raise StackError(f"{self.name}: {rows} rows were worked off before it could be timed: take more rows")
        cpu = {name: used[name].cpu_seconds / rows * 1e6 for name in pids if name not in own}
        ours = sum(used[name].cpu_seconds for name in own) / rows * 1e6
        return Worked(rows / seconds, [used[name].peak_mb for name in own], {"subscribers": ours, **cpu})

    def drop(self) -> None:
        """Forget the topic and the table."""
        delete(self._brokers, self.name)
        with psycopg.connect(self._running.settings.target_dsn()) as target:
            target.execute(f"drop table if exists {self.name}_prediction cascade".encode())
            target.execute("delete from stream_offset where pipeline = %s", [self.name])

    def _wait(self, target: psycopg.Connection, offsets: int) -> float:
        """When the predictions of all rows before these offsets, their sum over the partitions, were there."""
        query = "select coalesce(sum(next_offset), 0)::bigint from stream_offset where pipeline = %s"
        end = time.monotonic() + WAIT_SECONDS
        while True:
            (stored,) = target.execute(query, [self.name]).fetchone() or (0,)
            now = time.monotonic()
            if stored >= offsets:
                return now
            if now > end:
                raise StackError(f"{self.name}: rows up to {offsets} were not predicted within {WAIT_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)

    @contextlib.contextmanager
    def _subscribers(self, count: int) -> Iterator[list[Server]]:
        """So many of them run within the block, each of which holds partitions from its beginning on."""
        servers = [self._subscriber(number) for number in range(count)]
        try:
            for server in servers:
                server.start()
            for server in servers:
                server.wait_ready()
            end = time.monotonic() + SHARED_SECONDS
            while not shared(held := [self._partitions_of(number) for number in range(count)], self._partitions):
                for server in servers:
                    server.check_running()
                if time.monotonic() > end:
                    raise StackError(f"{self.name}: of {self._partitions} partitions, the subscribers hold {held}")
                time.sleep(POLL_SECONDS)
            yield servers
        finally:
            for server in servers:
                server.stop()

    def _partitions_of(self, number: int) -> list[int]:
        """Which partitions a subscriber reads, none as long as it does not."""
        said = requests.get(self._health(number), timeout=10)
        return list(said.json()["pipelines"][self.name]["partitions"]) if said.ok else []

    def _subscriber(self, number: int) -> Server:
        url = self._health(number)
        port = urlsplit(url).port
        return self._running.services.process(
            *(f"subscriber-{self.name}-{number}", "subscriber", "run", str(self._file)),
            url=url,
            port=port,
            SUBSCRIBER_PORT=str(port),
        )

    def _health(self, number: int) -> str:
        settings = self._running.settings
        return f"http://{settings.subscriber_host}:{settings.subscriber_port + 10 + number}/health/ready"

    def _target(self) -> psycopg.Connection:
        return psycopg.connect(self._running.settings.target_dsn(), autocommit=True)

    def _write(self, folder: Path) -> Path:
        wide = self._features
        features = "".join(FEATURE.format(column=column) for column in columns(wide))
        model, output = ("iris", "iris_class") if wide is None else (name_of(wide), "rank")
        file = folder / f"{self.name}.toml"
        file.with_suffix(".sql").write_text(table_sql(f"{self.name}_prediction"))
        file.write_text(TEMPLATE.format(name=self.name, model=model, features=features, output=output))
        return file


def shared(held: Sequence[Collection[int]], partitions: int) -> bool:
    """Whether each holds partitions, and all of them together each partition once."""
    return all(held) and sorted(partition for own in held for partition in own) == list(range(partitions))


@contextlib.contextmanager
def backlog(running: Running, name: str, partitions: int = 4, features: int | None = None) -> Iterator[Backlog]:
    """A backlog whose topic and table are dropped at the end of the block."""
    made = Backlog(running, name, partitions, features)
    try:
        yield made
    finally:
        made.drop()

"""A long run at a steady pace: does anything grow that should not? `python -m benchmarks.soak --minutes 60`.

The generator inserts rows at half the speed that the whole way was measured to take at the start of the run, or at
--rate; a second client of the source updates and deletes some of them. Every ten seconds each server and service is
asked for its memory, threads and files, the source for the log that its slot holds, the target for the size of its
tables, the subscriber for its lag, and the newest prediction for its age. Each series has a bound (`sampled.bound`);
one that is beyond it ends the program with status 1. The topic keeps a gigabyte a partition at most, so that the disk
is bounded.
"""

from __future__ import annotations

import contextlib
import shutil
import stat
import threading
import time
from typing import TYPE_CHECKING, Annotated, Final

import psycopg
import requests
import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from benchmarks.changes import Changes
from benchmarks.connectors import Connectors
from benchmarks.end_to_end import COPIED, Runs, Whole
from benchmarks.processes import held
from benchmarks.running import PORT_OFFSET, TOPIC, Running
from benchmarks.sampled import (
    AGE,
    COPIED_ROW,
    DISK,
    FILES,
    INDEXES,
    INSERTED,
    LAG,
    MEBIBYTE,
    MEMORY,
    OFFSETS,
    SAMPLE_SECONDS,
    TABLE,
    THREADS,
    WAL,
    Samples,
    result,
)
from benchmarks.topics import configure
from stack.errors import StackError
from stack.progress import Progress
from stack.servers import report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.results import Result
    from stack.process import Server

RETENTION: Final = {"retention.bytes": str(1024**3), "segment.bytes": str(128 * 1024**2)}
LEAST_FREE_BYTES: Final = 3 * 1024**3
MEASURE_ROWS: Final = 100_000
LEAST_SAMPLES: Final = 6


def measure(
    progress: Progress,
    *,
    minutes: float = 60.0,
    rate: int | None = None,
    changed_percent: float = 5.0,
    port_offset: int = PORT_OFFSET,
) -> tuple[Result, list[str]]:
    """Run for so many minutes at `rate` rows a second, by default half of what the whole way takes.

    `changed_percent` of as many rows as are inserted are updated, and as many deleted. What was not as it should be is
    told in words beside the result.

    Raises:
        StackError: the run is too short to judge, a service ended, or the disk is nearly full.
    """
    if minutes * 60 < LEAST_SAMPLES * SAMPLE_SECONDS:
        raise StackError(f"--minutes: at least {LEAST_SAMPLES * SAMPLE_SECONDS / 60:g}, to have samples to compare")
    running = Running(progress, port_offset=port_offset)
    with running.started():
        running.services.subscriber.restart()
        configure(running.settings.kafka_bootstrap_servers, TOPIC, RETENTION)
        if rate is None:
            rate = _half_speed(running)
        soak = Soak(running)
        samples = soak.run(minutes, rate, changed_percent)
    return result(samples, minutes, rate, changed_percent), samples.faults(rate)


def _half_speed(running: Running) -> int:
    """Half of the rows a second from inserts to predictions and the copy."""
    runs = Runs()
    whole = Whole(running, Connectors(running.settings.connect_url))
    for _ in range(2):
        whole.run(COPIED, MEASURE_ROWS, runs)
    return max(1, int(runs.rows_per_second[-1] / 2))


class Soak:
    """The run: the pace, and what is seen of it."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._settings = running.settings

    def run(self, minutes: float, rate: int, changed_percent: float) -> Samples:
        """Insert, change and sample until the time is over."""
        samples, seconds = Samples(), minutes * 60
        generator = self._running.services.generator("--rate", str(rate), "--for", str(seconds + SAMPLE_SECONDS))
        changes = Changes(self._settings.source_dsn(), rate * changed_percent / 100)
        ending = threading.Event()
        changing = threading.Thread(target=changes.run, args=(ending,), daemon=True)
        generator.start()
        changing.start()
        began = time.monotonic()
        try:
            for number in range(1, int(seconds / SAMPLE_SECONDS) + 1):
                time.sleep(max(0.0, began + number * SAMPLE_SECONDS - time.monotonic()))
                generator.check_running()
                self._check_disk()
                samples.add((time.monotonic() - began) / 60, dict(self._seen()))
                self._running.progress.say(
                    f"minute {samples.minutes[-1]:.1f} of {minutes:g}, lag {samples.values[LAG][-1]:,.0f}"
                )
        finally:
            ending.set()
            changing.join()
            generator.stop()
        if changes.failure is not None:
            raise StackError(f"the source refuses to change rows: {changes.failure}")
        return samples

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self._running.folder).free
        if free < LEAST_FREE_BYTES:
            raise StackError(
                f"{self._running.folder}: only {free // MEBIBYTE} MiB are free: take fewer --minutes, a lower --rate,"
                f" or set STACK_STATE to a folder with more room"
            )

    def _seen(self) -> Iterator[tuple[str, float]]:
        for name, server in self._all().items():
            server.check_running()
            used = held(server.pid)
            yield f"{name}: {MEMORY}", used.memory_mb
            yield f"{name}: {THREADS}", used.threads
            yield f"{name}: {FILES}", used.files
        with psycopg.connect(self._settings.source_dsn()) as source:
            log = (
                "select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0) from pg_replication_slots"
            )
            yield WAL, _number(source, log) / MEBIBYTE
            yield INSERTED, _number(source, "select coalesce(max(id), 0) from iris_data")
        with psycopg.connect(self._settings.reader_dsn()) as target:
            rows = _number(target, "select greatest(max(id), 1) from iris_prediction")
            size = _number(target, "select pg_table_size('iris_prediction')")
            indexes = _number(target, "select pg_indexes_size('iris_prediction')")
            yield TABLE, size / rows
            yield INDEXES, indexes / rows
            yield OFFSETS, _number(target, "select pg_total_relation_size('stream_offset')")
            copied = (
                "select pg_total_relation_size('iris_data') / greatest(n_live_tup, 1)::float8"
                " from pg_stat_user_tables where relname = 'iris_data'"
            )
            yield COPIED_ROW, _number(target, copied)
            # the median: a row that was updated keeps the time at which it was inserted
            age = (
                "select coalesce(extract(epoch from percentile_cont(0.5) within group"
                " (order by predicted_at - timestamp)), 0) * 1000 from"
                " (select * from iris_prediction order by id desc limit 200) newest"
            )
            yield AGE, _number(target, age)
        yield LAG, self._lag()
        yield DISK, _size(self._running.folder) / MEBIBYTE

    def _all(self) -> dict[str, Server]:
        stack = self._running.stack
        return {**self._running.servers(), "cache": stack.cache, "archive": stack.archive}

    def _lag(self) -> float:
        url = f"{self._running.services.console}/metrics"
        families = text_string_to_metric_families(requests.get(url, timeout=10).text)
        return sum(s.value for family in families if family.name == "subscriber_lag" for s in family.samples)


def _size(folder: Path) -> int:
    """Bytes of the files of a folder, of which some may go meanwhile."""
    size = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found = file.lstat()
            size += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return size


def _number(connection: psycopg.Connection, query: str) -> float:
    (value,) = connection.execute(query.encode()).fetchone() or (0,)
    return float(value)


def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 60.0,
    rate: Annotated[int | None, typer.Option(help="Inserted rows a second. (default: half speed)")] = None,
    changed_percent: Annotated[float, typer.Option(help="As many percent are updated, and as many deleted.")] = 5.0,
    port_offset: Annotated[int, typer.Option(help="Move every port by this much.")] = PORT_OFFSET,
    *,
    keep: Annotated[bool, typer.Option(help="Keep what is found in benchmarks/results/.")] = True,
) -> None:
    """Run at half speed; status 1 if anything grows, or is, beyond its bound."""
    try:
        found, faults = measure(
            Progress(Console(stderr=True)),
            minutes=minutes,
            rate=rate,
            changed_percent=changed_percent,
            port_offset=port_offset,
        )
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error
    if keep:
        found.keep()
    print(*found.tables, *found.notes, sep="\n\n", flush=True)
    if faults:
        report(StackError("; ".join(faults)))
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)

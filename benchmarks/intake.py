"""Reads and writes a task's rows in each format: `python -m benchmarks.intake`.

Prints rows a second, processor time a million rows, how far this process's memory grew, and how long another
thread of it waited for its turn meanwhile, as inference does beside an upload.
"""

import asyncio
import csv
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import psutil
import typer

from api.tasks.formats.intake import Column, Format, Limits, read
from api.tasks.formats.output import OutputColumn, write

CREDIT = Path(__file__).parents[1] / "api" / "training" / "credit.csv"
NUMBERS = {"installment_rate_in_percentage_of_disposable_income", "age_in_years"}
LIMITS = Limits(chunk_rows=1_000, chunk_bytes=256 * 1024, max_rows=10_000_000)
BATCH_ROWS = 1_000
TURN_SECONDS = 0.001


class Meter:
    """Memory and the waits of a thread that wants its turn each millisecond."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.waits: list[float] = []
        self._stop = threading.Event()
        self._process = psutil.Process()

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            before = time.perf_counter()
            time.sleep(TURN_SECONDS)
            self.waits.append(time.perf_counter() - before - TURN_SECONDS)
            if len(self.waits) % 16 == 1:
                self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)


def main(rows: Annotated[int, typer.Option(help="how many rows are read and written")] = 1_000_000) -> None:
    """Write the rows of credit.csv, over and over, in each format, and read them again."""
    with CREDIT.open(newline="") as file:
        header, *known = csv.reader(file)
    features = [Column(name, "INT64" if name in NUMBERS else "BYTES") for name in header[:-1]]
    columns = [OutputColumn(name, "int" if name in NUMBERS else "text") for name in header]
    table = [tuple(int(v) if name in NUMBERS else v for name, v in zip(header, row, strict=True)) for row in known]
    with tempfile.TemporaryDirectory() as folder:
        for form in Format:
            path = Path(folder, form.name)
            measure(f"write {form.name}", rows, partial(_write, path, table, rows, columns, form))
            measure(f"read {form.name}", rows, partial(_read, path, form, features))


def measure(name: str, rows: int, work: Callable[[], None]) -> None:
    """Do the work and print what it took."""
    meter = Meter()
    before = psutil.Process().memory_info().rss
    began, used = time.perf_counter(), time.process_time()
    with meter.running():
        work()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    waits = sorted(meter.waits)
    print(
        f"{name:16} {rows / seconds:10,.0f} rows/s {used / rows * 1e6:6.2f} s of a processor per million "
        f"{(meter.peak_bytes - before) / 2**20:6.1f} MiB more, "
        f"waits p50 {waits[len(waits) // 2] * 1e3:.1f} ms p99 {waits[len(waits) * 99 // 100] * 1e3:.1f} ms",
        flush=True,
    )


def _read(path: Path, form: Format, features: Sequence[Column]) -> None:
    for _ in read(path, form, features, task=uuid4(), version=None, limits=LIMITS):
        pass


def _write(path: Path, table: list[tuple[Any, ...]], rows: int, columns: Sequence[OutputColumn], form: Format) -> None:
    async def batches() -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        for at in range(0, rows, BATCH_ROWS):
            yield table[: min(BATCH_ROWS, rows - at)]

    async def run() -> None:
        with path.open("wb") as file:
            async for piece in write(batches(), columns, form):
                file.write(piece)

    asyncio.run(run())


if __name__ == "__main__":
    typer.run(main)

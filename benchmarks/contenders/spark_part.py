"""What Spark's Python workers do with a part of a micro-batch; a module of its own, as they keep what it has connected.

The columns go into the request as they are. The request is encoded and the answer decoded by msgspec, and COPY gets one
text, as with those that are tuned by hand.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import psycopg
import pyarrow as pa
import requests

from benchmarks.contenders.rows import FEATURES, INFER, JSON, classes, copy_statement, request_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.contenders.contract import Task

COUNT = "stored bigint"


@cache
def _session() -> requests.Session:
    return requests.Session()


@cache
def _target(dsn: str) -> psycopg.Connection:
    return psycopg.connect(dsn)


def parts(given: Task) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What predicts and stores the parts of a micro-batch, and tells how many rows each had."""

    def store(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                _store(given, batch)
            yield pa.record_batch({"stored": pa.array([batch.num_rows], pa.int64())})

    return store


def _store(given: Task, batch: pa.RecordBatch) -> None:
    body = request_of({name: batch.column(name).to_pylist() for name in FEATURES})
    response = _session().post(given.api + INFER, data=body, headers=JSON, timeout=60)
    response.raise_for_status()
    predicted, version = classes(response.content)
    rows = zip(batch.column("timestamp").to_pylist(), predicted, batch.column("id").to_pylist(), strict=True)
    text = "".join([f"{timestamp}\t{c}\t{row_id}\t{version}\n" for timestamp, c, row_id in rows])
    target = _target(given.target)
    with target.transaction(), target.cursor() as cursor, cursor.copy(copy_statement(given.table)) as copy:
        copy.write(text)

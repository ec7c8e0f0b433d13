"""Quix Streams, as its documentation has it.

From "Creating a Custom Sink": a batching sink; from "Performance considerations" there: a checkpoint, and with it each
partition's batch, after so many messages. From "Serialization": the JSON deserializer, which makes dictionaries. From
"Processing & Transforming Data": `apply` takes the row out of its message. From Requests' "Advanced Usage": a session,
and its JSON. From psycopg's "Writing data row-by-row": COPY by `write_row`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import requests
from quixstreams import Application
from quixstreams.sinks import BatchingSink

from benchmarks.contenders.contract import Task, task
from benchmarks.contenders.rows import FEATURES, INFER, copy_statement, inputs, read_classes

if TYPE_CHECKING:
    from quixstreams.sinks import SinkBatch

COMMIT_EVERY = 20_000
CHUNK = 5000


class Predictions(BatchingSink):  # type: ignore[misc]
    """Predicts and stores what came between two checkpoints."""

    def __init__(self, given: Task) -> None:
        super().__init__()
        self._given = given
        self._session = requests.Session()

    def setup(self) -> None:
        self._target = psycopg.connect(self._given.target)

    def write(self, batch: SinkBatch) -> None:
        for chunk in batch.iter_chunks(n=CHUNK):
            self._store([item.value for item in chunk])

    def _store(self, rows: list[dict[str, Any]]) -> None:
        columns = {name: [row[name] for row in rows] for name in FEATURES}
        response = self._session.post(self._given.api + INFER, json=inputs(columns), timeout=60)
        response.raise_for_status()
        predicted, version = read_classes(response.json())
        statement = copy_statement(self._given.table)
        with self._target.transaction(), self._target.cursor() as cursor, cursor.copy(statement) as copy:
            for row, c in zip(rows, predicted, strict=True):
                copy.write_row((row["timestamp"], c, row["id"], version))


def main() -> None:
    """Run until told to stop, which the application heeds by itself."""
    given = task()
    app = Application(
        broker_address=given.brokers,
        consumer_group=given.group,
        auto_offset_reset="earliest",
        commit_every=COMMIT_EVERY,
        auto_create_topics=False,
    )
    topic = app.topic(given.topic, value_deserializer="json", key_deserializer="bytes")
    app.dataframe(topic).apply(lambda message: message["payload"]).sink(Predictions(given))
    app.run()


if __name__ == "__main__":
    main()

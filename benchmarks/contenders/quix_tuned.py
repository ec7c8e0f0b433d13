"""Quix Streams tuned by hand: what of `quix_documented` it could do without is replaced.

The JSON deserializer gets a function of our own ("Serialization" of its documentation), which skips the schema of each
message. The request is encoded and the answer decoded by msgspec, and COPY gets one text. The batching sink and the
checkpoints stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import requests
from quixstreams import Application
from quixstreams.models import JSONDeserializer
from quixstreams.sinks import BatchingSink

from benchmarks.contenders.contract import Task, task
from benchmarks.contenders.rows import INFER, JSON, Row, classes, copy_statement, copy_text, decode, request

if TYPE_CHECKING:
    from quixstreams.sinks import SinkBatch

COMMIT_EVERY = 20_000
CHUNK = 5000


class Predictions(BatchingSink):  # type: ignore[misc]
    """Predicts and stores what came between two checkpoints."""

    def __init__(self, given: Task) -> None:
        super().__init__()
        self._given = given
        self._url = given.api + INFER
        self._session = requests.Session()

    def setup(self) -> None:
        self._target = psycopg.connect(self._given.target)

    def write(self, batch: SinkBatch) -> None:
        for chunk in batch.iter_chunks(n=CHUNK):
            rows: list[Row] = [item.value for item in chunk]
            response = self._session.post(self._url, data=request(rows), headers=JSON, timeout=60)
            response.raise_for_status()
            predicted, version = classes(response.content)
            statement, text = copy_statement(self._given.table), copy_text(rows, predicted, version)
            with self._target.transaction(), self._target.cursor() as cursor, cursor.copy(statement) as copy:
                copy.write(text)


def main() -> None:
    """Run until told to stop, which the application heeds by itself."""
    given = task()
    app = Application(
        broker_address=given.brokers,
        consumer_group=given.group,
        auto_offset_reset="earliest",
        commit_every=COMMIT_EVERY,
        auto_create_topics=False,
        loglevel="WARNING",
    )
    rows = JSONDeserializer(loads=lambda value: decode(value).payload)
    topic = app.topic(given.topic, value_deserializer=rows, key_deserializer="bytes")
    app.dataframe(topic).sink(Predictions(given))
    app.run()


if __name__ == "__main__":
    main()

"""FastStream with confluent-kafka, as its documentation has it.

From "Batch Subscriber": the batch, a Pydantic model of a message, the default decoder and the logger that is on. From
"Consuming Acknowledgements": offsets are committed after the handler, so that no row is lost. How many messages make
a batch is set, as the default is 10. From HTTPX's "Async Support": one client, and its JSON. From psycopg's "Writing
data row-by-row": COPY by `write_row`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg
from faststream import AckPolicy, FastStream
from faststream.confluent import KafkaBroker
from pydantic import BaseModel

from benchmarks.contenders.contract import task
from benchmarks.contenders.rows import FEATURES, INFER, copy_statement, inputs, read_classes

MAX_RECORDS = 5000

given = task()
broker = KafkaBroker(given.brokers)
app = FastStream(broker)
state: dict[str, Any] = {}


class Row(BaseModel):
    id: int
    timestamp: str
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


class Message(BaseModel):
    payload: Row


@app.on_startup  # type: ignore[untyped-decorator]
async def connect() -> None:
    state["api"] = httpx.AsyncClient(base_url=given.api, timeout=60)
    state["target"] = await psycopg.AsyncConnection.connect(given.target)


@app.after_shutdown  # type: ignore[untyped-decorator]
async def close() -> None:
    await state["api"].aclose()
    await state["target"].close()


@broker.subscriber(  # type: ignore[untyped-decorator]
    given.topic,
    group_id=given.group,
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.ACK,
    batch=True,
    max_records=MAX_RECORDS,
)
async def handle(messages: list[Message]) -> None:
    rows = [message.payload for message in messages]
    columns = {name: [getattr(row, name) for row in rows] for name in FEATURES}
    response = await state["api"].post(INFER, json=inputs(columns))
    response.raise_for_status()
    predicted, version = read_classes(response.json())
    target: psycopg.AsyncConnection = state["target"]
    async with target.transaction(), target.cursor() as cursor, cursor.copy(copy_statement(given.table)) as copy:
        for row, c in zip(rows, predicted, strict=True):
            await copy.write_row((row.timestamp, c, row.id, version))


if __name__ == "__main__":
    asyncio.run(app.run())

"""FastStream tuned by hand: what of `faststream_documented` it could do without is replaced or off.

The decoder is our own ("Custom Decoder" of its documentation) and skips the schema of each message; validation and the
lines of log for each batch are off. The request is encoded and the answer decoded by msgspec, and COPY gets one text.
The batch subscriber and the acknowledgement after the handler stay.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
from faststream import AckPolicy, FastStream
from faststream.confluent import KafkaBroker

from benchmarks.contenders.contract import task
from benchmarks.contenders.rows import INFER, JSON, Row, classes, copy_statement, copy_text, decode, request

if TYPE_CHECKING:
    from faststream.confluent import KafkaMessage

MAX_RECORDS = 5000

given = task()
broker = KafkaBroker(given.brokers, apply_types=False, logger=None)
app = FastStream(broker, logger=None)
state: dict[str, Any] = {}


async def rows_of(message: KafkaMessage) -> list[Row]:
    return [decode(body).payload for body in message.body]


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
    decoder=rows_of,
)
async def handle(rows: list[Row]) -> None:
    response = await state["api"].post(INFER, content=request(rows), headers=JSON)
    response.raise_for_status()
    predicted, version = classes(response.content)
    target: psycopg.AsyncConnection = state["target"]
    async with target.transaction(), target.cursor() as cursor, cursor.copy(copy_statement(given.table)) as copy:
        await copy.write(copy_text(rows, predicted, version))


if __name__ == "__main__":
    asyncio.run(app.run())

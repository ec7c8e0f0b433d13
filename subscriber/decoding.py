"""Messages of Kafka Connect's JSON converter -> typed rows.

A message is `{"schema": …, "payload": {column: value, …}}`. The schema part, most of the bytes, is skipped unread.
Source: the JSON converter of Apache Kafka Connect, and Debezium's "New Record State Extraction".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from subscriber.batch import Batch, DeadLetter, Record
from subscriber.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from subscriber.pipeline import Pipeline

# what Debezium sends for a large value that an update did not touch and the log therefore does not carry
UNAVAILABLE: Final = "__debezium_unavailable_value"
TYPES: Final[dict[str, type]] = {"FP64": float, "FP32": float, "INT64": int, "INT32": int, "BOOL": bool, "BYTES": str}


class Decoder:
    """Decodes the messages of one pipeline into structs whose fields are `key`, `timestamp` and `f0`, `f1`, … ."""

    def __init__(self, pipeline: Pipeline) -> None:
        columns: list[tuple[str, Any]] = [("key", int | str), ("timestamp", str)]
        names = {"key": pipeline.source.key, "timestamp": pipeline.source.timestamp}
        for i, feature in enumerate(pipeline.features):
            columns.append((f"f{i}", TYPES[feature.datatype]))
            names[f"f{i}"] = feature.column
        # without a cycle to find, the collector need not track millions of rows
        row = msgspec.defstruct("Row", columns, rename=names, gc=False)
        message = msgspec.defstruct("Message", [("payload", row)], gc=False)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(message).decode
        self._text = [f"f{i}" for i, feature in enumerate(pipeline.features) if feature.datatype == "BYTES"]
        self._columns = [feature.column for feature in pipeline.features]

    def decode(self, batch: Batch) -> None:
        """Fill the batch's rows; messages that are no row become dead letters, deletes are counted."""
        decode = self._decode
        records, rows = [], []
        for record in batch.records:
            value = record.value()
            if value is None:
                batch.deletes += 1
                continue
            try:
                row = decode(value).payload
                if self._text:
                    self._check_text(row)
            except msgspec.DecodeError as error:
                batch.dead.append(_dead(record, value, error))
            except UnicodeDecodeError as error:
                batch.dead.append(DeadLetter(record, "not_json", f"not UTF-8: {error}"))
            except BadRow as error:
                batch.dead.append(DeadLetter(record, error.cause, error.detail))
            else:
                records.append(record)
                rows.append(row)
        batch.records, batch.rows = records, rows

    def _check_text(self, row: Any) -> None:
        for i, name in enumerate(self._text):
            if getattr(row, name) == UNAVAILABLE:
                raise BadRow("unavailable_value", f"column {self._columns[i]}: the log does not carry its value")


def _dead(record: Record, value: bytes, error: msgspec.DecodeError) -> DeadLetter:
    if not isinstance(error, msgspec.ValidationError):
        return DeadLetter(record, "not_json", str(error))
    message = str(error)
    try:
        payload = msgspec.json.decode(value).get("payload")
    except (msgspec.DecodeError, AttributeError):
        payload = None
    if not isinstance(payload, dict):
        return DeadLetter(record, "no_payload", message)
    if UNAVAILABLE in payload.values():
        return DeadLetter(record, "unavailable_value", message)
    return DeadLetter(record, "invalid_field", message)

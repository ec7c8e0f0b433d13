"""Messages of Kafka Connect's JSON converter -> typed rows.

A message is `{"schema": …, "payload": {column: value, …}}`. The schema part, most of the bytes, is skipped unread.
Source: the JSON converter of Apache Kafka Connect, and Debezium's "New Record State Extraction".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from subscriber.batch import Batch, DeadLetter
from subscriber.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from subscriber.pipeline import Pipeline

# what Debezium sends for a large value that an update did not touch and the log therefore does not carry
UNAVAILABLE: Final = "__debezium_unavailable_value"
TYPES: Final[dict[str, type]] = {"FP64": float, "FP32": float, "INT64": int, "INT32": int, "BOOL": bool, "BYTES": str}


_UNAVAILABLE_JSON: Final = msgspec.json.encode(UNAVAILABLE)


class _Envelope(msgspec.Struct):
    payload: dict[str, msgspec.Raw]


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


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
        self._text = [
            (f"f{i}", feature.column) for i, feature in enumerate(pipeline.features) if feature.datatype == "BYTES"
        ]

    def decode(self, batch: Batch) -> None:
        """Fill the batch's rows; messages that are no row become dead letters, deletes are counted."""
        decode = self._decode
        records, rows = [], []
        for record in batch.records:
            value = record.value()
            if value is None:
                batch.deletes.append(record.partition())
                continue
            try:
                row = decode(value).payload
                if self._text:
                    self._check_text(row)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                cause, detail = _cause(value, error)
                batch.dead.append(DeadLetter(record, cause, detail))
            except BadRow as error:
                batch.dead.append(DeadLetter(record, error.cause, error.detail))
            else:
                records.append(record)
                rows.append(row)
        batch.records, batch.rows = records, rows

    def _check_text(self, row: Any) -> None:
        for name, column in self._text:
            if getattr(row, name) == UNAVAILABLE:
                raise BadRow("unavailable_value", f"column {column}: the log does not carry its value")


def _cause(value: bytes, error: Exception) -> tuple[str, str]:
    """The word and the sentence for a message that is no row."""
    if isinstance(error, UnicodeDecodeError):
        return "not_json", f"not UTF-8: {error}"
    if not isinstance(error, msgspec.ValidationError):
        return "not_json", str(error)
    message = str(error)
    try:
        payload = _ENVELOPE.decode(value).payload
    except msgspec.ValidationError:
        return "no_payload", message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # what is wrong with the field was met before what is wrong with the message
        return "not_json", message
    if any(bytes(column) == _UNAVAILABLE_JSON for column in payload.values()):
        return "unavailable_value", message
    return "invalid_field", message

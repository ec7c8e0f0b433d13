"""Where the row is in a message.

Kafka Connect's JSON converter writes `{"schema": …, "payload": …}`, or the payload alone where it is told to leave the
schema out. The payload is the row, or Debezium's change event: `{"before": …, "after": …, "op": …, "source": …}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from subscriber.decoding.columns import UNAVAILABLE, Field
from subscriber.decoding.plan import Plan, fields_of
from subscriber.errors import NOT_JSON, BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subscriber.pipeline import Pipeline

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SCHEMA: Final = msgspec.json.Decoder(Field | None)
_NULL: Final = msgspec.Raw(b"null")
_UNKNOWN: Final = UNAVAILABLE.encode()


@dataclass(frozen=True)
class Parts:
    """A message taken apart; `schema` is None where it carries none.

    `before` is what precedes the payload, None where more than a brace follows it.
    """

    schema: Field | None
    payload: msgspec.Raw
    before: bytes | None

    @property
    def is_bare(self) -> bool:
        """Whether the message is a payload and nothing else."""
        return self.before == b""

    def is_change(self) -> bool:
        """Whether the payload is Debezium's change event rather than a row."""
        if self.schema is not None:
            return {field.field for field in self.schema.fields} >= {"before", "after", "op"}
        names = columns_of(self.payload).keys()
        return names >= {"op", "source"} and bool(names & {"before", "after"})


def take_apart(message: bytes) -> Parts:
    """A message's schema and payload.

    Raises:
        BadRow: it has no payload.
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is not JSON.
    """
    try:
        content = _OBJECT.decode(message)
    except msgspec.ValidationError as error:
        raise BadRow("no_payload", str(error)) from error
    if not content.keys() <= {"schema", "payload"}:
        return Parts(None, msgspec.Raw(message), b"")
    payload = content.get("payload", _NULL)
    if bytes(payload) == b"null":
        raise BadRow("no_payload", "the message has no payload, or it is null")
    try:
        schema = _SCHEMA.decode(content.get("schema", _NULL))
    except msgspec.ValidationError as error:
        raise BadRow("no_payload", f"the schema is none of Kafka Connect's: {error}") from error
    ending = bytes(payload) + b"}"
    before = message[: -len(ending)] if message.endswith(ending) else None
    return Parts(schema, payload, before)


class Origin(msgspec.Struct):
    """Where Debezium has a change from."""

    ts_ms: int | None = None


@dataclass(frozen=True)
class Deleted:
    """A change that deletes a row; `row` is what the source still knew of it, as JSON."""

    row: bytes | None
    committed_ms: int | None


class Reader:
    """Reads the payloads of one schema, be they rows or changes.

    `read` gives the row in a payload, or Deleted; it raises BadRow, msgspec.DecodeError, UnicodeDecodeError or
    RecursionError where there is neither.
    """

    def __init__(self, pipeline: Pipeline, parts: Parts) -> None:
        self.change = parts.is_change()
        schema = parts.schema
        if self.change and schema is not None:
            schema = fields_of(schema)["after"]
        self._plan = Plan(pipeline, None if schema is None else fields_of(schema))
        self._exact = Plan(pipeline, None, exact=True).read
        fields: Any = [
            ("op", str, ""),
            ("after", self._plan.row | None, None),
            ("before", msgspec.Raw, _NULL),
            ("source", Origin | None, None),
        ]
        change: Any = msgspec.defstruct("Change", fields)
        self._decode_change: Callable[[bytes], Any] = msgspec.json.Decoder(change).decode

        self.read: Callable[[bytes], Any] = self._read_change if self.change else self._plan.read
        if not self.change and self._plan.may_be_deleted:
            self.read = self._read_row if schema is not None else self._read_bare

    def _read_bare(self, payload: bytes) -> Any:
        payload = bytes(payload)
        if _UNKNOWN not in payload:
            try:
                row: Any = self._exact(payload)
            except (*NOT_JSON, BadRow):
                # what is no number may spell one
                pass
            else:
                if row.deleted is None:
                    return row
        return self._read_row(payload)

    def _read_row(self, payload: bytes) -> Any:
        row: Any = self._plan.read(payload)
        return Deleted(bytes(payload), row.committed_ms) if row.deleted in ("true", True) else row

    def _read_change(self, payload: bytes) -> Any:
        change = self._decode_change(payload)
        committed_ms = change.source.ts_ms if change.source else None
        if change.op == "d":
            return Deleted(bytes(change.before), committed_ms)
        if change.after is None:
            raise BadRow("no_payload", f"a change with op {change.op!r} carries no row")
        self._plan.convert(change.after)
        change.after.committed_ms = committed_ms
        return change.after


def columns_of(payload: bytes) -> Mapping[str, msgspec.Raw]:
    """The columns of a row, as JSON.

    Raises:
        BadRow: it is no row.
    """
    try:
        return _OBJECT.decode(payload)
    except msgspec.ValidationError as error:
        raise BadRow("no_payload", str(error)) from error

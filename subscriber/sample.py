"""The newest rows of a topic, with what their schema says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from subscriber.decoding.arrays import elements, is_array
from subscriber.decoding.envelope import columns_of, take_apart
from subscriber.decoding.plan import fields_of
from subscriber.errors import NOT_JSON, BadRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from subscriber.batch import Record
    from subscriber.decoding.columns import Field

_UNREADABLE = (BadRow, *NOT_JSON)
# the last of a message that holds many
ROWS_A_MESSAGE: Final = 100


@dataclass(frozen=True)
class Sample:
    """Rows as they stand in the messages, the newest last."""

    rows: Sequence[Mapping[str, Any]]
    fields: Mapping[str, Field] | None
    """The columns of the newest row, by its schema; None where messages carry no schema."""
    keys: tuple[str, ...]
    """The columns of the newest message key."""

    @property
    def columns(self) -> list[str]:
        """The names of the newest row's columns, in its order."""
        if self.fields is not None:
            return list(self.fields)
        return list(self.rows[-1]) if self.rows else []

    def example(self, column: str) -> Any:
        """The newest value of a column that is not null."""
        return next((row[column] for row in reversed(self.rows) if row.get(column) is not None), None)


def sample_of(messages: Sequence[Record]) -> Sample:
    """What can be read of messages, the newest last; those that are no row are left out."""
    rows: list[Mapping[str, Any]] = []
    fields: Mapping[str, Field] | None = None
    keys: tuple[str, ...] = ()
    for message in messages:
        for value in _values(message):
            found = _row(value)
            if found is not None:
                rows.append(found[0])
                fields = found[1]
                keys = _key_columns(message.key()) or keys
    return Sample(rows, fields, keys)


def _values(message: Record) -> list[bytes | None]:
    """What each row of a message is read from."""
    value = message.value()
    if value is None or not is_array(value):
        return [value]
    try:
        return [element.value() for element in elements(message, value)[-ROWS_A_MESSAGE:]]
    except _UNREADABLE:
        return []


def _row(value: bytes | None) -> tuple[Mapping[str, Any], Mapping[str, Field] | None] | None:
    if value is None:
        return None
    try:
        parts = take_apart(value)
        row = msgspec.json.decode(parts.payload)
        fields = fields_of(parts.schema) if parts.schema is not None else None
        if parts.is_change():
            row = row.get("after")
            fields = fields_of(fields["after"]) if fields is not None else None
    except _UNREADABLE:
        return None
    return (row, fields) if isinstance(row, dict) else None


def _key_columns(key: bytes | None) -> tuple[str, ...]:
    if key is None:
        return ()
    try:
        return tuple(columns_of(take_apart(key).payload))
    except _UNREADABLE:
        return ()

"""Messages that hold many rows: a JSON array, each element of which is what a lone message could be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from subscriber.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.batch import Record

# a row takes some 400 bytes while it is decoded, and may be two bytes of its message
MOST_ROWS: Final = 100_000
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Element:
    """One row of a message that holds many: a record of its own, at the place of its message."""

    __slots__ = ("_json", "message", "place")

    def __init__(self, message: Record, place: int, json: msgspec.Raw) -> None:
        self.message = message
        self.place = place
        self._json = json

    def partition(self) -> int:
        return self.message.partition()

    def offset(self) -> int:
        return self.message.offset()

    def key(self) -> bytes | None:
        return self.message.key()

    def value(self) -> bytes:
        """The JSON of this row alone."""
        return bytes(self._json)

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.message.headers()

    def timestamp(self) -> tuple[int, int]:
        return self.message.timestamp()


def is_array(value: bytes) -> bool:
    """Whether a message that is JSON is an array."""
    return not value.startswith(b"{") and value.lstrip().startswith(b"[")


def elements(message: Record, value: bytes) -> Sequence[Element]:
    """The rows of a message.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is not JSON.
        BadRow: it has more rows than are taken.
    """
    rows = _ARRAY.decode(value)
    if len(rows) > MOST_ROWS:
        raise BadRow("too_many_rows", f"the message has {len(rows)} rows, {MOST_ROWS} are taken")
    return [Element(message, place, json) for place, json in enumerate(rows)]


def message_of(record: Record) -> Record:
    """The message that a record is, or is a row of."""
    return record.message if isinstance(record, Element) else record

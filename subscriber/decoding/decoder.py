"""Batches of messages -> rows, deletes and dead letters."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from subscriber.batch import Batch, DeadLetter, Delete, Failed, Receipt, written_at
from subscriber.decoding.arrays import Element, elements, is_array
from subscriber.decoding.columns import UNAVAILABLE, UNAVAILABLE_BASE64, column_of, without_schema
from subscriber.decoding.envelope import Deleted, Reader, columns_of, take_apart
from subscriber.decoding.plan import fields_of, key
from subscriber.errors import NOT_JSON, BadRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from subscriber.batch import Record
    from subscriber.pipeline import Pipeline

# schemas remembered by what precedes the payload; a topic has as many as its table had shapes
SCHEMAS: Final = 32
# how a message that is no bare row begins
_WRAPPED: Final = (b'{"schema"', b'{"payload"')
_NO_ROW: Final = ("not_json", "no_payload")
_UNAVAILABLE_JSON: Final = tuple(msgspec.json.encode(v) for v in (UNAVAILABLE, UNAVAILABLE_BASE64, [UNAVAILABLE]))
_MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")
_WRONG: Final = re.compile(r"Expected `([^`]*)`, got `([^`]*)` - at `\$(?:\.after)?\.([^`]*)`")


class Decoder:
    """Decodes the messages of one pipeline; `plan.Plan` says what a row is.

    A message may hold many rows. Where the pipeline stores what has no prediction, a row of which only the features
    cannot be decoded is one of the batch's `failed`; where it gives receipts, each message with a key has its receipt.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._deletes = pipeline.source.deletes
        self._stamped = pipeline.source.timestamp is None and pipeline.target.timestamp is not None
        self._receipts = pipeline.target.receipts is not None
        self._identities = None if pipeline.target.error is None else Decoder(_identity(pipeline))
        # the schema of most messages is that of the last: its bytes are compared, and not read
        self._before = b"\0"
        self._read: Callable[[bytes], Any] = self._take_apart
        self._readers: dict[bytes, Reader] = {}
        self._bare: Reader | None = None

    def decode(self, batch: Batch) -> None:
        """Fill the batch's rows and deletes; messages that are neither become dead letters."""
        self._take_arrays_apart(batch)
        stamped, places = self._stamped, self._places()
        before, read = self._before, self._read
        length = len(before)
        records: list[Record] = []
        rows: list[Any] = []
        for record in batch.records:
            value = record.value()
            row: Any
            try:
                if value is None:
                    row = Deleted(None, None)
                elif value.startswith(before):
                    try:
                        row = read(value[length:-1])
                    except (*NOT_JSON, BadRow):
                        # taken apart, it says what is wrong with it; or it is written in another way
                        row = self._take_apart(value)
                else:
                    row = self._other(value)
                    before, read = self._before, self._read
                    length = len(before)
                if type(row) is Deleted:
                    self._take_delete(batch, rows, places, self._delete(record, row))
                    continue
                if stamped:
                    row.timestamp = _stamp(record, row)
            except BadRow as error:
                self._fail(batch, record, error.cause, error.detail)
                continue
            except NOT_JSON as error:
                self._fail(batch, record, *_cause(value or b"", error))
                continue
            if places is not None:
                places[row.key].append(len(rows))
            records.append(record)
            rows.append(row)
        if self._deletes == "remove" and batch.deletes:
            kept = [i for i, row in enumerate(rows) if row is not None]
            records, rows = [records[i] for i in kept], [rows[i] for i in kept]
        batch.records, batch.rows = records, rows
        if self._receipts:
            _forget_unreadable(batch)

    # ---- messages that hold many rows, and receipts

    def _take_arrays_apart(self, batch: Batch) -> None:
        """Put the rows of each array in its place among the records, and note the messages that get a receipt."""
        if not self._receipts and not any(is_array(message.value() or b"{") for message in batch.records):
            return
        records: list[Record] = []
        for message in batch.records:
            value = message.value()
            key = self._receipt_key(message) if self._receipts else ""
            if key is None:
                batch.dead.append(DeadLetter(message, "no_key", "the message has no key that is text, for its receipt"))
                continue
            rows = 0
            if value is None or not is_array(value):
                rows = int(value is not None)
                records.append(message)
            else:
                try:
                    many = elements(message, value)
                except BadRow as error:
                    batch.dead.append(DeadLetter(message, error.cause, error.detail))
                except NOT_JSON as error:
                    batch.dead.append(DeadLetter(message, *_cause(value, error)))
                else:
                    rows = len(many)
                    records += many
            if self._receipts:
                batch.receipts.append(Receipt(message, key, rows))
        batch.records = records

    def _receipt_key(self, message: Record) -> str | None:
        try:
            key = (message.key() or b"").decode()
        except UnicodeDecodeError:
            return None
        return key if key and "\0" not in key else None

    # ---- rows that cannot be decoded

    def _fail(self, batch: Batch, record: Record, cause: str, detail: str) -> None:
        """Put aside a row that cannot be decoded: to be stored as such if it says which row it is, or a dead letter."""
        row = None if self._identities is None else self._identities.identity(record)
        if row is None:
            batch.dead.append(DeadLetter(record, cause, detail))
        else:
            batch.failed.append(Failed(record, row, cause, detail))

    def identity(self, record: Record) -> Any:
        """The row of a record, None if it has none."""
        try:
            row = self._other(record.value() or b"")
            if type(row) is Deleted:
                return None
            if self._stamped:
                row.timestamp = _stamp(record, row)
        except (BadRow, *NOT_JSON):
            return None
        return row

    def _other(self, message: bytes) -> Any:
        """The row in a message that does not begin as the last one did, or Deleted."""
        if self._bare is not None and not message.startswith(_WRAPPED):
            try:
                return self._bare.read(message)
            except (*NOT_JSON, BadRow):
                pass
        return self._take_apart(message)

    def _take_apart(self, message: bytes) -> Any:
        """The row in any message, or Deleted; the next that begins alike is read faster."""
        parts = take_apart(message)
        reader = self._readers.get(parts.before) if parts.before else None
        if reader is None:
            reader = Reader(self._pipeline, parts)
        if parts.is_bare:
            # whether a payload alone is a row or a change is seen at each
            self._bare = None if reader.change else reader
        elif parts.before is not None:
            if len(self._readers) >= SCHEMAS:
                self._readers.pop(next(iter(self._readers)))
            self._readers[parts.before] = reader
            self._before, self._read = parts.before, reader.read
        return reader.read(parts.payload)

    # ---- deletes

    def _places(self) -> defaultdict[int | str | None, list[int]] | None:
        """Where the rows of each key stand in the batch, if deletes matter to them."""
        return None if self._deletes == "ignore" else defaultdict(list)

    def _delete(self, record: Record, deleted: Deleted) -> Delete:
        if self._deletes == "ignore":
            return Delete(record, None, "")
        return Delete(record, self._key(record, deleted), _stamp(record, deleted))

    def _key(self, record: Record, deleted: Deleted) -> int | str:
        """Which row was deleted: by the message's key, else by what is left of the row.

        Raises:
            BadRow: neither says.
        """
        name = self._pipeline.source.key or ""
        # the key of many rows is none of theirs
        contents = (None if isinstance(record, Element) else record.key(), deleted.row)
        for content in contents:
            if content is None:
                continue
            try:
                parts = take_apart(content)
                value = columns_of(parts.payload)[name]
                fields = fields_of(parts.schema) if parts.schema is not None else {}
                column = column_of(fields[name]) if name in fields else without_schema(None)
                found = msgspec.json.decode(value, type=column.wire)
                return key(column.read(found) if column.read else found)
            except (*NOT_JSON, BadRow, KeyError, ValueError, OverflowError):
                continue
        raise BadRow("delete_without_key", f"neither the message's key nor its value has column {name}")

    def _take_delete(
        self, batch: Batch, rows: list[Any], places: defaultdict[int | str | None, list[int]] | None, delete: Delete
    ) -> None:
        """Note a delete, and see to rows of the same batch that it deletes after they were written."""
        batch.deletes.append(delete)
        if places is None:
            return
        overtaken = places.pop(delete.key, [])
        if self._deletes == "remove":
            for place in overtaken:
                rows[place] = None
            batch.failed = [failed for failed in batch.failed if failed.row.key != delete.key]
            return
        failed = (failed.row for failed in batch.failed if failed.row.key == delete.key)
        for row in (*(rows[place] for place in overtaken), *failed):
            row.deleted = delete.at


def _identity(pipeline: Pipeline) -> Pipeline:
    """The pipeline that reads of a row which it is, and what is copied of it."""
    source = pipeline.source.model_copy(update={"version": None})
    target = pipeline.target.model_copy(update={"error": None, "receipts": None})
    return pipeline.model_copy(update={"features": [], "truth": None, "source": source, "target": target})


def _forget_unreadable(batch: Batch) -> None:
    """Have the receipt of a lone message that is no row say so."""
    unreadable = {id(letter.record) for letter in batch.dead if letter.cause in _NO_ROW}
    batch.receipts = [
        Receipt(receipt.record, receipt.key, 0) if id(receipt.record) in unreadable else receipt
        for receipt in batch.receipts
    ]


def _plain(said: str) -> str:
    """What msgspec says of a field, in words of rows and columns."""
    if missing := _MISSING.search(said):
        return f"the row has no column {missing[1]}"
    if wrong := _WRONG.fullmatch(said):
        expected, found, column = wrong.groups()
        if found == "null":
            return f"column {column} is null (`default = …` at the feature would fill it)"
        return f"column {column}: {expected} is expected, not {found}"
    return said


def _stamp(record: Record, row: Any) -> str:
    """When the row was written, as ISO-8601 text.

    Raises:
        BadRow: nobody tells.
    """
    moment = written_at(record, row)
    if moment is None:
        raise BadRow("invalid_field", "neither the change nor its message tells its time")
    return moment.isoformat()


def _cause(value: bytes, error: Exception) -> tuple[str, str]:
    """The word and the sentence for a message that is no row."""
    if isinstance(error, UnicodeDecodeError):
        return "not_json", f"not UTF-8: {error}"
    if not isinstance(error, msgspec.ValidationError):
        return "not_json", str(error)
    message = _plain(str(error))
    try:
        payload = columns_of(take_apart(value).payload)
    except BadRow:
        return "no_payload", message
    except NOT_JSON:
        # what is wrong with the field was met before what is wrong with the message
        return "not_json", message
    if any(bytes(column) in _UNAVAILABLE_JSON for column in payload.values()):
        return "unavailable_value", message
    return "invalid_field", message

"""Rows in each form that a topic may carry them in, and rows that were deleted."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from subscriber.batch import Batch
from subscriber.decoding import Decoder
from subscriber.decoding.columns import UNAVAILABLE
from subscriber.pipeline import Pipeline
from tests.unit.subscriber.material import Message, connect_json, pipeline

TYPES: dict[str, Any] = {
    "id": "int64",
    "written": {"type": "int64", "name": "io.debezium.time.MicroTimestamp"},
    "price": "string",
    "day": {"type": "int32", "name": "io.debezium.time.Date"},
    "kind": "string",
}
ROW = {"id": 7, "written": 1_767_225_600_000_001, "price": "12.50", "day": 1, "kind": "a"}
FEATURES = [("price", "FP64"), ("day", "INT64"), ("kind", "BYTES")]
SOURCE = {"key": "id", "timestamp": "written"}
WRITTEN = "2026-01-01T00:00:00.000001+00:00"


def decoded(described: Pipeline, *given: Message | bytes) -> Batch:
    records: list[Any] = [m if isinstance(m, Message) else Message(m, offset=i) for i, m in enumerate(given)]
    batch = Batch({}, records)
    Decoder(described).decode(batch)
    return batch


def values(row: Any) -> tuple[Any, ...]:
    return row.key, row.timestamp, row.f0, row.f1, row.f2


def change(op: str, before: Any = None, after: Any = None, *, with_schema: bool = True) -> bytes:
    """Debezium's whole event, with or without its schema."""
    payload = {"before": before, "after": after, "source": {"ts_ms": 1_767_225_600_500, "lsn": 1}, "op": op}
    if not with_schema:
        return json.dumps(payload).encode()
    row = {"type": "struct", "fields": json.loads(connect_json({}, **TYPES))["schema"]["fields"], "optional": True}
    source = {"type": "struct", "fields": [{"type": "int64", "field": "ts_ms"}, {"type": "int64", "field": "lsn"}]}
    return connect_json(payload, before=row, after=row, source=source, op="string")


def test_a_row_is_read_by_the_schema_of_its_message() -> None:
    batch = decoded(pipeline(FEATURES, source=SOURCE), connect_json(ROW, **TYPES))

    assert values(batch.rows[0]) == (7, WRITTEN, 12.5, 86_400, "a")


@pytest.mark.parametrize("op", ["c", "u", "r"])
def test_a_change_holds_the_row_and_the_time_of_its_commit(op: str) -> None:
    batch = decoded(pipeline(FEATURES, source=SOURCE), change(op, after=ROW))

    assert values(batch.rows[0]) == (7, WRITTEN, 12.5, 86_400, "a")
    assert batch.rows[0].committed_ms == 1_767_225_600_500


def test_rows_and_changes_without_a_schema_are_read_as_json_says() -> None:
    plain = ROW | {"written": WRITTEN, "day": "1970-01-02"}
    described = pipeline(FEATURES, source=SOURCE)

    batch = decoded(described, json.dumps(plain).encode(), change("c", after=plain, with_schema=False))

    assert [values(row) for row in batch.rows] == [(7, WRITTEN, 12.5, 86_400, "a")] * 2


def test_a_number_as_timestamp_needs_its_unit_where_no_schema_tells_it() -> None:
    row = json.dumps(ROW | {"day": 1}).encode()

    (letter,) = decoded(pipeline(FEATURES, source=SOURCE), row).dead
    batch = decoded(pipeline(FEATURES, source=SOURCE | {"timestamp_unit": "us"}), row)

    assert (letter.cause, "timestamp_unit" in letter.detail) == ("invalid_field", True)
    assert batch.rows[0].timestamp == WRITTEN


def test_messages_of_several_schemas_may_follow_each_other() -> None:
    newer = TYPES | {"price": "double", "colour": "string"}
    given = [
        connect_json(ROW, **TYPES),
        connect_json(ROW | {"price": 12.5, "colour": "red"}, **newer),
        json.dumps(ROW | {"written": WRITTEN, "day": 86_400}).encode(),
        change("c", after=ROW),
    ]

    batch = decoded(pipeline(FEATURES, source=SOURCE), *given, *given)

    assert not batch.dead
    assert [values(row) for row in batch.rows] == [(7, WRITTEN, 12.5, 86_400, "a")] * 8


def test_a_row_is_read_whatever_the_order_and_the_spaces_of_its_message() -> None:
    schema = json.loads(connect_json({}, **TYPES))["schema"]
    given = [
        json.dumps({"payload": ROW, "schema": schema}).encode(),
        json.dumps({"schema": schema, "payload": ROW}, indent=1).encode(),
        json.dumps({"schema": schema, "payload": ROW}, separators=(",", ":")).encode(),
    ]

    batch = decoded(pipeline(FEATURES, source=SOURCE), *given, *given)

    assert [values(row) for row in batch.rows] == [(7, WRITTEN, 12.5, 86_400, "a")] * 6


def test_a_column_named_payload_is_a_column() -> None:
    described = pipeline([("payload", "FP64")])

    batch = decoded(described, json.dumps({"id": 1, "timestamp": "", "payload": 2}).encode())

    assert batch.rows[0].f0 == 2.0


def test_defaults_stand_for_what_is_null_or_missing() -> None:
    described = pipeline(
        [
            {"column": "price", "default": 1},
            {"column": "day", "datatype": "INT64", "default": 0},
            {"column": "kind", "datatype": "BYTES", "default": "none"},
        ],
        source=SOURCE,
    )
    null = ROW | {"price": None, "day": None, "kind": None}
    missing = {name: value for name, value in ROW.items() if name not in ("price", "day", "kind")}

    batch = decoded(described, connect_json(null, **TYPES), connect_json(missing, **TYPES), connect_json(ROW, **TYPES))

    assert [values(row)[2:] for row in batch.rows] == [(1, 0, "none"), (1, 0, "none"), (12.5, 86_400, "a")]


def test_arrays_have_the_size_that_the_pipeline_says() -> None:
    described = pipeline([{"column": "embedding", "size": 2}])
    types = {"id": "int64", "timestamp": "string", "embedding": {"type": "array", "items": {"type": "double"}}}
    rows: list[Any] = [[0.5, 1], [0.5], [0.5, None], None]

    batch = decoded(described, *(connect_json({"id": 1, "timestamp": "", "embedding": v}, **types) for v in rows))

    assert [row.f0 for row in batch.rows] == [[0.5, 1.0]]
    assert [letter.cause for letter in batch.dead] == ["invalid_field"] * 3
    assert "1 values, where size is 2" in batch.dead[0].detail


def test_one_column_may_serve_as_key_timestamp_and_feature() -> None:
    described = pipeline(
        [("written", "FP64"), ("id", "BYTES"), ("kind", "BYTES")], source=SOURCE, truth={"column": "kind"}
    )

    (row,) = decoded(described, connect_json(ROW, **TYPES)).rows

    assert (row.key, row.timestamp, row.f0, row.f1, row.f2) == (7, WRITTEN, 1_767_225_600.000001, "7", "a")
    assert row.truth == "a"


def test_without_a_timestamp_column_the_time_of_the_commit_is_taken() -> None:
    described = pipeline(FEATURES, source={"key": "id"})
    headers: list[tuple[str, bytes | None]] = [("__source_ts_ms", b"1767225600500")]

    batch = decoded(
        described,
        change("c", after=ROW),
        Message(connect_json(ROW, **TYPES), headers=headers),
        Message(connect_json(ROW, **TYPES), offset=5),
    )

    assert [row.timestamp for row in batch.rows] == [
        "2026-01-01T00:00:00.500000+00:00",
        "2026-01-01T00:00:00.500000+00:00",
        "2026-01-01T00:00:00.005000+00:00",
    ]


def test_a_row_without_a_key_column_has_none() -> None:
    (row,) = decoded(pipeline(FEATURES, source={"timestamp": "written"}), connect_json(ROW, **TYPES)).rows

    assert row.key is None


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("string", UNAVAILABLE),
        ("bytes", base64.b64encode(UNAVAILABLE.encode()).decode()),
        ({"type": "array", "items": {"type": "string"}}, [UNAVAILABLE]),
        ({"type": "array", "items": {"type": "int32"}}, [*UNAVAILABLE.encode()]),
        ({"type": "array", "items": {"type": "double"}}, [UNAVAILABLE]),
        (
            {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal"},
            base64.b64encode(UNAVAILABLE.encode()).decode(),
        ),
    ],
)
@pytest.mark.parametrize("datatype", ["BYTES", "FP64"])
def test_a_value_that_the_log_does_not_carry_is_no_value(type_: Any, value: Any, datatype: str) -> None:
    message = connect_json({"id": 1, "timestamp": "", "x": value}, id="int64", timestamp="string", x=type_)

    batch = decoded(pipeline([("x", datatype)]), message)

    assert [letter.cause for letter in batch.dead] == ["unavailable_value"]


# ---- deletes

KEY = connect_json({"id": 7}, id="int64")
REMOVE = pipeline(FEATURES, source=SOURCE | {"deletes": "remove"})
MARK = pipeline(FEATURES, source=SOURCE | {"deletes": "mark"}, target={"deleted_at": "gone"})


def deletions() -> dict[str, Message]:
    """The same row deleted, in each form that this comes in."""
    rewritten = TYPES | {"__deleted": "string"}
    return {
        "tombstone": Message(None, key=KEY),
        "tombstone, key without schema": Message(None, key=b'{"id": 7}'),
        "change": Message(change("d", before=ROW), key=None),
        "change without schema": Message(change("d", before={"id": 7}, with_schema=False), key=None),
        "change that only the key tells": Message(change("d", before=None), key=KEY),
        "rewritten": Message(connect_json(ROW | {"__deleted": "true"}, **rewritten), key=KEY),
        "rewritten without schema": Message(json.dumps({"id": 7, "__deleted": "true", **PLAIN}).encode(), key=None),
    }


PLAIN = {"written": WRITTEN, "price": "1", "day": 0, "kind": ""}


@pytest.mark.parametrize("form", deletions())
@pytest.mark.parametrize("described", [REMOVE, MARK], ids=["remove", "mark"])
def test_a_delete_says_which_row_and_when(described: Pipeline, form: str) -> None:
    (delete,) = decoded(described, deletions()[form]).deletes

    assert (delete.key, delete.at[:10]) == (7, "2026-01-01")


@pytest.mark.parametrize("form", deletions())
def test_a_pipeline_that_ignores_deletes_counts_them(form: str) -> None:
    batch = decoded(pipeline(FEATURES, source=SOURCE), deletions()[form])

    assert (len(batch.deletes), batch.rows, batch.dead) == (1, [], [])


def test_a_delete_without_a_key_is_a_dead_letter() -> None:
    batch = decoded(REMOVE, Message(None, key=None), Message(None, key=b"{"), Message(None, key=b'{"other": 1}'))

    assert [letter.cause for letter in batch.dead] == ["delete_without_key"] * 3
    assert batch.deletes == []


def test_rows_before_their_delete_go_and_rows_after_it_stay() -> None:
    rows = [connect_json(ROW | {"id": i, "kind": kind}, **TYPES) for i, kind in ((7, "a"), (8, "b"), (7, "c"))]
    again = connect_json(ROW | {"kind": "d"}, **TYPES)

    batch = decoded(REMOVE, *rows, Message(None, key=KEY, offset=3), again)

    assert [(row.key, row.f2) for row in batch.rows] == [(8, "b"), (7, "d")]
    assert [record.offset() for record in batch.records] == [1, 4]


def test_rows_before_their_delete_are_marked_and_rows_after_it_are_not() -> None:
    rows = [connect_json(ROW | {"id": i}, **TYPES) for i in (7, 8)]
    again = connect_json(ROW, **TYPES)

    batch = decoded(MARK, *rows, Message(None, key=KEY), again)

    assert [(row.key, row.deleted) for row in batch.rows] == [(7, batch.deletes[0].at), (8, None), (7, None)]

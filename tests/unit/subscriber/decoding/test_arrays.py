"""A message that is a JSON array holds rows as lone messages do; what is wrong with one stays with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.batch import Batch, Record
from subscriber.decoding import Decoder
from subscriber.decoding.columns import UNAVAILABLE
from subscriber.decoding.plan import Plan
from tests.unit.subscriber.material import Message, connect_json, pipeline

FEATURES = [("real", "FP64"), ("count", "INT64"), ("flag", "BOOL"), ("text", "BYTES")]
ROW = {"id": 1, "at": "2026-01-01T00:00:00Z", "real": 0.5, "count": 3, "flag": True, "text": "a"}
PLAIN = pipeline(FEATURES, source={"key": "id", "timestamp": "at"})
CHUNKS: dict[str, Any] = {
    "source": {"key": "id", "version": "version"},
    "target": {"timestamp": False, "copies": {"task": "task"}, "error": "error", "receipts": "receipt"},
}
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | finite | st.text() | st.just(UNAVAILABLE)
any_values = scalars | st.lists(scalars, max_size=2) | st.just("7") | st.just("1.0") | st.just(4.0)
spoilt = st.dictionaries(st.sampled_from([*ROW, "task", "version"]), any_values, max_size=3).map(lambda d: ROW | d)


def decoded(described: Any, *given_: bytes | Message) -> Batch:
    records: list[Any] = [m if isinstance(m, Message) else Message(m, offset=i) for i, m in enumerate(given_)]
    batch = Batch({}, records)
    Decoder(described).decode(batch)
    return batch


def attributes(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def told(batch: Batch) -> list[Any]:
    """What became of each record, by its own JSON."""
    rows = zip(batch.records, map(attributes, batch.rows), strict=True)
    return [
        [(record.value(), row) for record, row in rows],
        [(letter.record.value(), letter.cause, letter.detail) for letter in batch.dead],
        [(failed.record.value(), failed.cause, failed.detail, attributes(failed.row)) for failed in batch.failed],
    ]


@given(rows=st.lists(spoilt | any_values, max_size=6), space=st.sampled_from(["", " ", "\n\t"]))
@pytest.mark.parametrize("described", [PLAIN, pipeline(FEATURES, **CHUNKS)], ids=["plain", "chunks"])
def test_a_row_of_an_array_is_what_it_would_be_alone(described: Any, rows: list[Any], space: str) -> None:
    alone = [json.dumps(row).encode() for row in rows if not isinstance(row, list)]
    array = f"{space}[{(', ' + space).join(one.decode() for one in alone)}{space}]".encode()

    assert told(decoded(described, array)) == told(decoded(described, *alone))


def test_each_row_has_the_place_of_its_message_and_its_own_json() -> None:
    headers: Any = [("__source_ts_ms", b"7")]
    message = Message(b'[{"a": 1}, 2]', partition=3, offset=9, key=b"k", headers=headers)

    batch = decoded(PLAIN, message)

    records: list[Record] = [letter.record for letter in batch.dead]
    assert [record.value() for record in records] == [b'{"a": 1}', b"2"]
    for record in records:
        assert (record.partition(), record.offset(), record.key(), record.headers()) == (3, 9, b"k", headers)
        assert record.timestamp() == message.timestamp()


def test_an_empty_array_is_no_row_and_no_dead_letter() -> None:
    batch = decoded(pipeline(FEATURES, **CHUNKS), b" [ ] ")

    assert (batch.records, batch.dead, batch.failed) == ([], [], [])
    assert [(receipt.key, receipt.rows) for receipt in batch.receipts] == [("key", 0)]


@pytest.mark.parametrize("torn", [b"[", b'[{"id": 1},', b"[1] 2", b"[" * 200_000])
def test_an_array_that_is_not_json_is_one_dead_letter(torn: bytes) -> None:
    batch = decoded(PLAIN, torn)

    assert [(letter.record.value(), letter.cause) for letter in batch.dead] == [(torn, "not_json")]
    assert batch.rows == []


def test_changes_and_deletes_may_stand_in_an_array() -> None:
    change = {"op": "c", "before": None, "after": ROW | {"id": 5}, "source": {"ts_ms": 1}}
    rows = [ROW, change, ROW | {"id": 2, "__deleted": "true"}, {"payload": ROW | {"id": 3}}]
    described = pipeline(FEATURES, source={"key": "id", "timestamp": "at", "deletes": "remove"})

    # the message's key is none of theirs
    batch = decoded(described, Message(json.dumps(rows).encode(), key=b'{"id": 1}'))

    assert [row.key for row in batch.rows] == [1, 5, 3]
    assert [delete.key for delete in batch.deletes] == [2]


# ---- exactness


@given(row=spoilt, features=st.permutations(FEATURES))
def test_the_fast_way_reads_what_the_slow_one_does_or_nothing(row: dict[str, Any], features: list[Any]) -> None:
    payload = json.dumps(row).encode()
    for described in (pipeline(features, **CHUNKS), pipeline(features, source={"key": "id", "timestamp": "at"})):
        slow, fast = Plan(described, None), Plan(described, None, exact=True)
        try:
            found = attributes(fast.read(payload))
        except Exception:  # noqa: S112 (the slow one says whether and why)
            continue
        if UNAVAILABLE not in payload.decode():
            assert found == attributes(slow.read(payload))


def test_a_column_that_serves_twice_is_copied_as_it_is() -> None:
    described = pipeline([("a", "FP64")], source={}, target={"copies": {"a": "x"}, "timestamp": False})

    (row,) = decoded(described, b'[{"a": 35}]').rows

    assert (repr(row.f0), repr(row.c0)) == ("35.0", "35")


# ---- copies, versions


@pytest.mark.parametrize(("value", "copied"), [("x", "x"), (1, 1), (0.5, 0.5), (True, True), (None, None)])
def test_any_scalar_is_copied(value: Any, copied: Any) -> None:
    (row,) = decoded(pipeline(FEATURES, **CHUNKS), json.dumps([ROW | {"task": value}]).encode()).rows

    assert row.c0 is copied or row.c0 == copied


def test_a_copied_time_is_text_in_iso_8601() -> None:
    types: dict[str, Any] = {"a": "double", "at": {"type": "int64", "name": "io.debezium.time.MicroTimestamp"}}
    described = pipeline([("a", "FP64")], source={}, target={"copies": {"at": "at"}, "timestamp": False})

    (row,) = decoded(described, connect_json({"a": 1.0, "at": 1_767_225_600_000_001}, **types)).rows

    assert row.c0 == "2026-01-01T00:00:00.000001+00:00"


@pytest.mark.parametrize(
    ("value", "version"), [("1", "1"), (1, "1"), (None, None), ("2026-01-01T00-00-00Z", "2026-01-01T00-00-00Z")]
)
def test_a_version_is_text(value: Any, version: str | None) -> None:
    (row,) = decoded(pipeline(FEATURES, **CHUNKS), json.dumps([ROW | {"task": 1, "version": value}]).encode()).rows

    assert row.version == version


@pytest.mark.parametrize("value", ["", ".", "..", True, 1.5, [], {}])
def test_what_names_no_version_fails_the_row(value: Any) -> None:
    batch = decoded(pipeline(FEATURES, **CHUNKS), json.dumps([ROW | {"task": 1, "version": value}]).encode())

    assert [(failed.cause, failed.row.key) for failed in batch.failed] == [("invalid_field", 1)]


# ---- rows that are stored with their error


def test_a_row_fails_with_what_says_which_it_is() -> None:
    good, bad, unknown = ROW | {"task": "t"}, ROW | {"id": 2, "task": "t", "real": "x"}, ROW | {"id": None, "task": "t"}

    batch = decoded(pipeline(FEATURES, **CHUNKS), json.dumps([good, bad, unknown]).encode())

    assert [row.key for row in batch.rows] == [1]
    assert [(f.row.key, f.row.c0, f.cause, f.detail) for f in batch.failed] == [
        (2, "t", "invalid_field", "column real: 'x' is not a number")
    ]
    assert [letter.cause for letter in batch.dead] == ["invalid_field"]


def test_a_row_that_failed_and_was_deleted_after_it_is_removed_or_marked() -> None:
    rows = [ROW | {"real": "x"}, ROW | {"id": 2, "real": "x"}, ROW | {"__deleted": "true"}]
    source = {"key": "id", "timestamp": "at"}
    values = [json.dumps(row).encode() for row in rows]
    messages = [Message(value, key=None, offset=i) for i, value in enumerate(values)]

    removing = pipeline(FEATURES, source=source | {"deletes": "remove"}, target={"error": "error"})
    marking = pipeline(
        FEATURES, source=source | {"deletes": "mark"}, target={"error": "error", "deleted_at": "deleted_at"}
    )

    assert [failed.row.key for failed in decoded(removing, *messages).failed] == [2]
    marked = [failed.row for failed in decoded(marking, *messages).failed]
    assert [(row.key, row.deleted is not None) for row in marked] == [(1, True), (2, False)]


# ---- receipts


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        (json.dumps([ROW, ROW]).encode(), 2),
        (json.dumps(ROW | {"task": 1}).encode(), 1),
        (json.dumps(ROW | {"task": 1, "real": "x"}).encode(), 1),
        (b"[1]", 1),
        (b"1", 0),
        (b"[1", 0),
        (b"{", 0),
        (None, 0),
    ],
)
def test_a_receipt_counts_the_rows_of_its_message(value: bytes | None, rows: int) -> None:
    batch = decoded(pipeline(FEATURES, **CHUNKS), Message(value, key=b"a/1"))

    assert [(receipt.key, receipt.rows) for receipt in batch.receipts] == [("a/1", rows)]


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"a\0"])
def test_a_message_without_a_key_for_its_receipt_is_a_dead_letter(key: bytes | None) -> None:
    message = Message(json.dumps([ROW, ROW]).encode(), key=key)

    batch = decoded(pipeline(FEATURES, **CHUNKS), message)

    assert [(letter.record, letter.cause) for letter in batch.dead] == [(message, "no_key")]
    assert (batch.rows, batch.receipts) == ([], [])

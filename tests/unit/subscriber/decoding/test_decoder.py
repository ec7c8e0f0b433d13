"""Every message is a row, a delete or a dead letter, whatever bytes it holds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscriber.batch import Batch
from subscriber.decoding import Decoder
from subscriber.decoding.columns import UNAVAILABLE
from subscriber.decoding.datatypes import TYPES
from subscriber.errors import NOT_JSON
from tests.unit.subscriber.material import Message, connect_json, messages, pipeline

CAUSES = {"not_json", "no_payload", "invalid_field", "unavailable_value"}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "FP64": st.floats(allow_nan=False, allow_infinity=False),
    "FP32": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "INT32": st.integers(-(2**31), 2**31 - 1),
    "BOOL": st.booleans(),
    "BYTES": st.text(),
}
texts = st.text(max_size=20)
keys = st.integers(-(2**63), 2**63 - 1)
COLUMNS = [("real", "FP64"), ("count", "INT64"), ("flag", "BOOL"), ("text", "BYTES")]
DECODER = Decoder(pipeline(COLUMNS))
WIRE = {"FP64": "double", "FP32": "float", "INT64": "int64", "INT32": "int32", "BOOL": "boolean", "BYTES": "string"}
SCHEMA = {"id": "int64", "timestamp": "string"} | {name: WIRE[datatype] for name, datatype in COLUMNS}
ROW = {"id": 1, "timestamp": "2026-01-01T00:00:00Z", "real": 0.5, "count": 3, "flag": True, "text": "a"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(UNAVAILABLE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
rows = st.fixed_dictionaries(
    {"id": keys, "timestamp": texts, **{name: VALUES[datatype] for name, datatype in COLUMNS}},
    optional={"target": json_values},
)


def message(payload: Any) -> bytes:
    """A message of a table with these columns."""
    return connect_json(payload, **SCHEMA)


@st.composite
def spoilt_rows(draw: st.DrawFn) -> bytes:
    """Give a row with a column of any JSON value, or without one."""
    row = draw(rows)
    column = draw(st.sampled_from([*row, "else"]))
    if draw(st.booleans()):
        row[column] = draw(json_values)
    else:
        row.pop(column, None)
    return message(row)


@st.composite
def torn_messages(draw: st.DrawFn) -> bytes:
    """Give a good message with some bytes of it replaced."""
    whole = message(draw(rows))
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(len(whole), start + 8)))
    return whole[:start] + draw(st.binary(max_size=4)) + whole[end:]


anything = (
    st.none()
    | st.binary(max_size=40)
    | json_values.map(lambda value: json.dumps(value).encode())
    | json_values.map(connect_json)
    | rows.map(message)
    | rows.map(connect_json)
    | rows.map(lambda row: json.dumps(row).encode())
    | rows.map(lambda row: json.dumps({"op": "c", "before": None, "after": row, "source": {"ts_ms": 1}}).encode())
    | spoilt_rows()
    | torn_messages()
)


def decoded(values: list[bytes | None]) -> tuple[list[Message], Batch]:
    given_ = messages(values)
    batch = Batch({}, list(given_))
    DECODER.decode(batch)
    return given_, batch


def rows_in(value: bytes | None) -> int:
    """How many rows or dead letters a message makes."""
    if value is None:
        return 0
    try:
        content = msgspec.json.decode(value, type=list[msgspec.Raw])
    except (*NOT_JSON,):
        return 1
    return len(content)


def outcome(value: bytes) -> str:
    """What becomes of one message: "row", or the cause of its dead letter."""
    _, batch = decoded([value])
    return batch.dead[0].cause if batch.dead else "row"


@pytest.mark.parametrize("datatype", TYPES)
@given(data=st.data(), key=keys | texts, timestamp=texts, with_schema=st.booleans())
def test_every_value_of_a_datatype_comes_through(
    datatype: str, data: st.DataObject, key: int | str, timestamp: str, with_schema: bool
) -> None:
    # given a message with any value of the datatype
    value = data.draw(VALUES[datatype].filter(lambda v: v != UNAVAILABLE))
    wire = {"id": "int64" if isinstance(key, int) else "string", "timestamp": "string", "x": WIRE[datatype]}
    payload = {"id": key, "timestamp": timestamp, "x": value}
    batch = Batch({}, list(messages([connect_json(payload, **(wire if with_schema else {}))])))

    # when it is decoded
    Decoder(pipeline([("x", datatype)])).decode(batch)

    # then the row holds that value, of that type
    (row,) = batch.rows
    assert (row.key, row.timestamp, row.f0) == (key, timestamp, value)
    assert type(row.f0) is TYPES[datatype]


@given(
    columns=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["Cc"]), min_size=1),
        min_size=1,
        max_size=4,
        unique=True,
    ).filter(lambda names: not {"id", "timestamp"} & set(names))
)
def test_columns_of_any_name_are_found_by_their_name_and_not_their_place(columns: list[str]) -> None:
    payload = {column: float(i) for i, column in reversed(list(enumerate(columns)))}
    batch = Batch({}, list(messages([connect_json(payload | {"timestamp": "", "id": 0})])))

    Decoder(pipeline([(column, "FP64") for column in columns])).decode(batch)

    (row,) = batch.rows
    assert [getattr(row, f"f{i}") for i in range(len(columns))] == [float(i) for i in range(len(columns))]


@given(values=st.lists(anything, max_size=8))
@example([b"[" * 200_000])
@example([b'{"schema": ' + b"[" * 200_000])
@example([b'{"payload": {"id": 1, "timestamp": 2, "x": ' + b"[" * 200_000])
@example([b'{"payload": {"id": 1, "timestamp": 2, "x": "\xff"}}'])
@example([b'{"payload": {"id": 1, "timestamp": 2, "\xff": 0}}'])
@example([b'{"payload": {"id": 1, "timestamp": "\\ud800"}}'])
@example([b'{"payload": {"id": ' + b"9" * 5000 + b"}}"])
def test_every_message_is_a_row_a_delete_or_a_dead_letter(values: list[bytes | None]) -> None:
    given_, batch = decoded(values)

    # then each message, or each row of one that is an array, is found again in one place, in its order
    assert len(batch.deletes) == values.count(None)
    kept, dead = batch.records, [letter.record for letter in batch.dead]
    wanted = [m.offset() for m in given_ for _ in range(rows_in(m.value()))]
    assert sorted(m.offset() for m in (*kept, *dead)) == wanted
    assert [m.offset() for m in kept] == sorted(m.offset() for m in kept)
    assert {letter.cause for letter in batch.dead} <= CAUSES
    assert all(letter.detail for letter in batch.dead)
    # and nothing of it can trip what writes it down
    for letter in batch.dead:
        letter.detail.encode()


@given(good=st.lists(st.booleans(), max_size=30), bad=st.none() | st.binary(max_size=10))
def test_rows_stay_beside_their_records(good: list[bool], bad: bytes | None) -> None:
    values = [message(ROW | {"id": offset}) if is_good else bad for offset, is_good in enumerate(good)]

    _, batch = decoded(values)

    assert [row.key for row in batch.rows] == [record.offset() for record in batch.records]
    assert len(batch.rows) == sum(good)


@given(row=rows)
def test_a_value_that_the_log_does_not_carry_is_called_so(row: dict[str, Any]) -> None:
    for column, _ in COLUMNS:
        assert outcome(message(row | {column: UNAVAILABLE, "target": None})) == "unavailable_value"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b'{"payload": {"id": 1, "timestamp": "\xff"}}', "not_json"),
        (b'{"payload": {"id": 1, "timestamp": 2, "x":}}', "not_json"),
        (b'{"schema": ' + b"[" * 200_000, "not_json"),
        (b"null", "no_payload"),
        (b"{}", "no_payload"),
        (message(None), "no_payload"),
        (message([1]), "no_payload"),
        (message({}), "invalid_field"),
        (b'{"a": 1}', "invalid_field"),
        (message(ROW | {"id": None}), "invalid_field"),
        (message(ROW | {"id": True}), "invalid_field"),
        (message(ROW | {"timestamp": 1767225600000}), "invalid_field"),
        (message(ROW | {"real": None}), "invalid_field"),
        (message(ROW | {"real": "0.5"}), "invalid_field"),
        (message(ROW | {"count": 0.5}), "invalid_field"),
        (message(ROW | {"flag": 1}), "invalid_field"),
        (message(ROW | {"text": 1}), "invalid_field"),
        # numbers that no double or integer holds
        (message(ROW).replace(b"0.5", b"1e999"), "invalid_field"),
        (message(ROW).replace(b'"id": 1', b'"id": ' + b"9" * 5000), "invalid_field"),
        (message(ROW | {"real": 3}), "row"),
        (message(ROW | {"more": {"nested": [None]}}), "row"),
        (message(ROW | {"more": UNAVAILABLE}), "row"),
        (json.dumps({"payload": ROW}).encode(), "row"),
    ],
)
def test_causes(value: bytes, cause: str) -> None:
    assert outcome(value) == cause


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW | {"real": None}, "column real is null (`default = …` at the feature would fill it)"),
        (ROW | {"real": "0.5"}, "column real: float is expected, not str"),
        ({"id": 1}, "the row has no column timestamp"),
        (ROW | {"text": UNAVAILABLE}, "column text: the log does not carry its value"),
    ],
)
def test_the_detail_says_what_is_wrong_with_which_column(row: dict[str, Any], said: str) -> None:
    _, batch = decoded([message(row)])

    assert [letter.detail for letter in batch.dead] == [said]

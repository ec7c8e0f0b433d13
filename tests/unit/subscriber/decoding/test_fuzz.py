"""Whatever bytes, schema and headers a message has, decoding ends soon, takes little memory, and never raises."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.batch import Batch
from subscriber.decoding import Decoder
from subscriber.decoding.arrays import MOST_ROWS
from tests.unit.subscriber.material import Message, connect_json, messages, pipeline

SECONDS = 5.0
FEATURES = [
    ("real", "FP64"),
    ("single", "FP32"),
    ("count", "INT64"),
    ("small", "INT32"),
    ("flag", "BOOL"),
    ("text", "BYTES"),
]
KINDS = {
    "plain": pipeline(FEATURES),
    "with everything": pipeline(
        [*FEATURES, {"column": "many", "datatype": "FP64", "size": 2}],
        source={
            "key": "id",
            "timestamp": "timestamp",
            "timestamp_unit": "us",
            "version": "version",
            "deletes": "remove",
        },
        target={"copies": {"note": "note"}},
        truth={"column": "truth", "output": "class"},
    ),
}
COLUMNS = ("id", "timestamp", "version", "note", "truth", "many", *(name for name, _ in FEATURES))
CAUSES = {"not_json", "no_payload", "invalid_field", "unavailable_value", "delete_without_key", "too_many_rows"}
NAMES = (
    *(
        f"io.debezium.time.{name}"
        for name in ("Date", "Timestamp", "MicroTimestamp", "NanoTimestamp", "ZonedTimestamp")
    ),
    *(
        f"io.debezium.time.{name}"
        for name in ("Time", "MicroTime", "NanoTime", "ZonedTime", "MicroDuration", "IsoDate")
    ),
    *(f"org.apache.kafka.connect.data.{name}" for name in ("Decimal", "Date", "Time", "Timestamp")),
    *("io.debezium.data.VariableScaleDecimal", "io.debezium.data.Uuid", "nobody knows"),
)
TYPES = (
    "int8",
    "int16",
    "int32",
    "int64",
    "float",
    "double",
    "boolean",
    "string",
    "bytes",
    "struct",
    "array",
    "map",
    "?",
)
# what C, JSON, Postgres and Python each read in another way, or not at all
ODD_TEXTS = ("", "\0", "\ud800", "NaN", "Infinity", "-0", "1e400", "9" * 5000, "AQ==", "2026-01-01T00:00:00Z", "24:00")
ODD_NUMBERS = (
    0,
    -1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    2**64,
    10**30,
    10**400,
    1e308,
    -0.0,
    float("nan"),
    float("inf"),
)
texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(ODD_NUMBERS) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts, inner, max_size=3)
        | st.fixed_dictionaries({"scale": st.integers() | texts, "value": texts | inner})
    ),
    max_leaves=6,
)
parameters = st.dictionaries(st.just("scale") | texts, st.integers().map(str) | texts, max_size=2)


def field_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give the schema of a column, one time in many with a part that has no business there."""
    return st.fixed_dictionaries(
        {"type": st.sampled_from(TYPES)},
        optional={
            "name": st.sampled_from(NAMES) | values,
            "parameters": parameters | values,
            "items": inner,
            "fields": st.lists(inner, max_size=2),
            "optional": st.booleans() | values,
        },
    )


fields = st.recursive(field_of(st.none()), field_of, max_leaves=4)
rows = st.fixed_dictionaries({}, optional=dict.fromkeys((*COLUMNS, "__deleted", "__source_ts_ms", "else"), values))


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """Give a message of any schema and any values, of which some bytes may be replaced, or some part repeated."""
    row = draw(rows)
    payload: Any = row
    if draw(st.booleans()):
        payload = {"op": draw(st.sampled_from("cudrt")), "before": row, "after": row, "source": draw(values)}
    schema = [draw(fields) | {"field": draw(st.sampled_from(COLUMNS))} for _ in range(draw(st.integers(0, 4)))]
    content = {"schema": {"type": "struct", "fields": schema}, "payload": payload}
    whole = json.dumps(draw(st.sampled_from([content, payload, {"payload": payload}, [payload, content]]))).encode()
    match draw(st.integers(0, 3)):
        case 0:
            at = draw(st.integers(0, len(whole)))
            return whole[:at] + draw(st.binary(max_size=6)) + whole[at + draw(st.integers(0, 6)) :]
        case 1:
            # a key, a bracket or a whole value twice
            start, length = draw(st.integers(0, len(whole))), draw(st.integers(0, 40))
            return whole[: start + length] + whole[start:]
    return whole


headers = st.none() | st.lists(
    st.tuples(st.sampled_from(["__op", "__source_ts_ms", "", "\0"]), st.none() | st.binary(max_size=30)), max_size=3
)
keys = st.none() | st.binary(max_size=20) | spoilt()


def decode(kind: str, given_: list[Message]) -> Batch:
    """Decode in time, each message being found again in one place."""
    batch = Batch({}, list(given_))
    began = time.process_time()
    Decoder(KINDS[kind]).decode(batch)
    assert time.process_time() - began < SECONDS
    found = {m.offset() for m in (*batch.records, *(letter.record for letter in batch.dead))}
    found |= {delete.record.offset() for delete in batch.deletes}
    # of an array without rows nothing is left, and a delete takes the rows before it along
    lost = [m for m in given_ if m.offset() not in found]
    assert all(batch.deletes or msgspec.json.decode(m.value() or b"") == [] for m in lost)
    assert {letter.cause for letter in batch.dead} <= CAUSES
    for letter in batch.dead:
        letter.detail_as_text.encode()
        assert len(letter.detail) < 20_000
    return batch


@pytest.mark.parametrize("kind", KINDS)
@given(given_=st.lists(st.tuples(st.none() | st.binary(max_size=60) | spoilt(), keys, headers), max_size=4))
def test_every_message_comes_to_an_end(
    kind: str, given_: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]] | None]]
) -> None:
    decode(kind, [Message(value, offset=i, key=key, headers=more) for i, (value, key, more) in enumerate(given_)])


ROW = {"id": 1, "timestamp": "2026-01-01", "real": 1, "single": 1, "count": 1, "small": 1, "flag": True, "text": "a"}
WIRE = {"id": "int64", "timestamp": "string", "single": "float", "small": "int32", "flag": "boolean"}


def decimal(scale: str) -> dict[str, Any]:
    return {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": scale}}


VARIABLE = {"type": "struct", "name": "io.debezium.data.VariableScaleDecimal"}


@pytest.mark.parametrize("column", ["real", "count", "text"])
@pytest.mark.parametrize("scale", ["-1000000000", "1000000000", "16384", "9" * 5000, "", "half"])
def test_a_decimal_that_would_fill_the_memory_is_a_dead_letter(column: str, scale: str) -> None:
    wire = {**WIRE, "real": "double", "count": "int64", "text": "string"}
    said = connect_json(ROW | {column: "AQ=="}, **(wire | {column: decimal(scale)}))
    told = connect_json(ROW | {column: {"scale": scale, "value": "AQ=="}}, **(wire | {column: VARIABLE}))

    batch = decode("plain", list(messages([said, told])))

    assert [letter.cause for letter in batch.dead] == ["no_payload", "invalid_field"]
    assert column in batch.dead[0].detail
    assert column in batch.dead[1].detail


def test_a_message_of_more_rows_than_are_taken_is_one_dead_letter() -> None:
    most = decode("plain", list(messages([b"[" + b"0," * (MOST_ROWS - 1) + b"0]"])))
    more = decode("plain", list(messages([b"[" + b"0," * MOST_ROWS + b"0]"])))

    assert len(most.dead) == MOST_ROWS
    assert [(letter.cause, letter.detail) for letter in more.dead] == [
        ("too_many_rows", f"the message has {MOST_ROWS + 1} rows, {MOST_ROWS} are taken")
    ]


@pytest.mark.parametrize("inner", [b"[", b'{"a":', b'{"payload":', b'{"schema":{"type":"array","items":'])
@pytest.mark.parametrize("closed", [True, False])
def test_nesting_without_end_is_no_row(inner: bytes, closed: bool) -> None:
    end = {ord("["): b"]", ord("{"): b"}"}[inner[0]] if closed else b""

    batch = decode("plain", list(messages([inner * 100_000 + end * 100_000])))

    assert {letter.cause for letter in batch.dead} <= {"not_json", "no_payload", "invalid_field"}
    assert len(batch.dead) == 1

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.tasks.errors import FieldsError, TooLargeError
from api.tasks.formats.intake import Column, Format, Limits, read
from api.tasks.formats.output import OutputColumn, write
from tests.unit.api.tasks.inputs import FEATURES, LIMITS, TASK, read_rows

QUICK = settings(max_examples=100, deadline=None)
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# neither a NUL, which no CSV may hold, nor halves of characters, which no UTF-8 may
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
# the intake takes blanks around a name for layout, and what begins so is not for columns
names = texts.map(str.strip).filter(lambda name: name and not name.startswith("__") and not name.startswith("\ufeff"))
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    "INT64": ("int", st.none() | integers),
    "FP64": ("float", st.none() | floats),
    "BOOL": ("bool", st.none() | st.booleans()),
    # empty text and null are one to a reader of CSV
    "BYTES": ("text", st.none() | texts.filter(bool)),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Column], list[tuple[Any, ...]]]:
    columns = [
        Column(name, draw(st.sampled_from(sorted(VALUES))))
        for name in draw(st.lists(names, min_size=1, max_size=5, unique=True))
    ]
    row = st.tuples(*(VALUES[column.datatype][1] for column in columns))
    return columns, draw(st.lists(row, min_size=1, max_size=20))


def written(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], form: Format) -> bytes:
    async def batches() -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        yield rows[:7]
        yield rows[7:]

    async def collect() -> bytes:
        outputs = [OutputColumn(column.name, VALUES[column.datatype][0]) for column in columns]  # type: ignore[arg-type]
        return b"".join([piece async for piece in write(batches(), outputs, form)])

    return asyncio.run(collect())


def check_round_trip(table: tuple[list[Column], list[tuple[Any, ...]]], form: Format) -> None:
    columns, rows = table
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows")
        path.write_bytes(written(columns, rows, form))
        names, found = read_rows(path, form, columns)
    assert names == [column.name for column in columns]
    # repr tells 1 from 1.0 and 0.0 from -0.0
    assert repr([tuple(row.values()) for row in found]) == repr(rows)
    assert [list(row) for row in found] == [names] * len(rows)


@pytest.mark.parametrize("form", [Format.CSV, Format.NDJSON, Format.JSON_ROWS])
@QUICK
@given(table=tables())
@example(table=([Column("a;b", "INT64"), Column("c\td", "BYTES")], [(1, "\r"), (None, '"')]))
@example(table=([Column("x", "BYTES")], [(None,), ("\n",), (" ",)]))
def test_what_is_written_is_read_again(form: Format, table: tuple[list[Column], list[tuple[Any, ...]]]) -> None:
    check_round_trip(table, form)


@SLOW
@given(table=tables())
def test_what_is_written_in_parquet_is_read_again(table: tuple[list[Column], list[tuple[Any, ...]]]) -> None:
    check_round_trip(table, Format.PARQUET)


json_rows = st.lists(
    st.dictionaries(
        names,
        st.recursive(
            st.none() | st.booleans() | integers | floats | texts,
            lambda v: st.lists(v) | st.dictionaries(texts, v),
            max_leaves=5,
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("form", [Format.NDJSON, Format.JSON_ROWS])
@QUICK
@given(rows=json_rows, chunk_rows=st.integers(1, 7), chunk_bytes=st.integers(2_000, 20_000), version=st.none() | texts)
def test_chunks_hold_the_same_rows_whatever_their_limits(
    form: Format, rows: list[dict[str, Any]], chunk_rows: int, chunk_bytes: int, version: str | None
) -> None:
    limits = Limits(chunk_rows=chunk_rows, chunk_bytes=chunk_bytes, max_rows=100)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows")
        encode = msgspec.json.encode if form is Format.JSON_ROWS else msgspec.json.Encoder().encode_lines
        path.write_bytes(encode(rows))
        try:
            chunks = list(read(path, form, FEATURES, task=TASK, version=version, limits=limits))
        except FieldsError as error:
            refused = str(error)
        else:
            refused = ""
    if refused:
        assert f"{chunk_bytes} bytes" in refused
        return
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert all(1 <= chunk.rows <= chunk_rows and len(chunk.payload.encode()) <= chunk_bytes for chunk in chunks)
    decoded = [msgspec.json.decode(chunk.payload) for chunk in chunks]
    assert [(chunk.first_row, chunk.rows) for chunk in chunks] == [(part[0]["__row"], len(part)) for part in decoded]
    found = [row for part in decoded for row in part]
    for number, row in enumerate(found, 1):
        assert (row.pop("__task"), row.pop("__row"), row.pop("__version", None)) == (str(TASK), number, version)
    assert repr(found) == repr(rows)


SNIPPETS = [
    b",",
    b";",
    b"\t",
    b"\n",
    b"\r\n",
    b"\r",
    b'"',
    b'""',
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\",
    b"\0",
    b"\xff",
    b"\xc3\xa4",
]
SNIPPETS += [b"age,name,rate\n", b"age", b"1", b"-0.5e3", b"null", b'{"age":1}', b'"name"', b"\xef\xbb\xbf", b" "]


@pytest.mark.parametrize("form", [Format.CSV, Format.NDJSON, Format.JSON_ROWS])
@settings(max_examples=400, deadline=None)
@given(content=st.binary() | st.lists(st.sampled_from(SNIPPETS)).map(b"".join), headed=st.booleans())
def test_whatever_is_sent_is_read_or_refused(form: Format, content: bytes, headed: bool) -> None:
    if headed:
        content = b"age,name,rate\n1,2,3\n" + content
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows")
        path.write_bytes(content)
        try:
            _, rows = read_rows(path, form, FEATURES, LIMITS)
        except (FieldsError, TooLargeError):
            return
    if form is Format.CSV and b'"' not in content:
        assert len(rows) == sum(1 for line in content.split(b"\n") if line.strip(b"\r")) - 1
    if form is Format.NDJSON:
        assert len(rows) == sum(1 for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip())


@SLOW
@given(content=st.binary())
def test_whatever_is_sent_as_parquet_is_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows")
        path.write_bytes(b"PAR1" + content + b"PAR1")
        with pytest.raises(FieldsError, match="file"):
            read_rows(path, Format.PARQUET)

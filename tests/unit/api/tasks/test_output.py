import asyncio
import csv
import io
import json
import math
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import psutil
import pyarrow.parquet as pq
import pytest

from api.tasks.errors import BusyError
from api.tasks.formats import parquet_output
from api.tasks.formats.format import Format
from api.tasks.formats.output import OutputColumn, write
from tests.stream import wait_until

COLUMNS = (
    OutputColumn("row", "int"),
    OutputColumn("p", "float"),
    OutputColumn("class", "text"),
    OutputColumn("sure", "bool"),
    OutputColumn("note", "any"),
)
ROWS = [
    (1, 0.1, "good", True, "text"),
    (2, 1e-300, 'a "b", c', False, [1, {"a": None}]),
    (2**53 + 1, math.nan, "line\r\nbreak", None, msgspec.Raw(b"1.50")),
    (4, math.inf, "", True, msgspec.Raw(b'"t\\u00e4"')),
    (5, None, None, None, None),
    (6, -0.0, "Ä;", True, msgspec.Raw(b"null")),
]


async def batches(rows: Sequence[tuple[Any, ...]], size: int = 2) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    for at in range(0, len(rows), size):
        yield rows[at : at + size]
        yield []


def written(form: Format, rows: Sequence[tuple[Any, ...]] = ROWS, columns: Sequence[OutputColumn] = COLUMNS) -> bytes:
    async def collect() -> bytes:
        return b"".join([piece async for piece in write(batches(rows), columns, form)])

    return asyncio.run(collect())


JSON = """[{"row":1,"p":0.1,"class":"good","sure":true,"note":"text"},\
{"row":2,"p":1e-300,"class":"a \\"b\\", c","sure":false,"note":[1,{"a":null}]},
{"row":9007199254740993,"p":null,"class":"line\\r\\nbreak","sure":null,"note":1.50},\
{"row":4,"p":null,"class":"","sure":true,"note":"t\\u00e4"},
{"row":5,"p":null,"class":null,"sure":null,"note":null},\
{"row":6,"p":-0.0,"class":"Ä;","sure":true,"note":null}]"""


def test_json_is_one_array() -> None:
    assert written(Format.JSON_ROWS).decode() == JSON
    assert written(Format.JSON_ROWS, []) == b"[]"
    json.loads(JSON)


def test_ndjson_is_an_object_a_line() -> None:
    expected = "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in json.loads(JSON))
    assert written(Format.NDJSON).decode().replace("1.50", "1.5").replace("\\u00e4", "ä") == expected
    assert written(Format.NDJSON, []) == b""


def test_csv_tells_null_from_empty_text() -> None:
    assert written(Format.CSV).decode() == (
        "row,p,class,sure,note\r\n"
        "1,0.1,good,true,text\r\n"
        '2,1e-300,"a ""b"", c",false,"[1,{""a"":null}]"\r\n'
        '9007199254740993,,"line\r\nbreak",,1.50\r\n'
        '4,,"",true,tä\r\n'
        "5,,,,\r\n"
        '6,-0.0,"Ä;",true,\r\n'
    )
    assert written(Format.CSV, []) == b"row,p,class,sure,note\r\n"


def test_a_formula_is_given_as_it_is() -> None:
    assert written(Format.CSV, [("=1+1",)], [OutputColumn("x", "text")]) == b"x\r\n=1+1\r\n"


def test_a_row_of_one_null_is_a_line_that_readers_do_not_skip() -> None:
    content = written(Format.CSV, [(None,), (math.nan,), (1.5,)], [OutputColumn("x", "float")]).decode()
    assert [row for row in csv.reader(io.StringIO(content)) if row] == [["x"], [""], [""], ["1.5"]]


def test_parquet_has_a_column_of_each_kind() -> None:
    table = pq.read_table(io.BytesIO(written(Format.PARQUET)))
    assert [str(field.type) for field in table.schema] == ["int64", "double", "string", "bool", "string"]
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (1, 0.1, "good", True, "text"),
        (2, 1e-300, 'a "b", c', False, '[1,{"a":null}]'),
        (2**53 + 1, None, "line\r\nbreak", None, "1.50"),
        (4, None, "", True, "tä"),
        (5, None, None, None, None),
        (6, -0.0, "Ä;", True, None),
    ]
    assert pq.read_table(io.BytesIO(written(Format.PARQUET, []))).num_rows == 0


def test_parquet_comes_in_row_groups() -> None:
    rows = [(n, n / 7, f"{n}", n % 2 == 0, None) for n in range(120_000)]
    file = pq.ParquetFile(io.BytesIO(written(Format.PARQUET, rows)))
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [50_000, 50_000, 20_000]
    assert file.read().column("row").to_pylist() == list(range(120_000))


def writers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "api.tasks.formats.parquet" in " ".join(child.cmdline())]


async def endless() -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    number = 0
    while True:
        yield [(number + n, 0.5, "x" * 100, True, f"{number + n}") for n in range(1_000)]
        number += 1_000
        await asyncio.sleep(0)


def test_the_writer_ends_with_a_client_that_leaves() -> None:
    async def leave() -> None:
        pieces = write(endless(), COLUMNS, Format.PARQUET)
        await anext(pieces)
        assert len(writers()) == 1
        await pieces.aclose()

    asyncio.run(leave())
    assert writers() == []


def test_rows_are_read_no_faster_than_they_are_taken() -> None:
    taken = 0

    async def counted() -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        nonlocal taken
        async for batch in endless():
            taken += len(batch)
            yield batch

    async def dawdle() -> None:
        pieces = write(counted(), COLUMNS, Format.PARQUET)
        await anext(pieces)
        still = 0
        while taken < 1_000_000 and not (taken > 50_000 and still == 4):
            before = taken
            await asyncio.sleep(0.25)
            still = still + 1 if taken == before else 0
        await pieces.aclose()

    asyncio.run(dawdle())
    assert taken < 1_000_000


def test_rows_that_fail_midway_make_no_file() -> None:
    async def failing() -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        yield ROWS
        raise ConnectionError("away")

    async def collect() -> None:
        pieces = [piece async for piece in write(failing(), COLUMNS, Format.PARQUET)]
        raise AssertionError(f"{len(pieces)} pieces and no error")

    with pytest.raises(ConnectionError, match="away"):
        asyncio.run(collect())
    assert writers() == []


def test_a_writer_that_ends_early_makes_no_file() -> None:
    async def collect() -> None:
        pieces = write(endless(), COLUMNS, Format.PARQUET)
        await anext(pieces)
        writers()[0].kill()
        async for _ in pieces:
            pass

    with pytest.raises(ChildProcessError, match="ended with status -9"):
        asyncio.run(collect())


def test_one_writer_more_than_may_be_waits_and_then_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_output, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(parquet_output, "writers", asyncio.Semaphore(1))

    async def crowd() -> None:
        first = write(endless(), COLUMNS, Format.PARQUET)
        await anext(first)
        with pytest.raises(BusyError, match="too many Parquet files"):
            await anext(write(endless(), COLUMNS, Format.PARQUET))
        await first.aclose()
        third = write(batches(ROWS), COLUMNS, Format.PARQUET)
        assert [piece async for piece in third]

    asyncio.run(crowd())
    wait_until("the writers have ended", lambda: not writers())

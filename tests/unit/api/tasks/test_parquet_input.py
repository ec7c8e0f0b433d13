import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE
from typing import Any

import msgspec
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.tasks.errors import FieldsError, TooLargeError
from api.tasks.formats.children import environment
from api.tasks.formats.intake import Column, Format, Limits, read
from tests.stream import wait_until
from tests.unit.api.tasks.inputs import FEATURES, LIMITS, TASK, read_chunks, read_rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.parquet"


UTC_PLUS_2 = dt.timezone(dt.timedelta(hours=2))


TYPES = [
    (pa.int8(), -1, "-1"),
    (pa.uint64(), 2**64 - 1, "18446744073709551615"),
    (pa.float64(), 0.1, "0.1"),
    (pa.float64(), float("nan"), "null"),
    (pa.float64(), float("-inf"), "null"),
    (pa.float32(), 0.5, "0.5"),
    (pa.bool_(), True, "true"),
    (pa.string(), 'Ä\n"', '"Ä\\n\\""'),
    (pa.large_string(), "a", '"a"'),
    (pa.null(), None, "null"),
    (pa.dictionary(pa.int8(), pa.string()), "red", '"red"'),
    (pa.decimal128(38, 10), Decimal("12345678901234567890.1234567891"), "12345678901234567890.1234567891"),
    (pa.date32(), dt.date(2026, 11, 22), '"2026-11-22"'),
    (pa.time64("ns"), 3_600_000_000_123, '"01:00:00"'),
    (pa.timestamp("ns"), 1_000_000_123, '"1970-01-01T00:00:01"'),
    (pa.timestamp("us", "Europe/Berlin"), dt.datetime(2026, 1, 1, 2, tzinfo=UTC_PLUS_2), '"2026-01-01T00:00:00Z"'),
    (pa.duration("ns"), 1_500_000_000, '"PT1.5S"'),
    (pa.binary(), b"\x00\xff", '"AP8="'),
    (pa.list_(pa.timestamp("ns")), [1_000_000_000], '["1970-01-01T00:00:01"]'),
    (pa.list_(pa.int32(), 2), [1, 2], "[1,2]"),
    (pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]), {"a": 1, "b": ["x"]}, '{"a":1,"b":["x"]}'),
    (pa.map_(pa.string(), pa.int32()), [("a", 1)], '[["a",1]]'),
]


def test_each_type_becomes_the_json_that_says_most_of_it(file: Path) -> None:
    names = [f"c{n}" for n in range(len(TYPES))]
    arrays = [pa.array([value, None], kind) for kind, value, _ in TYPES]
    pq.write_table(pa.Table.from_arrays(arrays, names=names), file)
    (chunk,) = read_chunks(file, Format.PARQUET, [Column("c0", "BYTES")])
    first, second = msgspec.json.decode(chunk.payload, type=list[dict[str, msgspec.Raw]])
    assert {name: bytes(first[name]).decode() for name in names} == dict(
        zip(names, (shown for _, _, shown in TYPES), strict=True)
    )
    assert {bytes(second[name]) for name in names} == {b"null"}


def test_a_whole_number_that_a_null_has_made_a_float_is_whole_again(file: Path) -> None:
    ages = pa.array([35.0, None, 35.5, float("nan"), float("inf")])
    pq.write_table(pa.table({"age": ages, "rate": ages, "cost": pa.array([Decimal("1.00")] * 5)}), file)
    features = [Column("age", "INT64"), Column("rate", "FP64"), Column("cost", "INT32")]
    payload = read_chunks(file, Format.PARQUET, features)[0].payload
    assert '"__row":1,"age":35,"rate":35.0,"cost":1}' in payload
    assert '"__row":3,"age":35.5,"rate":35.5,"cost":1}' in payload
    assert '"__row":5,"age":null,"rate":null,"cost":1}' in payload


def test_columns_are_those_of_the_file(file: Path) -> None:
    pq.write_table(pa.table({"note": ["n"], "rate": [1.5], "age": [1], "name": ["Ä"]}), file)
    assert read_rows(file, Format.PARQUET) == (
        ["note", "rate", "age", "name"],
        [{"note": "n", "rate": 1.5, "age": 1, "name": "Ä"}],
    )


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"age": [1], "rate": [1.0]}, "name: is missing; the columns are: age, rate"),
        ({"age": [1], "rate": [1.0], "name": ["a"], "__row": [1]}, "__row: the name of a column may not begin with __"),
        ({"age": [], "rate": [], "name": []}, "file: holds no rows"),
        ({"age": [1], "rate": [1.0], "name": ["x" * 300_000]}, "row 1 is too large"),
        (
            {"age": pa.array([1 << 55], pa.timestamp("ms")), "rate": [1.0], "name": ["a"]},
            "age: holds what cannot be read",
        ),
    ],
)
def test_what_a_file_lacks_or_holds_is_refused_by_name(file: Path, table: dict[str, Any], problem: str) -> None:
    pq.write_table(pa.table(table), file)
    with pytest.raises(FieldsError) as refused:
        read_rows(file, Format.PARQUET)
    assert problem in str(refused.value)


def test_two_columns_of_one_name_are_refused(file: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1])] * 2, names=["age", "age"])
    pq.write_table(table, file)
    with pytest.raises(FieldsError, match="age: is the name of 2 columns"):
        read_rows(file, Format.PARQUET)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"age,name\n1,2\n", b"PAR1" + b"\xff" * 1_000 + b"PAR1"])
def test_what_is_no_parquet_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(FieldsError, match="file: is not Parquet that can be read"):
        read_rows(file, Format.PARQUET)


def test_a_damaged_file_is_refused_whatever_it_makes_of_its_reader(file: Path) -> None:
    table = pa.table({"age": list(range(5_000)), "name": [f"{n}" for n in range(5_000)], "rate": [0.5] * 5_000})
    pq.write_table(table, file)
    whole = file.read_bytes()
    for at in range(40, len(whole) - 8, len(whole) // 6):
        file.write_bytes(whole[:at] + bytes(byte ^ 0x5A for byte in whole[at : at + 16]) + whole[at + 16 :])
        try:
            _, rows = read_rows(file, Format.PARQUET)
        except FieldsError:
            continue
        assert len(rows) == 5_000


def test_a_file_that_unpacks_to_more_than_memory_is_refused(file: Path) -> None:
    text = pa.array([bytes(300_000_000)])
    pq.write_table(
        pa.table({"age": [1], "name": text, "rate": [0.5]}),
        file,
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
    )
    assert file.stat().st_size < 1_000_000
    with pytest.raises(FieldsError) as refused:
        read_rows(file, Format.PARQUET)
    assert "file: cannot be read within" in str(refused.value)


def test_rows_that_unpack_to_more_than_is_kept_are_refused(file: Path) -> None:
    names = pa.DictionaryArray.from_arrays(pa.array([0] * 90_000, pa.int32()), ["x" * 10_000])
    pq.write_table(pa.table({"age": [1] * 90_000, "name": names, "rate": [0.5] * 90_000}), file)
    assert file.stat().st_size < 100_000
    limits = Limits(chunk_rows=1_000, chunk_bytes=256 * 1024, max_rows=100_000, max_bytes=50_000_000)
    with pytest.raises(TooLargeError, match="more than 50000000 bytes as JSON"):
        read_rows(file, Format.PARQUET, limits=limits)


def test_the_reader_ends_when_nobody_reads_on(file: Path) -> None:
    rows = 50_000
    pq.write_table(pa.table({"age": list(range(rows)), "name": ["x" * 100] * rows, "rate": [0.5] * rows}), file)
    before = set(psutil.Process().children())
    with read(file, Format.PARQUET, FEATURES, task=TASK, version=None, limits=LIMITS) as intake:
        next(iter(intake))
        (reader,) = set(psutil.Process().children()) - before
    wait_until("the reader has ended", lambda: not reader.is_running())


def test_a_reader_that_is_gone_before_the_end_costs_the_file_not_the_api(file: Path) -> None:
    rows = 50_000
    pq.write_table(pa.table({"age": list(range(rows)), "name": ["x" * 100] * rows, "rate": [0.5] * rows}), file)
    before = set(psutil.Process().children())
    chunks = iter(read(file, Format.PARQUET, FEATURES, task=TASK, version=None, limits=LIMITS))
    next(chunks)
    (reader,) = set(psutil.Process().children()) - before
    reader.kill()
    with pytest.raises(FieldsError, match="file: cannot be read as Parquet: its reader was ended by signal 9"):
        list(chunks)


def test_the_reader_ends_when_the_api_is_killed(file: Path) -> None:
    rows = 50_000
    pq.write_table(pa.table({"age": list(range(rows)), "name": ["x" * 100] * rows, "rate": [0.5] * rows}), file)
    program = (
        "from tests.unit.api.tasks.inputs import *\n"
        f"chunks = iter(read(Path({str(file)!r}), Format.PARQUET, FEATURES, task=TASK, version=None, limits=LIMITS))\n"
        "next(chunks); print('begun', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE) as api:  # noqa: S603
        assert api.stdout is not None
        assert api.stdout.readline() == b"begun\n"
        (reader,) = psutil.Process(api.pid).children()
        api.kill()
    wait_until("the reader has ended", lambda: not reader.is_running() or reader.status() == psutil.STATUS_ZOMBIE)


def test_the_reader_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_SIGNING_KEY", "k" * 32)
    assert "TOKEN_SIGNING_KEY" in os.environ
    assert "k" * 32 not in environment().values()

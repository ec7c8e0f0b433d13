from pathlib import Path

import pytest

from api.tasks.errors import FieldsError
from api.tasks.formats.intake import Column, Format
from tests.unit.api.tasks.inputs import read_chunks, read_rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


@pytest.mark.parametrize(
    "content",
    [
        b'age,name,rate\n35,Ann,0.5\n36,"B, C",1\n',
        b'age,name,rate\r\n35,Ann,0.5\r\n36,"B, C",1',
        b'\xef\xbb\xbfage,name,rate\n35,Ann,0.5\n\n36,"B, C",1\n\n\n',
        b"age;name;rate\n35;Ann;0.5\n36;B, C;1\n",
        b"age\tname\trate\n35\tAnn\t0.5\n36\tB, C\t1\n",
        b'"age", "name" ,rate\n35,Ann,0.5\n36,"B, C",1\n'.replace(b', "name" ', b',"name"'),
    ],
)
def test_whatever_people_call_csv_is_read(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    columns, rows = read_rows(file, Format.CSV)
    assert columns == ["age", "name", "rate"]
    assert rows == [{"age": 35, "name": "Ann", "rate": 0.5}, {"age": 36, "name": "B, C", "rate": 1}]


def test_columns_may_be_more_than_the_features_and_in_any_order(file: Path) -> None:
    file.write_text('note,rate,age,name\n"one\r\n""two""",1,2,Ä\n')
    columns, rows = read_rows(file, Format.CSV)
    assert columns == ["note", "rate", "age", "name"]
    assert rows == [{"note": 'one\r\n"two"', "rate": 1, "age": 2, "name": "Ä"}]


@pytest.mark.parametrize(
    ("datatype", "cell", "value"),
    [
        ("INT64", "35", "35"),
        ("INT64", " 35 ", "35"),
        ("INT64", "35.0", "35"),
        ("INT64", "+035", "35"),
        ("INT64", "-9223372036854775808", "-9223372036854775808"),
        ("INT64", "9223372036854775808", '"9223372036854775808"'),
        ("INT64", "35.5", '"35.5"'),
        ("INT64", "1e3", '"1e3"'),
        ("INT64", "1_000", '"1_000"'),
        ("INT64", "३५", '"३५"'),
        ("INT64", "", "null"),
        ("INT32", "2147483647", "2147483647"),
        ("INT32", "2147483648", '"2147483648"'),
        ("FP64", "0.10", "0.10"),
        ("FP64", "1E5", "1E5"),
        ("FP64", ".5", "0.5"),
        ("FP64", "5.", "5.0"),
        ("FP64", "1e-400", "0.0"),
        ("FP64", "1e400", '"1e400"'),
        ("FP64", "nan", '"nan"'),
        ("FP64", "-Infinity", '"-Infinity"'),
        ("FP64", "1_0.5", '"1_0.5"'),
        ("FP64", '"1\n2"', '"1\\n2"'),
        ("FP64", '"1,5"', '"1,5"'),
        ("FP32", "0.1", "0.1"),
        ("BOOL", "True", "true"),
        ("BOOL", "0", "false"),
        ("BOOL", "maybe", '"maybe"'),
        ("BYTES", "35", '"35"'),
        ("BYTES", " a\\ ", '" a\\\\ "'),
        (None, "35", '"35"'),
    ],
)
def test_a_cell_is_what_its_feature_declares_or_stays_text(
    file: Path, datatype: str | None, cell: str, value: str
) -> None:
    file.write_text(f"x,y\n{cell},\n")
    features = [Column("x", datatype)] if datatype else []
    (payload,) = (chunk.payload for chunk in read_chunks(file, Format.CSV, features))
    assert payload.endswith(f'"__row":1,"x":{value},"y":null}}]')


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "file: is empty"),
        (b"\n\n", "file: is empty"),
        (b"age,name,rate\n", "file: holds no rows"),
        (b"age,rate\n1,2\n", "name: is missing; the columns are: age, rate"),
        (b"age,name,rate,age\n", "age: is the name of 2 columns"),
        (b"age,name,rate,\n", ": a column has no name"),
        (b"age,name,rate,__row\n", "__row: the name of a column may not begin with __"),
        (b"age,name,rate\n1,2,3\n1,2\n", "line 3 has 2 cells, where the header has 3"),
        (b'age,name,rate\n1,"a\nb",3\n1,2,3,4\n', "line 4 has 4 cells"),
        (b'age,name,rate\n1,"a"b,3\n', "line 2 is not CSV"),
        (b'age,name,rate\n1,"a,3\n1,2,3\n', "line 3 is not CSV: unexpected end of data"),
        (b"age,name,rate\r1,2,3\r", "line 1 is not CSV"),
        (b"age,name,rate\n1,\xe4,3\n", "line 2 is not in UTF-8"),
        ("age,name,rate\n1,2,3\n".encode("utf-16"), "file: is in UTF-16"),
        (b"age,name,rate\n1,\0,3\n", "line 2 holds a NUL"),
        (b"age,name,rate\n1," + b"x" * 140_000 + b",3\n", "line 2 is not CSV: field larger than field limit"),
        (b"age,name,rate\n1," + b"x" * 300_000 + b",3\n", "line 2 has more than 262144 bytes"),
        (b'age,name,rate\n1,"' + b"x\n" * 150_000, "field larger than field limit"),
        (b"age,name,rate\n" + b'"\n",' * 90_000, "more than 262144 bytes; is a quote left open?"),
        (b"\x89PNG\r\n\x1a\n\0\0", "line 1 is not in UTF-8"),
    ],
)
def test_what_is_no_csv_is_refused_with_the_line(file: Path, content: bytes, problem: str) -> None:
    file.write_bytes(content)
    with pytest.raises(FieldsError) as refused:
        read_rows(file, Format.CSV)
    assert problem in str(refused.value)

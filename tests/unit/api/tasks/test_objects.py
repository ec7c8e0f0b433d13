from pathlib import Path

import pytest

from api.tasks.errors import FieldsError
from api.tasks.formats.intake import Format
from tests.unit.api.tasks.inputs import read_chunks, read_rows


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows"


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b'{"name":"\xc3\x84","age":1}\n{"age":2,"note":[{}]}\n{}\n', Format.NDJSON),
        (b'\xef\xbb\xbf\r\n{"name":"\\u00c4","age":1}\r\n\r\n {"age":2, "note":[ {}]} \r\n{ }', Format.NDJSON),
        (b'[{"name":"\xc3\x84","age":1},{"age":2,"note":[{}]},{}]', Format.JSON_ROWS),
        (b'\xef\xbb\xbf\n[ {"name" :"\xc3\x84", "age":1} ,\n{"age":2,"note":[{}]}\n,{\n}\n] \n', Format.JSON_ROWS),
    ],
)
def test_rows_are_objects_whose_other_columns_follow_the_features(file: Path, content: bytes, form: Format) -> None:
    file.write_bytes(content)
    columns, rows = read_rows(file, form)
    assert columns == ["age", "name", "rate", "note"]
    assert rows == [{"name": "Ä", "age": 1}, {"age": 2, "note": [{}]}, {}]


NUMBERS = '{"age":12345678901234567890123456789,"rate":0.10,"x":-0,"y":1E-7,"z":[1.50,null,true]}'


@pytest.mark.parametrize(("content", "form"), [(NUMBERS, Format.NDJSON), (f"[{NUMBERS}]", Format.JSON_ROWS)])
def test_values_come_through_as_they_are_written(file: Path, content: str, form: Format) -> None:
    file.write_text(content)
    (chunk,) = read_chunks(file, form)
    assert chunk.payload.partition('"__row":1,')[2] == NUMBERS[1:] + "]"


PROBLEMS = [
    (b"[1]", "is not a JSON object"),
    (b"null", "is not a JSON object"),
    (b'{"a":1', "is not JSON"),
    (b'{"a":01}', "not JSON"),
    (b'{"a":NaN}', "not JSON"),
    (b'{"a":-Infinity}', "not JSON"),
    (b'{"a":1e400}', "not JSON"),
    (b'{"a":"\\ud800"}', "not JSON"),
    (b'{"a":"\xff"}', "not in UTF-8"),
    (b'{"a":' + b"[" * 50 + b"]" * 50 + b"}", "deep"),
    (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
    (b'{"__row":1}', "__row: the name of a column may not begin with __"),
    (b'{"a\\u0000b":1}', "a\0b: the name of a column may not hold a NUL"),
    (b'{"":1}', "a column has no name"),
    (b'{"a":"' + b"x" * 300_000 + b'"}', "262144 bytes"),
    (b"{" + b",".join(b'"c%d":1' % n for n in range(1_001)) + b"}", "1001 columns"),
]


@pytest.mark.parametrize(("row", "problem"), PROBLEMS)
def test_a_line_that_is_no_row_is_refused_by_its_number(file: Path, row: bytes, problem: str) -> None:
    file.write_bytes(b'{"age":1}\n\n' + row + b"\n")
    with pytest.raises(FieldsError) as refused:
        read_rows(file, Format.NDJSON)
    assert problem in str(refused.value)
    assert problem[:2] in {"__", "a ", "a\0", "10"} or "line 3" in str(refused.value)


@pytest.mark.parametrize(("row", "problem"), PROBLEMS)
def test_an_element_that_is_no_row_is_refused(file: Path, row: bytes, problem: str) -> None:
    file.write_bytes(b'[{"age":1},' + row + b"]")
    with pytest.raises(FieldsError) as refused:
        read_rows(file, Format.JSON_ROWS)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "are no JSON array"),
        ('{"age":1}', "are no JSON array"),
        ("[]", "holds no rows"),
        ("[", "row 1 is not JSON"),
        ('[{"age":1}', "row 1 is followed by neither a comma nor the end"),
        ('[{"age":1}{"age":2}]', "row 1 is followed by neither a comma nor the end"),
        ('[{"age":1},]', "row 2 is not JSON"),
        ('[{"age":1}] 1', "are followed by something else"),
    ],
)
def test_what_is_no_array_of_objects_is_refused(file: Path, content: str, problem: str) -> None:
    file.write_text(content)
    with pytest.raises(FieldsError) as refused:
        read_rows(file, Format.JSON_ROWS)
    assert problem in str(refused.value)


def test_an_array_larger_than_a_block_is_read_whole(file: Path) -> None:
    rows = [f'{{"age":{n},"note":"{"x" * (n % 997)}]"}}' for n in range(1_000)]
    file.write_text("[" + " ,\n".join(rows) + "]")
    _, read = read_rows(file, Format.JSON_ROWS)
    assert [row["age"] for row in read] == list(range(1_000))

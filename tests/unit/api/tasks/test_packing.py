from pathlib import Path

import pytest

from api.tasks.errors import FieldsError, TooLargeError
from api.tasks.formats.intake import Format, Limits
from tests.unit.api.tasks.inputs import read_chunks

ROWS = '{"age":1}\n' * 10


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(ROWS)
    return path


def test_a_version_stands_in_each_row(file: Path) -> None:
    chunks = read_chunks(file, Format.NDJSON, limits=Limits(8, 2_000, 10), version='1"')
    assert [(chunk.number, chunk.first_row, chunk.rows) for chunk in chunks] == [(0, 1, 8), (1, 9, 2)]
    assert chunks[1].payload.startswith(
        '[{"__task":"01938f0e-7c00-7000-8000-000000000001","__row":9,"__version":"1\\"","age":1},{'
    )


def test_more_rows_than_are_taken_are_refused(file: Path) -> None:
    assert len(read_chunks(file, Format.NDJSON, limits=Limits(1_000, 2_000, 10))) == 1
    with pytest.raises(TooLargeError, match="at most 9 rows"):
        read_chunks(file, Format.NDJSON, limits=Limits(1_000, 2_000, 9))


def test_rows_that_come_to_more_bytes_than_are_taken_are_refused(file: Path) -> None:
    with pytest.raises(TooLargeError, match="more than 300 bytes"):
        read_chunks(file, Format.NDJSON, limits=Limits(1, 2_000, 10, max_bytes=300))


def test_a_row_that_only_its_number_makes_too_large_is_named(file: Path) -> None:
    size = len(read_chunks(file, Format.NDJSON, limits=Limits(1, 2_000, 10))[0].payload)
    with pytest.raises(FieldsError, match="row 10 is too large"):
        read_chunks(file, Format.NDJSON, limits=Limits(3, size, 10))

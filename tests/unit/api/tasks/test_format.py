import pytest

from api.tasks.errors import NotAcceptableError, UnsupportedFormatError
from api.tasks.formats.format import Format, accepted, format_of


@pytest.mark.parametrize(
    ("content_type", "file_name", "form"),
    [
        ("text/csv", None, Format.CSV),
        ("Text/CSV; charset=UTF-8; header=present", "rows.parquet", Format.CSV),
        ("text/tab-separated-values", None, Format.CSV),
        ("application/vnd.ms-excel", "rows.csv", Format.CSV),
        ("application/octet-stream", "ROWS.CSV", Format.CSV),
        ("", "rows.tsv", Format.CSV),
        ("application/x-ndjson", "rows", Format.NDJSON),
        ("application/jsonl", None, Format.NDJSON),
        (None, "rows.jsonl", Format.NDJSON),
        ("text/plain", "rows.2026.ndjson", Format.NDJSON),
        ("application/vnd.apache.parquet", None, Format.PARQUET),
        (None, "rows.parquet", Format.PARQUET),
        ("application/json", None, Format.JSON_ROWS),
        ("application/octet-stream", "rows.json", Format.JSON_ROWS),
    ],
)
def test_an_uploads_format_is_that_of_its_content_type_or_else_of_its_name(
    content_type: str | None, file_name: str | None, form: Format
) -> None:
    assert format_of(content_type, file_name) is form


@pytest.mark.parametrize(
    ("content_type", "file_name"),
    [
        (None, None),
        ("application/octet-stream", "rows"),
        ("application/octet-stream", "rows.xlsx"),
        ("application/vnd.ms-excel", "rows.xls"),
        ("image/png", "rows.csv"),
        ("nonsense", "rows.csv"),
        ("text/csv; charset=iso-8859-1", "rows.csv"),
    ],
)
def test_another_format_is_not_taken(content_type: str | None, file_name: str | None) -> None:
    with pytest.raises(UnsupportedFormatError, match="is not taken"):
        format_of(content_type, file_name)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Format.JSON_ROWS),
        ("", Format.JSON_ROWS),
        ("*/*", Format.JSON_ROWS),
        ("application/*", Format.JSON_ROWS),
        ("text/*", Format.CSV),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format.JSON_ROWS),
        ("TEXT/CSV", Format.CSV),
        ("text/csv; header=present", Format.CSV),
        ("application/x-ndjson", Format.NDJSON),
        ("application/jsonl", Format.NDJSON),
        ("application/vnd.apache.parquet", Format.PARQUET),
        ("application/json;q=0.5, text/csv;q=0.8", Format.CSV),
        ("application/json;q=0.5, text/csv;q=0.5", Format.JSON_ROWS),
        ("text/csv, */*", Format.CSV),
        ("*/*, text/csv;q=0.5", Format.JSON_ROWS),
        ("*/*, application/json;q=0", Format.NDJSON),
        ("application/*, application/json;q=0.1", Format.NDJSON),
        ("text/csv;q=0, text/*", None),
        ("text/html", None),
        ("application/json;q=0", None),
        ("*/*;q=0.000", None),
        ("text/csv;q=2", None),
        ("json", None),
        (",;,", None),
    ],
)
def test_the_weightiest_format_of_the_accept_header_is_given(accept: str | None, form: Format | None) -> None:
    if form is None:
        with pytest.raises(NotAcceptableError, match="allows none of what is given"):
            accepted(accept)
    else:
        assert accepted(accept) is form

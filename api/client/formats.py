"""The kinds of files that rows and results come in."""

from enum import StrEnum
from pathlib import PurePath

from api.client.errors import UsageError


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    PARQUET = "parquet"

    @property
    def content_type(self) -> str:
        return {
            Format.CSV: "text/csv",
            Format.JSON: "application/json",
            Format.NDJSON: "application/x-ndjson",
            Format.PARQUET: "application/vnd.apache.parquet",
        }[self]


BY_SUFFIX = {
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".parquet": Format.PARQUET,
}
FROM_INPUT = "-"


def of_input(file: str, told: Format | None) -> Format:
    """The format of a file of rows: as it is told, else by the file's name.

    Raises:
        UsageError: it cannot be known.
    """
    known = told or BY_SUFFIX.get(PurePath(file).suffix.lower())
    if known is None:
        raise UsageError(f"{file}: name its format, as in --format csv (csv, json, ndjson or parquet)")
    return known


def of_output(output: str, told: Format | None) -> Format:
    """The format of what is fetched: as it is told, else by the file's name, else CSV."""
    return told or BY_SUFFIX.get(PurePath(output).suffix.lower(), Format.CSV)

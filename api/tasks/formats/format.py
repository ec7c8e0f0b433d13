"""The formats of a task's rows, and which of them a request means."""

import re
from enum import Enum
from typing import Final

from api.tasks.errors import NotAcceptableError, UnsupportedFormatError


class Format(Enum):
    """A format that rows are taken and given in; its value is its content type."""

    JSON_ROWS = "application/json"
    NDJSON = "application/x-ndjson"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"

    @property
    def content_type(self) -> str:
        """The media type, without parameters."""
        return self.value

    @property
    def extension(self) -> str:
        """What a file's name ends with, without the dot."""
        return EXTENSIONS[self]


EXTENSIONS: Final = {
    Format.JSON_ROWS: "json",
    Format.NDJSON: "jsonl",
    Format.CSV: "csv",
    Format.PARQUET: "parquet",
}
ALIASES: Final = {
    **{form.content_type: form for form in Format},
    "application/csv": Format.CSV,
    "text/x-csv": Format.CSV,
    "text/tab-separated-values": Format.CSV,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/x-jsonl": Format.NDJSON,
    "application/jsonlines": Format.NDJSON,
    "application/x-jsonlines": Format.NDJSON,
    "application/parquet": Format.PARQUET,
    "application/x-parquet": Format.PARQUET,
}
ENDINGS: Final = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".jsonl": Format.NDJSON,
    ".ndjson": Format.NDJSON,
    ".json": Format.JSON_ROWS,
    ".parquet": Format.PARQUET,
}
# what is sent where the sender knows no better: a browser on a machine with a spreadsheet takes .csv for its own
VAGUE: Final = {"", "application/octet-stream", "binary/octet-stream", "text/plain", "application/vnd.ms-excel"}
UTF8: Final = {"", "utf-8", "utf8", "utf-8-sig", "us-ascii", "ascii"}
QUALITY: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def format_of(content_type: str | None, file_name: str | None) -> Format:
    """The format of an upload, by its content type; by the file's name where that says nothing.

    Raises:
        UnsupportedFormatError: it is none of those taken, or not in UTF-8.
    """
    media_type, parameters = _split(content_type or "")
    form = ALIASES.get(media_type)
    if form is None and media_type in VAGUE:
        ending = re.search(r"\.[a-z]+$", (file_name or "").strip().lower())
        form = ENDINGS.get(ending.group()) if ending else None
    if form is None:
        raise UnsupportedFormatError(
            f"{content_type or 'no content type'} with the file name {file_name or '(none)'} is not taken: send "
            "text/csv (.csv), application/x-ndjson (.jsonl, .ndjson), application/vnd.apache.parquet (.parquet) "
            "or application/json (.json)"
        )
    if form is not Format.PARQUET and parameters.get("charset", "").lower() not in UTF8:
        raise UnsupportedFormatError(f"text in {parameters['charset']} is not taken: send it in UTF-8")
    return form


def accepted(accept: str | None) -> Format:
    """The format to answer in, by RFC 9110, 12.5.1: the weightiest; of these the one that is named most exactly.

    The order of `Format` decides where that leaves several; without a header, or with an empty one, it is JSON.

    Raises:
        NotAcceptableError: the header allows none of them.
    """
    if not (accept or "").strip():
        return Format.JSON_ROWS
    ranges = [found for part in str(accept).split(",") if (found := _range(part))]
    weights = [(*_weight(form, ranges), -order, form) for order, form in enumerate(Format)]
    quality, _, _, best = max(weights, key=lambda weight: weight[:3])
    if quality == 0:
        given = ", ".join(form.content_type for form in Format)
        raise NotAcceptableError(f"'{accept}' allows none of what is given: {given}")
    return best


def _weight(form: Format, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The quality that the most exact of the ranges gives a format, and how exact that is."""
    kind = form.content_type.partition("/")[0]
    fitting = [
        (exactness, quality)
        for media_range, quality in ranges
        for exactness, fits in (
            (3, ALIASES.get(media_range) is form),
            (2, media_range == f"{kind}/*"),
            (1, media_range == "*/*"),
        )
        if fits
    ]
    exactness, quality = max(fitting, default=(0, 0.0))
    return quality, exactness


def _range(part: str) -> tuple[str, float] | None:
    """A media range and its quality; None if it is none."""
    media_range, parameters = _split(part)
    quality = parameters.get("q", "1")
    if "/" not in media_range or not QUALITY.fullmatch(quality):
        return None
    return media_range, float(quality)


def _split(text: str) -> tuple[str, dict[str, str]]:
    """A media type in small letters and its parameters."""
    media_type, *parameters = (part.strip() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    return media_type.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
